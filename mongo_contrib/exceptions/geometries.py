"""What the server says of a shape that it can't index."""

from __future__ import annotations

import re

#: "Can't extract geo keys", of whatever is no shape on a sphere: open, crossing itself, off Earth.
NO_GEOMETRY = 16755

_SHAPES = "(?:Multi)?(?:Point|LineString|Polygon)|GeometryCollection"
_GEOMETRY = re.compile(rf'(\w+): \{{ type: "(?:{_SHAPES})"')


def geometry_sentence(message: str) -> str:
    """Return the server's message, which shows the whole document, with the fields named instead.

    It does not say which of several shapes it means.
    """
    dump, _, reason = message.rpartition("}  ")
    names = dict.fromkeys(_GEOMETRY.findall(dump))
    if not names:
        return message
    fields = " or ".join(map(repr, names))
    return f"the server can't index the shape of {fields}: {reason}"
