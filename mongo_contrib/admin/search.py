"""Searching numbers, ids and dates exactly; Django before 6.1 casts them to text by SQL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.text import smart_split, unescape_string_literal

from mongo_contrib.query.paths import resolve

_PREFIXES = {"^": "istartswith", "=": "iexact", "@": "search"}


def is_exact(model: Any, name: str) -> bool:
    """Whether an item of `search_fields` asks for an exact value that is no text."""
    field, rest = end_of(model, name.lstrip("^=@"))
    return rest == ["exact"] and not isinstance(field, models.CharField | models.TextField)


def end_of(model: Any, name: str) -> tuple[Any, list[str]]:
    """Return the field that a name leads to, also across references, and what follows it."""
    path = resolve(model, name)
    while path.relation is not None:
        path = resolve(path.relation.related_model, path.remainder)
    return path.field, path.rest


def condition(model: Any, names: Iterable[str], search_term: str) -> Q:
    """Return what finds every word of the term in one of the fields, as the admin does."""
    words = []
    for word in smart_split(search_term):
        if word[0] in "\"'" and word[0] == word[-1]:
            word = unescape_string_literal(word)
        lookups = [each for name in names for each in _lookups(model, name, word)]
        # A word that can be in none of the fields is found nowhere.
        words.append(Q.create(lookups, connector=Q.OR) if lookups else Q(pk__in=[]))
    return Q(*words)


def _lookups(model: Any, name: str, word: str) -> list[tuple[str, Any]]:
    if name[0] in _PREFIXES:
        return [(f"{name[1:]}__{_PREFIXES[name[0]]}", word)]
    field, rest = end_of(model, name)
    if not rest:
        return [(f"{name}__icontains", word)]
    if not is_exact(model, name):
        return [(name, word)]
    try:
        return [(name, field.to_python(word))]
    except (ValidationError, ValueError, TypeError):
        return []
