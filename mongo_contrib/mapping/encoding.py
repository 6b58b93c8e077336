"""Values to BSON and back, decided once per field.

`encode_value(field, value)` and `decode_value(field, value)` are the whole interface; they
know no server and no class. A field converts itself when it has `to_bson()` and
`from_bson()`. For Django's own fields the table below says what is stored; a subclass that
overrides `get_prep_value()`, `get_db_prep_value()`, `get_db_prep_save()` or `from_db_value()`
is heard first, as Django does. None of them is ever called with None: a missing key and null
are both None (see `changes.py`).
"""

from __future__ import annotations

import copy
import datetime
import decimal
import json
from collections.abc import Callable
from typing import Any

from bson import Binary, Decimal128, ObjectId
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.utils import DataError
from django.utils import timezone

from ..db import get_connection
from .decoding import DECODERS
from .values import storable

Converter = Callable[[Any], Any]

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_MICROSECOND = datetime.timedelta(microseconds=1)


def encode_value(field: models.Field, value: Any) -> Any:
    """Return what is stored for `value` of `field`.

    Raises what the field's own conversion raises (`ValidationError`, `TypeError`,
    `ValueError`), or `DataError` for what BSON can't hold.
    """
    # A copied field carries its original's converter along: look whose it is.
    cached = field.__dict__.get("_bson_encode")
    if cached is None or cached[0] is not field:
        cached = field.__dict__["_bson_encode"] = (field, encoder(field))
    return cached[1](value)


def decode_value(field: models.Field, value: Any) -> Any:
    """Return the Python value of what is stored for `field`."""
    decode = decoder_of(field)
    return value if decode is None else decode(value)


def decoder_of(field: models.Field) -> Converter | None:
    """Return `decoder(field)`, made once."""
    cached = field.__dict__.get("_bson_decode")
    if cached is None or cached[0] is not field:
        cached = field.__dict__["_bson_decode"] = (field, decoder(field))
    return cached[1]


def encoder(field: models.Field) -> Converter:
    """Return the function that encodes values of `field`."""
    if hasattr(field, "to_bson"):
        return field.to_bson
    if field.remote_field is not None and hasattr(field, "target_field"):
        target = field.target_field
        return lambda value: encode_value(target, _primary_key(field, value))
    if not (_is_djangos(field, "get_db_prep_value") and _is_djangos(field, "get_db_prep_save")):
        return _for_databases(field)
    make = _ENCODERS.get(field.get_internal_type())
    if make is None:
        # Somebody's own field: Django's conversion for databases, then plain BSON.
        return _detached(field.get_prep_value)
    return make(field)


def decoder(field: models.Field) -> Converter | None:
    """Return the function that decodes stored values of `field`; None if they are as they are."""
    if hasattr(field, "from_bson"):
        # ObjectIds come as they are: the commonest key must cost nothing.
        return None if field.get_internal_type() == "ObjectIdField" else field.from_bson
    if field.remote_field is not None and hasattr(field, "target_field"):
        return decoder(field.target_field)
    kind = field.get_internal_type()
    decode = DECODERS.get(kind)
    if decode is None and kind not in _ENCODERS:
        decode = _detached(lambda value: value)
    from_db_value = getattr(field, "from_db_value", None)
    if from_db_value is None or isinstance(field, models.JSONField):
        return decode
    if decode is None:
        return lambda value: from_db_value(value, None, None)
    return lambda value: from_db_value(decode(value), None, None)


def passing(field: models.Field) -> type | None:
    """Return the type whose exact instances the field stores as they are, if there is one.

    Integers that are too large for BSON are among them: the driver refuses those.
    """
    if hasattr(field, "to_bson"):
        return ObjectId if field.get_internal_type() == "ObjectIdField" else None
    if field.remote_field is not None and hasattr(field, "target_field"):
        return passing(field.target_field)
    for method in ("get_prep_value", "get_db_prep_value", "get_db_prep_save"):
        if not _is_djangos(field, method):
            return None
    passes = _PASSING.get(field.get_internal_type())
    if passes is str and type(field).get_prep_value not in _PLAIN_TEXT:
        return None
    return passes


def _primary_key(field: models.Field, value: Any) -> Any:
    """Return the key of a related instance; other values are keys already."""
    if isinstance(value, models.Model):
        return getattr(value, field.target_field.attname)
    return value


def refuse_container(field: models.Field, value: Any) -> None:
    """Raise ValidationError if a dict, list or set stands where a scalar belongs.

    Django's text fields would take `str()` of it; from a request it is never meant so.
    """
    if isinstance(value, dict | list | tuple | set):
        raise ValidationError(
            f"{field.name!r} expects a single value, not a {type(value).__name__}: {value!r}.",
            code="invalid",
        )


def _preparing(field: models.Field) -> Converter:
    """Return the field's `get_prep_value()` with containers refused.

    Django's own are kept from making text of one. Somebody's own may well take a list, and is
    kept from making one: it would be stored as it is.
    """
    prepare = field.get_prep_value
    of_django = _is_djangos(field)

    def encode(value: Any) -> Any:
        if of_django:
            refuse_container(field, value)
        value = prepare(value)
        if not of_django:
            refuse_container(field, value)
        return value

    return encode


def _for_databases(field: models.Field) -> Converter:
    """Return the preparation of a field that has its own for databases: encrypted ones do."""

    def encode(value: Any) -> Any:
        value = field.get_db_prep_save(value, connection=get_connection())
        refuse_container(field, value)
        return value

    return encode


