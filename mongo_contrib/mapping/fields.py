"""How one field is stored, decided once for each class."""

from __future__ import annotations

import datetime
import inspect
import uuid
from typing import Any, NamedTuple

from bson import Int64, ObjectId
from django.db import models
from django.db.models.fields import NOT_PROVIDED

from .encoding import decoder, encoder, passing
from .lazy import LazyAttribute

_PRE_SAVE = models.Field.pre_save


class FieldPlan(NamedTuple):
    """One stored field: where it stands in the document and on the instance."""

    field: models.Field
    column: str
    attname: str
    encode: Any
    decode: Any
    has_pre_save: bool
    #: Whether None is written as null. It is left out otherwise; but a nullable field with a
    #: default must tell "None on purpose" from "written before the field existed".
    stores_null: bool
    #: The exact type of values that are stored as they are.
    passes: type | None
    #: Whether what is stored is known to be stored so again: the very object that was read
    #: need not be encoded to tell that it has not changed.
    plain: bool

    def read(self, stored: Any) -> Any:
        """Return the Python value of a stored one; raises what says that it is none."""
        if self.decode is not None:
            return self.decode(stored)
        kept = kept_types(self)
        if kept is not None and type(stored) not in kept:
            raise TypeError(f"a {type(stored).__name__} is none")
        return stored


_NONE = type(None)

#: What is read as it is stored, by the type that is written: programs without integers, such as
#: JavaScript's, store them as doubles, and old ones truth as a number.
_KEPT_TYPES: dict[type, frozenset[type]] = {
    str: frozenset({str, _NONE}),
    int: frozenset({int, Int64, float, bool, _NONE}),
    bool: frozenset({bool, int, Int64, float, _NONE}),
    ObjectId: frozenset({ObjectId, _NONE}),
}

#: What the decoder of a field gives back as it is.
_READY = {
    "BinaryField": bytes,
    "DateTimeField": datetime.datetime,
    "FloatField": float,
    "UUIDField": uuid.UUID,
}


def kept_types(each: FieldPlan) -> frozenset[type] | None:
    """Return the types of stored values that are the attribute's as they are.

    None where that can't be told by the type: all have to be decoded, or none.
    """
    field = each.field
    if each.decode is None:
        if each.passes is None or field.is_relation or not can_wait(each):
            return None
        return _KEPT_TYPES.get(each.passes)
    kind = _READY.get(field.get_internal_type())
    if kind is None or getattr(field, "from_db_value", None) is not None:
        return None
    return frozenset({kind, _NONE})


def is_lazy(each: FieldPlan) -> bool:
    """Tell whether the attribute is made when it is touched: nested values cost most."""
    nested = getattr(each.field, "lazy", False) or isinstance(each.field, models.JSONField)
    return nested and each.decode is not None and can_wait(each)


def can_wait(each: FieldPlan) -> bool:
    """Tell whether the class's attribute is ours, which makes the value when it is asked for."""
    descriptor = inspect.getattr_static(each.field.model, each.attname, None)
    return isinstance(descriptor, LazyAttribute) and not each.field.primary_key


def wants_touch(field: Any, seen: frozenset[Any] = frozenset()) -> bool:
    """Tell whether a save changes values inside, though nobody has touched them: `auto_now`."""
    inner = getattr(field, "base_field", None) or getattr(field, "value_field", None)
    if inner is not None:
        return _nested(inner) and wants_touch(inner, seen)
    documents = getattr(field, "documents", None)
    if documents is None:
        return _saves_itself(field)
    from .plan import plan_of

    new = [document for document in documents if document not in seen]
    seen = seen.union(new)
    return any(wants_touch(each.field, seen) for each in new for each in plan_of(each).fields)


def _saves_itself(field: models.Field) -> bool:
    """Tell whether the field may change its value at any save."""
    own = type(field).pre_save
    if own in _OF_TIME:
        return bool(getattr(field, "auto_now", False))
    return own is not _PRE_SAVE and own is not models.FileField.pre_save and not _nested(field)


def _nested(field: models.Field) -> bool:
    return bool(getattr(field, "lazy", False))


def _has_pre_save(field: models.Field) -> bool:
    own = type(field).pre_save
    if own in _OF_TIME:
        return bool(getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False))
    return own is not _PRE_SAVE


#: These do nothing unless they are told to.
_OF_TIME = {
    models.DateField.pre_save,
    models.DateTimeField.pre_save,
    models.TimeField.pre_save,
}


def field_plan(field: models.Field) -> FieldPlan:
    decode = decoder(field)
    passes = passing(field)
    keeps = passes is not None or (
        field.get_internal_type() in _KEPT
        and type(field).get_prep_value.__module__.startswith("django.")
    )
    return FieldPlan(
        field=field,
        column=field.column,
        attname=field.attname,
        encode=encoder(field),
        decode=decode,
        has_pre_save=_has_pre_save(field),
        stores_null=stores_null(field),
        passes=passes,
        plain=keeps and not stores_null(field),
    )


#: Fields, beside those of `passing()`, that store again what was read as it is.
_KEPT = {"DateTimeField", "UUIDField"}


def stores_null(field: models.Field) -> bool:
    """Tell whether None of this field is written as null rather than left out."""
    return field.null and field.default is not NOT_PROVIDED and field.default is not None


def default_of(field: models.Field) -> Any:
    """Return what makes the value of a document that lacks the field; None for None."""
    if field.primary_key or (field.null and not stores_null(field)):
        return None
    return field._get_default if field.has_default() or not field.null else None
