"""Serializers of sessions: one that holds the values of Python and BSON, and which are refused."""

import json
import pickletools
from collections.abc import Callable
from functools import cache
from itertools import chain
from types import NoneType
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from .notations import PAIRS, WRITERS, read

__all__ = ["ExtendedJSONSerializer", "refuse_pickle"]

_TEXT = frozenset({str})
_SCALARS = frozenset({str, int, float, bool, NoneType})
_PLAIN = _SCALARS | {dict, list, tuple}
# As Django's JSONSerializer writes, byte for byte.
_ENCODER = json.JSONEncoder(separators=(",", ":"))
_PLAIN_DECODER = json.JSONDecoder()
_DECODER = json.JSONDecoder(object_hook=read)
_TOO_DEEP = "The data is nested too deeply, or contains itself."


class ExtendedJSONSerializer:
    """JSON as Django's JSONSerializer has it, and dates, ObjectIds, bytes, ... as they are.

    Beyond JSON's types it holds datetime (the zone of an aware one becomes its offset), date,
    time, timedelta, Decimal, UUID, bytes, re.Pattern and every type of BSON. The text is MongoDB
    Extended JSON v2 where that loses nothing; see `notations`. What it can't hold is a TypeError
    that says where it is. The same value gives the same text, and a text that was read gives
    itself.
    """

    def dumps(self, obj: Any) -> bytes:
        """Return `obj` as JSON; TypeError for what can't be held, ValueError for no end of it."""
        try:
            try:
                text = _ENCODER.encode(obj)
            except TypeError:  # It is silent about subclasses, and says nothing of where.
                text = ""
            # A key may begin with "$"; any other text that does is written the same way twice.
            if not text or '"$' in text or not _is_plain(obj):
                text = _ENCODER.encode(_jsonable(obj))
        except RecursionError:
            raise ValueError(_TOO_DEEP) from None
        return text.encode()

    def loads(self, data: bytes) -> Any:
        """Return what dumps() was given; ValueError where the text is damaged, whatever it is."""
        text = data.decode()
        # Without "$" at the start of a text there is no notation, however it is written.
        plain = '"$' not in text and '"\\u0024' not in text
        try:
            return (_PLAIN_DECODER if plain else _DECODER).decode(text)
        except RecursionError:
            raise ValueError(_TOO_DEEP) from None


def _is_plain(value: Any) -> bool:
    """Whether all of `value`, which has an end, is of JSON's own types and of no subclass."""
    level = [value]
    # A level at a time: comparing its types takes no longer than encoding it.
    while not (kinds := set(map(type, level))) <= _SCALARS:
        if not kinds <= _PLAIN:
            return False
        dicts = [each for each in level if type(each) is dict]
        if not set(map(type, chain.from_iterable(dicts))) <= _TEXT:
            return False
        lists = [each for each in level if type(each) is list or type(each) is tuple]
        level = [*chain.from_iterable(map(dict.values, dicts)), *chain.from_iterable(lists)]
    return True


def _jsonable(value: Any, path: tuple[Any, ...] = ()) -> Any:
    """Return `value` in JSON's types: what they lack as notations, at any depth."""
    for kind in type(value).__mro__:
        if kind in _SCALARS:
            return value
        if kind in WRITERS:
            items = WRITERS[kind](value).items()
            return {key: _jsonable(item, (*path, key)) for key, item in items}
        if kind is dict:
            return _escaped(value, path)
        if kind is list or kind is tuple:
            return [_jsonable(item, (*path, number)) for number, item in enumerate(value)]
    raise TypeError(
        f"Object of type {type(value).__name__} is not JSON serializable{_place(path)}; a "
        "session holds what JSON and BSON have, and Python's dates, times, decimals and bytes."
    )


def _escaped(value: dict[Any, Any], path: tuple[Any, ...]) -> Any:
    # By its text, as the keys of JSON are: of 1 and "1" the later one counts.
    texts = {_text_of_key(key, path): _jsonable(item, (*path, key)) for key, item in value.items()}
    if any(text.startswith("$") for text in texts):
        return {PAIRS: list(texts.items())}
    return texts


def _text_of_key(key: Any, path: tuple[Any, ...]) -> str:
    if isinstance(key, str):
        return key
    try:
        (text,) = json.loads(_ENCODER.encode({key: None}))
    except TypeError:
        raise TypeError(
            f"A key of a dict is of type {type(key).__name__}{_place(path)}, and keys of JSON "
            "are str, int, float, bool or None."
        ) from None
    return text


def _place(path: tuple[Any, ...]) -> str:
    return f" at {''.join(f'[{key!r}]' for key in path)}" if path else ""


# A pickle of this text; its opcodes put a text down, and stop.
_TOLD = "told by unpickling"
_PICKLE = f"V{_TOLD}\n.".encode()
_PICKLERS = frozenset({"pickle", "cloudpickle", "dill", "jsonpickle", "Pickler", "Unpickler"})
_USE = "use 'django.contrib.sessions.serializers.JSONSerializer' or one like it."
_RUNS_CODE = "and unpickling runs whatever code somebody has written into the database; " + _USE


def refuse_pickle(serializer_path: str) -> None:
    """Raise ImproperlyConfigured where SESSION_SERIALIZER pickles, or is no serializer at all.

    A name with "pickle" in it is refused as it is. Any other class is asked once what it writes,
    and whether it reads a harmless pickle.
    """
    if problem := _problem_of_path(serializer_path):
        raise ImproperlyConfigured(f"SESSION_SERIALIZER is {serializer_path!r}, {problem}")


def _problem_of_path(path: Any) -> str | None:
    if "pickle" in str(path).lower():
        return _RUNS_CODE
    try:
        found = import_string(path)
    except (ImportError, AttributeError) as exc:
        return f"which cannot be imported: {exc}; {_USE}"
    if not callable(found):
        return f"which is no class; {_USE}"
    return _problem(found)


@cache
def _problem(factory: Callable[[], Any]) -> str | None:
    try:
        serializer = factory()
    except TypeError as exc:
        return f"which cannot be made without arguments: {exc}; {_USE}"
    for name in ("dumps", "loads"):
        if not callable(getattr(serializer, name, None)):
            return f"which has no method {name}(); {_USE}"
    names = {f"{base.__module__}.{base.__qualname__}" for base in type(serializer).__mro__}
    if any("pickle" in name.lower() for name in names):
        return _RUNS_CODE
    if _names_pickler(serializer) or _writes_pickle(serializer) or _reads_pickle(serializer):
        return _RUNS_CODE
    return None


def _names_pickler(serializer: Any) -> bool:
    """Whether its methods speak of a pickler: one may lie in a compressed or a signed text."""
    codes = [getattr(getattr(serializer, name), "__code__", None) for name in ("dumps", "loads")]
    return any(not _PICKLERS.isdisjoint(code.co_names) for code in codes if code is not None)


def _writes_pickle(serializer: Any) -> bool:
    try:
        # Names the opcodes and runs none.
        list(pickletools.genops(serializer.dumps({})))
    except Exception:  # A project's own code may raise anything, and this is no pickle then.
        return False
    return True


def _reads_pickle(serializer: Any) -> bool:
    try:
        return serializer.loads(_PICKLE) == _TOLD
    except Exception:  # As above; what refuses a pickle is what is wanted.
        return False
