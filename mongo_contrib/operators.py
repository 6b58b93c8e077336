"""Atomic changes of stored values, for `update()` and its kin: MongoDB's update operators.

    from mongo_contrib.operators import Inc, Push

    Article.objects.filter(pk=pk).update(views=Inc(1), tags=Push("new", slice=-10))

An operator only says what is to be done; its values are cast by the field that it is given to.
A plain value is set, and `F()` computes, as in Django.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q

__all__ = [
    "AddToSet",
    "Bit",
    "CurrentDate",
    "Inc",
    "Max",
    "Min",
    "Mul",
    "Operator",
    "Pop",
    "Pull",
    "Push",
    "Rename",
    "Set",
    "SetOnInsert",
    "Unset",
]


class Operator:
    """Base of all; `name` is the server's."""

    name = ""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({arguments})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


# Any value


class Set(Operator):
    """Set the value: what a plain value in `update()` does too."""

    name = "$set"


class SetOnInsert(Operator):
    """Set the value if an upsert makes the document, and leave it as it is otherwise."""

    name = "$setOnInsert"


class Unset(Operator):
    """Take the key out of the document."""

    name = "$unset"

    def __init__(self) -> None:
        pass


class Rename(Operator):
    """Move the stored value to another field of the document, given by its name."""

    name = "$rename"


class CurrentDate(Operator):
    """Set a date or datetime to the server's clock."""

    name = "$currentDate"

    def __init__(self) -> None:
        pass


class Min(Operator):
    """Set the value if it is less than the stored one, or there is none."""

    name = "$min"


class Max(Operator):
    """Set the value if it is greater than the stored one, or there is none."""

    name = "$max"


# Numbers


class Inc(Operator):
    """Add to a number, or to a duration; what is missing counts as zero."""

    name = "$inc"

    def __init__(self, value: Any = 1) -> None:
        super().__init__(value)


class Mul(Operator):
    """Multiply a number; what is missing becomes zero."""

    name = "$mul"


class Bit(Operator):
    """Change the bits of a whole number, by one of `and_`, `or_` and `xor`."""

    name = "$bit"

    def __init__(
        self, *, and_: int | None = None, or_: int | None = None, xor: int | None = None
    ) -> None:
        given = {"and": and_, "or": or_, "xor": xor}
        self.masks = {name: mask for name, mask in given.items() if mask is not None}
        if len(self.masks) != 1:
            raise TypeError("Bit() takes exactly one of and_, or_ and xor.")


# Lists


class Push(Operator):
    """Append values to a list, or put them in at `position` (from the end if negative).

    Then it is sorted, if `sort` is given: 1 or -1 by the elements themselves, or names of the
    embedded documents' fields as `order_by()` takes them. Then it is cut: `slice=10` keeps the
    first ten, `slice=-10` the last.
    """

    name = "$push"

    def __init__(
        self,
        *values: Any,
        position: int | None = None,
        slice: int | None = None,
        sort: int | str | list[str] | tuple[str, ...] | None = None,
    ) -> None:
        self.values = values
        self.position = position
        self.slice = slice
        self.sort = sort


class AddToSet(Operator):
    """Append those of the values that the list lacks."""

    name = "$addToSet"

    def __init__(self, *values: Any) -> None:
        self.values = values


class Pull(Operator):
    """Take elements out of a list: all that equal one of the values, or that meet the look-ups.

    tags=Pull("old", "older")
    scores=Pull(lt=3)
    lines=Pull(sku="a", qty__lt=2)
    lines=Pull(Q(sku="a") | Q(qty=0))
    """

    name = "$pull"

    def __init__(self, *values: Any, **lookups: Any) -> None:
        asked = [value for value in values if isinstance(value, Q)]
        if asked and len(asked) != len(values):
            raise TypeError("Pull() takes either values or what is asked of them, not both.")
        if lookups and len(asked) != len(values):
            raise TypeError("Pull() takes either values or look-ups, not both.")
        self.values = () if asked else values
        self.asked = Q(*asked, **lookups) if asked or lookups else None


class Pop(Operator):
    """Take the last element out of a list, or the `first`."""

    name = "$pop"

    def __init__(self, *, first: bool = False) -> None:
        self.first = first


def holds_operators(values: Mapping[str, Any]) -> bool:
    """Tell whether any of the new values is an operator."""
    return any(isinstance(value, Operator) for value in values.values())
