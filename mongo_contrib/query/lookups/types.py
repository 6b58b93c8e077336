"""What is stored at all, of which BSON type, and with which bits and remainders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..casting import WHOLE, element
from ..conditions import Condition
from ..paths import Path, kind
from .table import lookup

#: The numbers of BSON's types by the names that `$type` knows.
BSON_TYPES = {
    "double": 1,
    "string": 2,
    "object": 3,
    "array": 4,
    "binData": 5,
    "undefined": 6,
    "objectId": 7,
    "bool": 8,
    "date": 9,
    "null": 10,
    "regex": 11,
    "dbPointer": 12,
    "javascript": 13,
    "symbol": 14,
    "javascriptWithScope": 15,
    "int": 16,
    "timestamp": 17,
    "long": 18,
    "decimal": 19,
    "minKey": -1,
    "maxKey": 127,
}


@lookup("exists")
def exists(path: Path, value: Any) -> Condition:
    """The key is there, be it with null: `isnull` does not tell null from missing."""
    if not isinstance(value, bool):
        raise ValueError(f"The 'exists' look-up on {path.path!r} is True or False, not {value!r}.")
    return {path.path: {"$exists": value}}


@lookup("type", "bson_type")
def bson_type(path: Path, value: Any) -> Condition:
    """The stored value is of one of the types; of a list, an element is, or the list itself."""
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes | dict)
    types = list(value) if several else [value]
    if not types:
        raise ValueError(f"The 'type' look-up on {path.path!r} needs at least one type.")
    for each in types:
        known = each in _NUMBERS if isinstance(each, int) else each in _NAMES
        if not known or isinstance(each, bool):
            raise ValueError(
                f"{each!r} is no BSON type that {path.path!r} could be of; these are: "
                f"{', '.join([*BSON_TYPES, 'number'])}."
            )
    return {path.path: {"$type": types if several else value}}


_NAMES = [*BSON_TYPES, "number"]
_NUMBERS = list(BSON_TYPES.values())


def _is_number(path: Path) -> bool:
    return kind(element(path)) in WHOLE | {"FloatField", "DecimalField", "JSONField"}


def _is_whole(path: Path) -> bool:
    return kind(element(path)) in WHOLE | {"JSONField"}


@lookup("mod", of=_is_number)
def mod(path: Path, value: Any) -> Condition:
    """`pages__mod=(10, 3)`: divided by 10, 3 is left."""
    try:
        divisor, remainder = (_int64(number) for number in value)
    except (TypeError, ValueError):
        raise ValueError(
            f"The 'mod' look-up on {path.path!r} needs (divisor, remainder), two whole numbers, "
            f"not {value!r}."
        ) from None
    if divisor == 0:
        raise ValueError(f"The 'mod' look-up on {path.path!r} can't divide by zero.")
    return {path.path: {"$mod": [divisor, remainder]}}


def _bits(operator: str) -> Any:
    def condition(path: Path, value: Any) -> Condition:
        """Bits as a whole number (a mask), or as a list of their positions."""
        try:
            bits = (
                [_int64(each) for each in value]
                if isinstance(value, list | tuple | set)
                else _int64(value)
            )
            if any(each < 0 for each in ([bits] if isinstance(bits, int) else bits)):
                raise ValueError(value)
        except (TypeError, ValueError):
            raise ValueError(
                f"A look-up of bits on {path.path!r} needs a mask or a list of positions, not "
                f"{value!r}."
            ) from None
        return {path.path: {operator: bits}}

    return condition


for _name in ("all_set", "any_set", "all_clear", "any_clear"):
    _operator = "$bits" + _name.title().replace("_", "")
    lookup(f"bits_{_name}", of=_is_whole)(_bits(_operator))


def _int64(value: Any) -> int:
    number = int(value)
    if isinstance(value, bool) or number != float(value) or not -(2**63) <= number < 2**63:
        raise ValueError(value)
    return number
