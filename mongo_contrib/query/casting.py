"""Values that a look-up is asked with, as they are stored."""

from __future__ import annotations

import datetime
import decimal
import math
from typing import Any

from bson import Decimal128
from django.core.exceptions import ValidationError
from django.db import DataError, models
from django.utils.functional import Promise

from ..mapping.encoding import encode_value, refuse_container
from ..mapping.families import root_of
from .conditions import NOTHING
from .paths import Path, kind

WHOLE = frozenset(
    {
        "IntegerField",
        "BigIntegerField",
        "SmallIntegerField",
        "PositiveIntegerField",
        "PositiveSmallIntegerField",
        "PositiveBigIntegerField",
    }
)


_INT64 = range(-(2**63), 2**63)


def cast(path: Path, value: Any) -> Any:
    """Return `value` as it is stored at `path`; for arrays, as one element is stored.

    Raises the field's ValidationError, ValueError or TypeError if it is none. A malformed
    ObjectId is `NOTHING` instead: an address with a broken id leads nowhere, not to an error.
    So is what is too large to be stored.
    """
    field = path.field
    if isinstance(value, Promise):
        value = str(value)
    if hasattr(field, "base_field") and not isinstance(value, list | tuple):
        field = field.base_field
    elif kind(field) == "EmbeddedDocumentListField" and not isinstance(value, list | tuple):
        return field.encode_document(value)
    if field.is_relation and not isinstance(value, list | tuple):
        value = _related_key(field, value)
    if kind(field) == "DecimalField":
        return _decimal(field, value)
    try:
        stored = encode_value(field, value)
        if type(stored) is int and stored not in _INT64:
            # Of a field that does not say so itself: a JSONField, a reference into SQL.
            return NOTHING
        return _in_calendar(stored) if isinstance(stored, datetime.datetime) else stored
    except ValidationError:
        target = field.target_field if field.is_relation else field
        if kind(target) == "ObjectIdField" and isinstance(value, str):
            return NOTHING
        raise
    except (DataError, OverflowError):
        # Nothing is stored that could be it: so Django answers to numbers out of range.
        return NOTHING


def _related_key(field: Any, value: Any) -> Any:
    if not isinstance(value, models.Model):
        return value
    remote = field.remote_field.model
    # A relative of that class just isn't found: deletion asks for mixed lots of them.
    if not isinstance(value, root_of(remote)):
        raise ValueError(f'Cannot query "{value}": Must be "{remote._meta.object_name}" instance.')
    key = getattr(value, field.target_field.attname)
    if key is None:
        raise ValueError(f"Model instances passed to related filters must be saved: {value!r}.")
    return key


def required(path: Path, value: Any) -> Any:
    if value is None:
        raise ValueError(f"Cannot use None as a query value for {path.path!r}; use isnull.")
    return cast(path, value)


def _in_calendar(moment: datetime.datetime) -> datetime.datetime:
    """Return a moment, or the first or the last that there is if UTC has no year for it.

    Midnight of 1 January 1 is before the year 1, east of Greenwich.
    """
    if moment.utcoffset() is None:
        return moment
    try:
        moment.astimezone(datetime.UTC)
    except OverflowError:
        edge = datetime.datetime.min if moment.year == 1 else datetime.datetime.max
        return edge.replace(tzinfo=datetime.UTC)
    return moment


def _decimal(field: Any, value: Any) -> Any:
    """Return a number as it is: rounding it to the field's places would find others."""
    refuse_container(field, value)
    try:
        return Decimal128(field.to_python(value))
    except decimal.DecimalException:
        return NOTHING


def element(path: Path) -> Any:
    """Return the field of one value at `path`: of an array, that of its elements."""
    return getattr(path.field, "base_field", path.field)


def holds_values(field: Any) -> bool:
    """Tell whether what is stored is an array of values, other than of embedded documents."""
    return kind(field) in ("ListField", "ReferenceListField")


# Bounds


def rounded(path: Path, name: str, value: Any) -> Any:
    """Return the whole number that bounds whole numbers as `value` does."""
    if not isinstance(value, float | decimal.Decimal) or kind(element(path)) not in WHOLE:
        return value
    if math.isinf(value):
        return 2**64 if value > 0 else -(2**64)
    return math.ceil(value) if name in ("$gte", "$lt") else math.floor(value)


def all_fulfil(path: Path, name: str, value: Any) -> bool:
    """Tell whether all numbers compare so with one that is too large to be stored."""
    if kind(element(path)) not in WHOLE | {"DecimalField"}:
        return False
    above = decimal.Decimal(str(value)) > 0
    return name in (("$lt", "$lte") if above else ("$gt", "$gte"))
