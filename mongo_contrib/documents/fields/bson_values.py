"""Single values that no other field has: regular expressions, code, timestamps, anything."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from django.core import checks, exceptions
from django.db import models
from django.utils.translation import gettext_lazy as _

from ...mapping.values import detached, storable
from .dicts import validate_storable
from .extended_json import ExtendedJSONFormField, dumps
from .nested import NestedField


class BSONField(NestedField):
    """Any BSON value, kept as it is: its type is the same when it is read again.

    `types` allows only some, by the names that `$type` has for them: `BSONField(types="regex")`,
    `BSONField(types=["int", "string"])`. None is no value, as in all fields.
    """

    description = _("BSON value")
    default_error_messages = {
        "type": _("“%(value)s” is of the BSON type %(found)s; allowed are: %(types)s."),
    }

    def __init__(self, *, types: str | Iterable[str] | None = None, **kwargs: Any) -> None:
        self.types = None if types is None else [types] if isinstance(types, str) else list(types)
        super().__init__(**kwargs)

    def get_internal_type(self) -> str:
        return "BSONField"

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        if self.types is not None:
            kwargs["types"] = self.types
        return name, path, args, kwargs

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        errors = super().check(**kwargs)
        if unknown := sorted(set(self.types or ()) - _TYPES.keys()):
            errors.append(
                checks.Error(
                    f"BSON has no type {', '.join(map(repr, unknown))}.",
                    hint=f"There are: {', '.join(sorted(_TYPES))}.",
                    obj=self,
                    id="mongo_contrib.E051",
                )
            )
        return errors

    def to_bson(self, value: Any) -> Any:
        stored = storable(value, self.name)
        self._refuse_other_types(stored)
        return stored

    def from_bson(self, value: Any) -> Any:
        return detached(value)

    def to_python(self, value: Any) -> Any:
        """Return the value of an Extended JSON text, which is how fixtures give it."""
        return self.parse_text(value) if type(value) is str else value

    def to_value(self, value: Any) -> Any:
        return value

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        # Without to_python(): a text is a value here.
        self.validate(value, model_instance)
        self.run_validators(value)
        return value

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        if value is not None:
            validate_storable(self, value)
            self._refuse_other_types(storable(value, self.name))

    def value_from_object(self, obj: models.Model) -> Any:
        # Serializers write numbers and dates as they think best, which has no types of BSON.
        return None if getattr(obj, self.attname) is None else self.value_to_string(obj)

    def value_to_string(self, obj: models.Model) -> str:
        return self.text_of(getattr(obj, self.attname))

    def text_of(self, value: Any) -> str:
        """See `NestedField`; also of what is stored though it is of another type."""
        return dumps(None if value is None else storable(value, self.name))

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(
            **{"form_class": ExtendedJSONFormField, "model_field": self, **kwargs}
        )

    def _refuse_other_types(self, value: Any) -> None:
        if self.types is None or any(_TYPES[name](value) for name in self.types):
            return
        found = next(
            (name for name, is_of in _TYPES.items() if is_of(value)), type(value).__name__
        )
        raise exceptions.ValidationError(
            self.error_messages["type"],
            code="type",
            params={"value": value, "found": found, "types": ", ".join(self.types)},
        )


def _of(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: type(value) in kinds


_INT32 = range(-(2**31), 2**31)

#: The names of `$type` (manual: "BSON Types"), and whether a value is of that type.
_TYPES: dict[str, Callable[[Any], bool]] = {
    "double": _of(float),
    "string": _of(str),
    "object": _of(dict),
    "array": _of(list),
    "binData": _of(bytes, Binary, uuid.UUID),
    "objectId": _of(ObjectId),
    "bool": _of(bool),
    "date": _of(datetime.datetime, DatetimeMS),
    "regex": _of(Regex),
    "javascript": lambda value: type(value) is Code and value.scope is None,
    "javascriptWithScope": lambda value: type(value) is Code and value.scope is not None,
    "int": lambda value: type(value) is int and value in _INT32,
    "long": lambda value: type(value) is Int64 or (type(value) is int and value not in _INT32),
    "timestamp": _of(Timestamp),
    "decimal": _of(Decimal128),
    "minKey": _of(MinKey),
    "maxKey": _of(MaxKey),
}