def _is_djangos(field: models.Field, method: str = "get_prep_value") -> bool:
    """Tell whether a preparation of values is one of Django's own."""
    return bool(getattr(type(field), method).__module__.startswith("django."))


def _detached(convert: Converter) -> Converter:
    """Return `convert` with a copy of mutable results, which nobody's later change shall reach."""

    def converted(value: Any) -> Any:
        value = convert(value)
        return copy.deepcopy(value) if isinstance(value, dict | list) else value

    return converted


def _text(field: models.Field) -> Converter:
    prepare = _preparing(field)

    def encode(value: Any) -> Any:
        if type(value) is str and plain:
            return value
        value = prepare(value)
        # Of a subclass, such as Django's SafeString, only the text is stored.
        return str.__str__(value) if isinstance(value, str) else value

    plain = type(field).get_prep_value in _PLAIN_TEXT
    return encode


_PLAIN_TEXT = {models.CharField.get_prep_value, models.TextField.get_prep_value}


def _integer(field: models.Field) -> Converter:
    prepare = _preparing(field)
    plain = _is_djangos(field)

    def encode(value: Any) -> Any:
        if type(value) is not int or not plain:
            value = prepare(value)
        if value is not None and not _INT64_MIN <= value <= _INT64_MAX:
            raise DataError(
                f"{field.name!r} holds {value}, which is not a 64-bit integer; "
                "use a DecimalField for larger numbers."
            )
        return value

    return encode


def _decimal(field: models.DecimalField) -> Converter:
    prepare = _preparing(field)

    def encode(value: Any) -> Any:
        value = prepare(value)
        if value is None:
            return None
        if field.decimal_places is not None:
            try:
                value = value.quantize(
                    decimal.Decimal(1).scaleb(-field.decimal_places), context=field.context
                )
            except decimal.InvalidOperation:
                raise DataError(
                    f"{field.name!r} holds {value}, which has more than {field.max_digits} digits."
                ) from None
        try:
            return Decimal128(value)
        except decimal.DecimalException:
            raise DataError(
                f"{field.name!r} holds {value}, which is beyond Decimal128's 34 digits."
            ) from None

    return encode


def _datetime(field: models.DateTimeField) -> Converter:
    prepare = _preparing(field)

    def encode(value: Any) -> Any:
        value = prepare(value)
        if value is None:
            return None
        if timezone.is_aware(value) and not settings.USE_TZ:
            raise ValueError(
                f"{field.name!r} got the aware datetime {value}, but settings.USE_TZ is False."
            )
        # BSON counts milliseconds; cutting here lets a saved value equal the one read back.
        if not value.microsecond % 1000:
            return value
        return value.replace(microsecond=value.microsecond // 1000 * 1000)

    return encode


def _date(field: models.DateField) -> Converter:
    """BSON has no dates: midnight UTC stands for the day, whatever the time zone."""
    prepare = _preparing(field)

    def encode(value: Any) -> Any:
        value = prepare(value)
        if value is None:
            return None
        utc = datetime.UTC if settings.USE_TZ else None
        return datetime.datetime(value.year, value.month, value.day, tzinfo=utc)

    return encode


def _time(field: models.TimeField) -> Converter:
    """BSON has no times: ISO 8601 text with all six decimals sorts as the times do."""
    prepare = _preparing(field)

    def encode(value: Any) -> Any:
        value = prepare(value)
        return None if value is None else value.isoformat(timespec="microseconds")

    return encode


def _duration(field: models.DurationField) -> Converter:
    """Whole microseconds, as Django stores them where a database has no intervals."""

    def encode(value: Any) -> Any:
        refuse_container(field, value)
        value = field.to_python(value)
        return None if value is None else value // _MICROSECOND

    return encode


def _uuid(field: models.UUIDField) -> Converter:
    def encode(value: Any) -> Any:
        refuse_container(field, value)
        return field.to_python(value)

    return encode


def _binary(field: models.BinaryField) -> Converter:
    def encode(value: Any) -> bytes:
        if isinstance(value, str):
            value = field.to_python(value)
        # A Binary has a subtype, which is kept.
        return value if type(value) is Binary else bytes(value)

    return encode


def _json(field: models.JSONField) -> Converter:
    def encode(value: Any) -> Any:
        if field.encoder is not None:
            value = json.loads(json.dumps(value, cls=field.encoder))
        return storable(value, field.name)

    return encode


_ENCODERS: dict[str, Callable[[Any], Converter]] = {
    **dict.fromkeys(
        (
            "CharField",
            "TextField",
            "SlugField",
            "EmailField",
            "URLField",
            "FilePathField",
            "FileField",
            "GenericIPAddressField",
            "IPAddressField",
        ),
        _text,
    ),
    **dict.fromkeys(
        (
            "IntegerField",
            "BigIntegerField",
            "SmallIntegerField",
            "PositiveIntegerField",
            "PositiveSmallIntegerField",
            "PositiveBigIntegerField",
        ),
        _integer,
    ),
    "BooleanField": _preparing,
    "FloatField": _preparing,
    "DecimalField": _decimal,
    "DateTimeField": _datetime,
    "DateField": _date,
    "TimeField": _time,
    "DurationField": _duration,
    "UUIDField": _uuid,
    "BinaryField": _binary,
    "JSONField": _json,
}

_PASSING: dict[str, type] = {
    **{kind: str for kind, make in _ENCODERS.items() if make is _text},
    **{kind: int for kind, make in _ENCODERS.items() if make is _integer},
    "BooleanField": bool,
    "FloatField": float,
    "BinaryField": bytes,
}
