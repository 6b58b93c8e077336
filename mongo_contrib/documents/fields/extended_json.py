"""Extended JSON: BSON values as text, for serializers and for forms.

The relaxed form of the specification, readable where JSON has the type itself. Three things that
it loses are kept here: a small 64-bit integer, the subtype of a legacy UUID, and a document whose
keys look like a notation's, which is written as `{"$pairs": [[key, value], ...]}`.
"""

from __future__ import annotations

import base64
import datetime
import json
from typing import Any
from uuid import UUID

from bson import Binary, Int64, json_util
from bson.binary import UUID_SUBTYPE, UuidRepresentation
from bson.codec_options import DatetimeConversion
from bson.errors import BSONError
from django import forms
from django.conf import settings
from django.core import exceptions
from django.db import DatabaseError

_PAIRS = "$pairs"
#: What the driver raises of values that are not written as their notation has it.
_NOT_OF_ITS_NOTATION = (
    *(ArithmeticError, AttributeError, KeyError, TypeError, ValueError),
    BSONError,
)
#: What fields raise, beside ValidationError, of values that they can't convert or store.
_NOT_OF_THE_FIELD = (ArithmeticError, TypeError, ValueError, DatabaseError)
_INT32_MIN, _INT32_MAX = -(2**31), 2**31 - 1


def dumps(value: Any, **options: Any) -> str:
    """Return a stored value as text; other options are those of `json.dumps()`."""
    return json_util.dumps(_marked(value), json_options=_options(), **options)


def loads(text: str) -> Any:
    """Return the stored value that `dumps()` wrote, or a person; ValueError if it is none."""
    options = _options()
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: _read(pairs, options))
    except (*_NOT_OF_ITS_NOTATION, RecursionError) as error:
        raise ValueError(str(error)) from error


def jsonable(value: Any) -> Any:
    """Return a stored value as dicts, lists and scalars of JSON."""
    return json.loads(dumps(value))


def from_jsonable(value: Any) -> Any:
    """Return the stored value of what `jsonable()` gave; ValueError if it is none."""
    return loads(json.dumps(value))


def _options() -> Any:
    return json_util.JSONOptions(
        json_mode=json_util.JSONMode.RELAXED,
        tz_aware=settings.USE_TZ,
        tzinfo=datetime.UTC if settings.USE_TZ else None,
        uuid_representation=UuidRepresentation.STANDARD,
        datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    )


def _marked(value: Any) -> Any:
    if isinstance(value, dict):
        marked = {key: _marked(item) for key, item in value.items()}
        if any(key.startswith("$") for key in marked):
            # Whether the driver reads one as a notation depends on what stands inside.
            return {_PAIRS: [list(pair) for pair in marked.items()]}
        return marked
    if isinstance(value, list | tuple):
        return [_marked(item) for item in value]
    if type(value) is Int64 and _INT32_MIN <= value <= _INT32_MAX:
        # As a plain number it would come back as a 32-bit one.
        return {"$numberLong": str(value)}
    return value


def _read(pairs: list[tuple[str, Any]], options: Any) -> Any:
    document = dict(pairs)
    if document.keys() == {_PAIRS}:
        return {str(key): value for key, value in document[_PAIRS]}
    return _converted(document, options)


def _converted(document: dict[str, Any], options: Any) -> Any:
    if not any(key.startswith("$") for key in document):
        return document
    binary = document.get("$binary")
    if len(document) == 1 and isinstance(binary, dict) and binary.keys() == {"base64", "subType"}:
        return _binary(base64.b64decode(binary["base64"]), int(binary["subType"], 16))
    return json_util.object_hook(document, options)


def _binary(data: bytes, subtype: int) -> Any:
    """Return bytes of a subtype as the driver reads them from a document."""
    if subtype == UUID_SUBTYPE and len(data) == 16:
        return UUID(bytes=data)
    return Binary(data, subtype) if subtype else data


class ExtendedJSONFormField(forms.CharField):
    """A text area with the Extended JSON of what `model_field` stores; its value is of that."""

    widget = forms.Textarea

    def __init__(self, *, model_field: Any, **kwargs: Any) -> None:
        self.model_field = model_field
        kwargs.setdefault("empty_value", None)
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        if value is None or type(value) is str:
            return value
        return dumps(self.model_field.to_bson(value), ensure_ascii=False)

    def to_python(self, value: Any) -> Any:
        if value is None or type(value) is str:
            text = super().to_python(value)
            if text is None:
                return self._nothing()
            value = self.model_field.parse_text(text)
        try:
            return None if value is None else self.model_field.to_value(value)
        except _NOT_OF_THE_FIELD as error:
            raise exceptions.ValidationError(str(error), code="invalid") from error

    def _nothing(self) -> Any:
        """Return what a field that was left empty stands for: None only where that may be."""
        field = self.model_field
        return None if field.null or not field.has_default() else field.get_default()

    def validate(self, value: Any) -> None:
        forms.Field.validate(self, value)

    def run_validators(self, value: Any) -> None:
        """The model field runs its own."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self._normal(initial) != self._normal(data)
        except (exceptions.ValidationError, *_NOT_OF_THE_FIELD):
            return True

    def _normal(self, value: Any) -> Any:
        return self.prepare_value(self.to_python(self.prepare_value(value)))
