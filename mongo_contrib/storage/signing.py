"""Addresses that are good for a while: signed, for one file and until one moment.

``?signature=<seconds since 1970>.<HMAC>`` by `django.core.signing`: SECRET_KEY signs,
SECRET_KEY_FALLBACKS are good for what was signed before. What is signed names the alias, the
bucket, the whole name in the bucket and the moment, so it opens nothing else and for no longer.
"""

import json
import math
import re
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.core.signing import BadSignature, Signer
from django.http import HttpRequest
from django.utils import timezone

if TYPE_CHECKING:
    from .backend import GridFSStorage

__all__ = ["PARAMETER", "Expires", "is_signed", "moment", "signed"]

Expires = float | timedelta | datetime

#: The name of the parameter in addresses.
PARAMETER = "signature"

_SALT = "mongo_contrib.storage.signing"
_VALUE = re.compile(r"(\d{1,12})\.([A-Za-z0-9_-]{1,128})", re.ASCII)
_LAST = 10**12 - 1


def moment(expires: Expires) -> int:
    """The second since 1970 at which an address ends: in so long, or at that time (ValueError).

    It may be over: then nobody is let in. A naive datetime is one in the current time zone.
    """
    if isinstance(expires, datetime):
        aware = timezone.make_aware(expires) if timezone.is_naive(expires) else expires
        seconds = aware.timestamp()
    elif isinstance(expires, timedelta):
        seconds = time.time() + expires.total_seconds()
    elif isinstance(expires, (int, float)) and not isinstance(expires, bool):
        seconds = time.time() + expires
    else:
        seconds = math.nan
    if not -_LAST < seconds < _LAST:
        raise ValueError(
            f"expires is a number of seconds, a timedelta or a datetime, not {expires!r}."
        )
    return max(int(seconds), 0)


def signed(storage: "GridFSStorage", name: str, expires: Expires, part: str = "") -> str:
    """The query of an address, ``signature=...``, that lets everybody see this file until then.

    With `part`, the name of a size, it is only the thumbnail of this size.
    """
    ends = moment(expires)
    message = _message(storage, name, ends, part)
    signature = Signer(salt=_SALT).sign(message).rpartition(":")[2]
    return f"{PARAMETER}={ends}.{signature}"


def is_signed(request: HttpRequest, storage: "GridFSStorage", name: str, part: str = "") -> bool:
    """Whether the request's address was signed for this file, or part of it, and is not over.

    One signature: several are none, as are those that are not of the one form.
    """
    given = request.GET.getlist(PARAMETER)
    match = _VALUE.fullmatch(given[0]) if len(given) == 1 else None
    if match is None or match[1] != str(int(match[1])):
        return False
    ends = int(match[1])
    try:
        Signer(salt=_SALT).unsign(f"{_message(storage, name, ends, part)}:{match[2]}")
    except BadSignature:
        return False
    return time.time() < ends


def _message(storage: "GridFSStorage", name: str, ends: int, part: str) -> str:
    # As JSON no two lists are one text, whatever is in the names.
    named = [storage.alias, storage.bucket, storage.name_in_bucket(name), ends]
    return json.dumps([*named, part] if part else named)
