"""Conditional requests of RFC 9110 (section 13): pure functions.

Django's own take a condition that they cannot parse for none at all; here one that cannot be true
is false.
"""

import re
from collections.abc import Mapping

from django.utils.http import parse_http_date_safe

__all__ = ["entity_tags", "failed", "is_same"]

_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')


def entity_tags(header: str) -> set[str]:
    """The entity tags of a list; "*" is one here; none of a list that is not well-formed."""
    header = header.strip(" \t")
    if header == "*":
        return {"*"}
    between = _TAG.sub("", header)
    return set() if between.strip(" \t,") else set(_TAG.findall(header))


def failed(headers: Mapping[str, str], etag: str, modified: int) -> int | None:
    """The status, 412 or 304, if a GET or HEAD is not to be answered; None if it is.

    `etag` is a strong one, `modified` in whole seconds since 1970; the order is that of section
    13.2.2.
    """
    match, none_match = headers.get("If-Match"), headers.get("If-None-Match")
    if match is not None:
        if not {"*", etag} & entity_tags(match):
            return 412
    elif (date := _date(headers, "If-Unmodified-Since")) is not None and modified > date:
        return 412
    if none_match is not None:
        weak = {tag.removeprefix("W/") for tag in entity_tags(none_match)}
        return 304 if {"*", etag} & weak else None
    date = _date(headers, "If-Modified-Since")
    return 304 if date is not None and modified <= date else None


def is_same(headers: Mapping[str, str], etag: str) -> bool:
    """Whether a range is to be taken of this very file: If-Range is absent or is its entity tag.

    A weak one never does, nor does a date: of two contents in one second it is the same (section
    13.1.5), and whoever has it has the entity tag too.
    """
    header = headers.get("If-Range")
    return header is None or header.strip(" \t") == etag


def _date(headers: Mapping[str, str], name: str) -> int | None:
    header = headers.get(name)
    return parse_http_date_safe(header) if header else None
