"""What a partial index asks, to hold only documents in which a field has a value."""

from __future__ import annotations

import datetime
from typing import Any

from bson import Binary, ObjectId
from django.db import models

from ..mapping.fields import stores_null
from .validators import field_schema

#: None is left out of documents, so that what is there is a value.
IS_STORED = {"$exists": True}

#: The least values by type: a look-up for a value implies that it is not less, which is how the
#: server finds out that the index will do.
_LEAST = {
    "string": "",
    **dict.fromkeys(("int", "long", "double", "decimal"), float("-inf")),
    "date": datetime.datetime.min,
    "bool": False,
    "objectId": ObjectId("0" * 24),
    "binData": Binary(b""),
}

_ALL_BUT_NULL = [*_LEAST, "object", "array", "regex", "javascript", "timestamp", "dbPointer"]


def is_present(field: models.Field) -> dict[str, Any]:
    """Return the condition that `field` has a value.

    A nullable field with a default stores null, for "None on purpose".
    """
    if not stores_null(field):
        return IS_STORED
    types = field_schema(field).get("bsonType", ())
    least = [_LEAST.get(each) for each in types if each != "null"]
    if least and least[0] is not None and all(each == least[0] for each in least):
        return {"$gte": least[0]}
    return {"$type": _ALL_BUT_NULL}
