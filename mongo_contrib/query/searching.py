"""Searches of text and of vectors: where their documents come from, and by which score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bson.binary import Binary
from django.core.exceptions import FieldError
from django.db.models import Q
from django.db.utils import NotSupportedError, ProgrammingError

from ..db import get_connection
from .conditions import NOTHING, Condition, all_of
from .elements import plain
from .filters import build
from .paths import resolve
from .sources import Source
from .stages import ANNOTATED, matching

#: As many neighbours are looked at for each one that is asked for, as MongoDB's manual advises.
_CANDIDATES = 20
_MOST_CANDIDATES = 10_000


def _measuring(name: str, meta: str) -> dict[str, Any]:
    """Return the stage that puts the server's score among the annotations."""
    return {"$set": {f"{ANNOTATED}.{name}": {"$meta": meta}}}


class TextSearch(Source):
    """Documents that hold words, by the collection's text index."""

    is_condition = True

    def __init__(
        self,
        model: Any,
        score: str,
        words: Any,
        language: str | None,
        case_sensitive: bool,
        diacritic_sensitive: bool,
    ) -> None:
        if not isinstance(words, str):
            raise TypeError(f"text_search() needs words, not {words!r}.")
        self.model = model
        self.score = score
        self.text: dict[str, Any] = {"$search": words}
        if language is not None:
            self.text["$language"] = str(language)
        if case_sensitive:
            self.text["$caseSensitive"] = True
        if diacritic_sensitive:
            self.text["$diacriticSensitive"] = True

    def condition(self) -> Condition:
        return {"$text": self.text}

    def first(self, condition: dict[str, Any]) -> list[dict[str, Any]]:
        match = {"$match": all_of([self.condition(), condition])}
        return [match, _measuring(self.score, "textScore")]

    def explanation(self, error: Exception, using: str) -> Exception | None:
        if not get_connection(using).features.has("text_index"):
            return NotSupportedError(
                "This server has no text search; use look-ups such as icontains and iregex, or a "
                "server with text indexes."
            )
        if getattr(error.__cause__, "code", None) == 27:
            return ProgrammingError(
                f"text_search() needs a text index, which the collection of "
                f"{self.model._meta.label} lacks: declare TextIndex(fields=[...]) in "
                "Meta.indexes, and run migrate."
            )
        return None


class _AtlasSource(Source):
    """What search indexes find. Their stage has to be the first of a pipeline."""

    model: Any

    def explanation(self, error: Exception, using: str) -> Exception | None:
        if not get_connection(using).features.has("search_index"):
            return NotSupportedError(
                "This server has no search indexes, as MongoDB Atlas has them; use text_search(), "
                "or look-ups such as icontains."
            )
        return None


class Search(_AtlasSource):
    """Documents that a search index finds."""

    def __init__(
        self, model: Any, score: str, asked: Any, fields: Sequence[str], index: str, fuzzy: Any
    ) -> None:
        self.model = model
        self.score = score
        if isinstance(asked, str):
            operator: dict[str, Any] = {"query": asked, "path": _paths(model, fields)}
            if fuzzy is not None:
                operator["fuzzy"] = {} if fuzzy is True else dict(fuzzy)
            asked = {"text": operator}
        elif not isinstance(asked, dict) or fields or fuzzy is not None:
            raise TypeError(
                f"search() needs words, with fields, or one operator as a dict; not {asked!r}."
            )
        self.search = {"index": index, **asked}

    def first(self, condition: dict[str, Any]) -> list[dict[str, Any]]:
        measuring = _measuring(self.score, "searchScore")
        return [{"$search": self.search}, measuring, *matching(condition)]


def _paths(model: Any, fields: Sequence[str]) -> Any:
    """Return the stored paths of names; all there are if none is given."""
    if not fields:
        return {"wildcard": "*"}
    paths = [stored_path(model, name, "search()") for name in fields]
    return paths if len(paths) > 1 else paths[0]


def stored_path(model: Any, name: str, by: str) -> str:
    path = resolve(model, name)
    if path.relation is not None or path.rest:
        raise FieldError(f"{by} needs fields of {model._meta.label} itself, not {name!r}.")
    return path.path


class VectorSearch(_AtlasSource):
    """The documents whose vector is nearest to a given one."""

    def __init__(
        self,
        model: Any,
        score: str,
        name: str,
        vector: Any,
        limit: int,
        index: str | None,
        candidates: int | None,
        exact: bool,
        where: Q | None,
    ) -> None:
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise ValueError(f"The limit of vector_search() is a number from 1 on, not {limit!r}.")
        if candidates is not None and (exact or candidates < limit):
            raise ValueError("vector_search() looks at candidates, at least as many as its limit.")
        self.model = model
        self.score = score
        path = stored_path(model, name, "vector_search()")
        self.search: dict[str, Any] = {
            "index": index or _index_of(model, name),
            "path": path,
            "queryVector": _vector(vector),
            "limit": limit,
        }
        if exact:
            self.search["exact"] = True
        else:
            most = max(limit, min(limit * _CANDIDATES, _MOST_CANDIDATES))
            self.search["numCandidates"] = candidates or most
        if where is not None:
            condition = plain("vector_search()", build(model, where))
            if condition is NOTHING:
                condition = {"_id": {"$in": []}}
            if condition:
                self.search["filter"] = condition

    def first(self, condition: dict[str, Any]) -> list[dict[str, Any]]:
        measuring = _measuring(self.score, "vectorSearchScore")
        return [{"$vectorSearch": self.search}, measuring, *matching(condition)]


def _index_of(model: Any, name: str) -> str:
    for index in model._meta.indexes:
        if getattr(index, "search_type", "") == "vectorSearch" and name == index.vector_field:
            return str(index.name)
    raise FieldError(
        f"vector_search() needs an index: declare VectorSearchIndex({name!r}, ...) in "
        f"Meta.indexes of {model._meta.label}, or give the name of one as index=."
    )


def _vector(vector: Any) -> Any:
    if isinstance(vector, Binary):
        return vector
    if hasattr(vector, "tolist"):
        vector = vector.tolist()
    if not isinstance(vector, list | tuple) or not vector:
        raise TypeError(f"A vector is a list of numbers, not {vector!r}.")
    for number in vector:
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise TypeError(f"A vector is a list of numbers, and {number!r} is none.")
        if not math.isfinite(number):
            raise ValueError(f"A vector is a list of finite numbers, and {number!r} is none.")
    return list(vector)
