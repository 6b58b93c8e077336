"""Functions on text. Of null they yield null, as SQL has it; `Concat` takes null as empty."""

from __future__ import annotations

from typing import Any

from django.db.models import functions

from ..expressions import Scope, expression, resolved_kind

_TEXT = frozenset(
    {"CharField", "TextField", "SlugField", "URLField", "FileField", "FilePathField"}
)


def sources(scope: Scope, value: Any) -> list[Any]:
    return scope.all_of(value.source_expressions)


def unless_null(value: Any, computed: Any) -> dict[str, Any]:
    """Return `computed`, or null where `value` is null: the server would say "" or fail."""
    return {"$cond": [{"$gt": [value, None]}, computed, None]}


@expression(functions.Lower)
def _lower(scope: Scope, value: Any) -> Any:
    (text,) = sources(scope, value)
    return unless_null(text, {"$toLower": text})


@expression(functions.Upper)
def _upper(scope: Scope, value: Any) -> Any:
    (text,) = sources(scope, value)
    return unless_null(text, {"$toUpper": text})


@expression(functions.Length)
def _length(scope: Scope, value: Any) -> Any:
    (text,) = sources(scope, value)
    return unless_null(text, {"$strLenCP": {"$toString": text}})


@expression(functions.Concat, functions.ConcatPair)
def _concat(scope: Scope, value: Any) -> Any:
    parts: list[Any] = []
    for source in value.source_expressions:
        compiled = scope.compile(source)
        if isinstance(source, functions.ConcatPair):
            parts += compiled["$concat"]
            continue
        if resolved_kind(source) not in _TEXT:
            compiled = {"$toString": compiled}
        parts.append({"$ifNull": [compiled, ""]})
    return {"$concat": parts}


@expression(functions.Trim)
def _trim(scope: Scope, value: Any) -> Any:
    return {"$trim": {"input": sources(scope, value)[0], "chars": " "}}


@expression(functions.LTrim)
def _ltrim(scope: Scope, value: Any) -> Any:
    return {"$ltrim": {"input": sources(scope, value)[0], "chars": " "}}


@expression(functions.RTrim)
def _rtrim(scope: Scope, value: Any) -> Any:
    return {"$rtrim": {"input": sources(scope, value)[0], "chars": " "}}


@expression(functions.Left)
def _left(scope: Scope, value: Any) -> Any:
    text, length = sources(scope, value)
    return unless_null(text, {"$substrCP": [text, 0, length]})


@expression(functions.Right)
def _right(scope: Scope, value: Any) -> Any:
    text, length = sources(scope, value)
    start = {"$max": [0, {"$subtract": [{"$strLenCP": text}, length]}]}
    return unless_null(text, {"$substrCP": [text, start, length]})


@expression(functions.Substr)
def _substr(scope: Scope, value: Any) -> Any:
    text, position, *length = sources(scope, value)
    # SQL counts from 1, and a negative position from the end.
    size = {"$strLenCP": text}
    start = {
        "$cond": [
            {"$lt": [position, 0]},
            {"$max": [0, {"$add": [size, position]}]},
            {"$subtract": [position, 1]},
        ]
    }
    return unless_null(text, {"$substrCP": [text, start, length[0] if length else size]})


@expression(functions.Replace)
def _replace(scope: Scope, value: Any) -> Any:
    text, find, replacement = sources(scope, value)
    return {"$replaceAll": {"input": text, "find": find, "replacement": replacement}}


@expression(functions.StrIndex)
def _index(scope: Scope, value: Any) -> Any:
    text, find = sources(scope, value)
    return unless_null(find, {"$add": [{"$indexOfCP": [text, find]}, 1]})


@expression(functions.Repeat)
def _repeat(scope: Scope, value: Any) -> Any:
    text, times = sources(scope, value)
    return _each({"$range": [0, {"$max": [0, times]}]}, ["$$value", text], text)


@expression(functions.Reverse)
def _reverse(scope: Scope, value: Any) -> Any:
    (text,) = sources(scope, value)
    letters = {"$range": [0, {"$strLenCP": {"$ifNull": [text, ""]}}]}
    return _each(letters, [{"$substrCP": [text, "$$this", 1]}, "$$value"], text)


def _each(numbers: Any, parts: list[Any], text: Any) -> dict[str, Any]:
    joined = {"input": numbers, "initialValue": "", "in": {"$concat": parts}}
    return unless_null(text, {"$reduce": joined})
