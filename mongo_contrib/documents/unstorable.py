"""Which field of a document is to blame when it can't be stored, and why, in a sentence."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator
from typing import Any

from bson import encode
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from bson.errors import BSONError
from django.core.exceptions import ValidationError
from django.db.utils import DataError

from ..exceptions import DocumentInvalid, DocumentTooLarge, UnreadableValue, ValueNotStorable
from ..mapping.plan import plan_of

#: So many documents and arrays can lie in one another, says MongoDB's manual; servers take more.
MAX_DEPTH = 100

#: What MongoDB takes for one document.
MAX_BYTES = 16 * 1024 * 1024

_OPTIONS: CodecOptions[Any] = CodecOptions(uuid_representation=UuidRepresentation.STANDARD)


def explained(instance: Any, error: Exception) -> Exception:
    """Return the error that names document and field; `error` itself if it says all."""
    if isinstance(error, DocumentInvalid | UnreadableValue):
        return error
    label, key = instance._meta.label, instance.pk
    place = f"{label} {key}" if key is not None else f"A new {label}"
    document: dict[str, Any] = {}
    plan = plan_of(type(instance))
    for field in plan.chosen(instance):
        try:
            document |= plan.encode(instance, add=False, raw=True, fields=[field])
        except RecursionError:
            return ValueNotStorable(
                f"{place}: {field.attname!r} holds itself, or is nested too deep."
            )
        except (ValidationError, TypeError, ValueError) as fault:
            return _named(place, field.attname, instance, fault)
        except Exception:
            # The field's own words are those that have been said already.
            return error
    if isinstance(error, DocumentTooLarge):
        return _too_large(place, document, error)
    for name, value in document.items():
        if reason := next(_faults(value, name, 1, ()), ""):
            return ValueNotStorable(f"{place}: {reason}")
    return error


def _named(place: str, name: str, instance: Any, fault: Exception) -> Exception:
    """Return an error of the same kind that says of which document and field it is."""
    words = "; ".join(fault.messages) if isinstance(fault, ValidationError) else str(fault)
    if repr(name) not in words:
        value = reprlib.repr(getattr(instance, name))
        words = f"{name!r} is {value}: {words}"
    text = f"{place}: {words}"
    if isinstance(fault, ValidationError):
        return ValidationError(text, code=getattr(fault, "code", None))
    return TypeError(text) if isinstance(fault, TypeError) else ValueError(text)


def _too_large(place: str, document: dict[str, Any], error: DocumentTooLarge) -> Exception:
    sizes = {
        name: len(encode({name: value}, codec_options=_OPTIONS))
        for name, value in document.items()
    }
    if sum(sizes.values()) < MAX_BYTES:
        # Of many that were sent, it is another one.
        return error
    largest = max(sizes, key=lambda name: sizes[name])
    return DocumentTooLarge(
        f"{place} has {sum(sizes.values()):,} bytes, and a document can have 16 MB; "
        f"{sizes[largest]:,} of them are {largest!r}'s. Large contents belong into a FileField. "
        f"({error})"
    )


def _faults(value: Any, path: str, depth: int, around: tuple[int, ...]) -> Iterator[str]:
    """Yield what is wrong with a value to be stored, and where."""
    if isinstance(value, dict | list):
        if id(value) in around:
            yield f"{path!r} holds itself."
            return
        if depth > MAX_DEPTH:
            yield f"{path!r} is nested too deep: more than {MAX_DEPTH} levels."
            return
        around = (*around, id(value))
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            if isinstance(value, dict) and (not isinstance(key, str) or "\0" in key):
                yield f"{path!r} has the key {key!r}; keys are strings without null characters."
                return
            yield from _faults(item, f"{path}.{key}", depth + 1, around)
        return
    try:
        encode({"": value}, codec_options=_OPTIONS)
    except (BSONError, OverflowError, UnicodeEncodeError) as error:
        yield f"{path!r} is {value!r} ({type(value).__name__}), which BSON can't hold: {error}."


#: What is worth looking into.
TELLING = (DataError, RecursionError, ValidationError, TypeError, ValueError)
