"""What a save leaves as it is stored, though the fields would write it in another form.

Other programs store a price with other decimals than ours, an integer where we have a float, a
moment where we read a date. What nobody has changed is not to be rewritten by a save of something
else: it could be less than what is stored, or older than what others have written since.
"""

from __future__ import annotations

from typing import Any

from django.db import models

from .changes import same
from .encoding import decode_value, decoder_of, encode_value
from .families import CLASS_KEY
from .plan import plan_of


def as_stored(field: models.Field, stored: Any, value: Any) -> Any:
    """Return `value`, about to be written, with all that says the same as `stored` in that form.

    Both are stored forms of the field's values. Neither is changed.
    """
    if stored is None or stored is ... or same(stored, value):
        return value if stored is None or stored is ... else stored
    kinds = (type(stored), type(value))
    if kinds == (dict, dict):
        if hasattr(field, "document"):
            return _document(field, stored, value)
        if hasattr(field, "value_field"):
            inner = field.value_field
            if decoder_of(inner) is None:
                return value
            return {key: as_stored(inner, stored.get(key), item) for key, item in value.items()}
    elif kinds == (list, list):
        inner = field if hasattr(field, "document") else getattr(field, "base_field", None)
        if inner is not None:
            if decoder_of(inner) is None:
                return value
            paired = map(as_stored, [inner] * len(value), stored, value)
            return [*paired, *value[len(stored) :]]
    return stored if _reads_as(field, stored, value) else value


def _document(field: Any, stored: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    several = field.is_polymorphic and CLASS_KEY in value
    document = field.class_named(value[CLASS_KEY]) if several else field.document
    plan = plan_of(document)
    kept = {
        each.column: as_stored(each.field, stored[each.column], value[each.column])
        for each in plan.fields
        # The others have one form only.
        if each.decode is not None and each.column in stored and each.column in value
    }
    return {**value, **kept} if kept else value


def _reads_as(field: models.Field, stored: Any, value: Any) -> bool:
    """Tell whether what is stored is read as `value` is, or written so again."""
    if decoder_of(field) is None:
        return False
    try:
        read = decode_value(field, stored)
        if same(encode_value(field, read), value):
            return True
        # What is encrypted has another form each time.
        own = hasattr(field, "from_db_value") and not isinstance(field, models.JSONField)
        return own and same(read, decode_value(field, value))
    except Exception:
        # What can't be read is nobody's value.
        return False
