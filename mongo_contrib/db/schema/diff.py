"""Declared and real, line by line: what ``migrate --check`` prints under each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bson import json_util

from mongo_contrib.db.schema.specs import IndexSpec

__all__ = ["index_line", "option_lines", "real_index_line", "schema_lines"]

# What listIndexes tells of each index and nobody declares.
UNINTERESTING = frozenset({"v", "ns", "key", "name", "background"})

_JSON = json_util.JSONOptions(
    json_mode=json_util.JSONMode.RELAXED, uuid_representation=4, tz_aware=True
)


def shown(value: Any) -> str:
    """A value as relaxed Extended JSON."""
    return json_util.dumps(value, json_options=_JSON)


def index_line(index: IndexSpec) -> str:
    """A declared index: name, keys, options."""
    return _index(index.name, dict(index.keys), index.options)


def real_index_line(document: Mapping[str, Any]) -> str:
    """An index as ``listIndexes`` describes it, in the same form."""
    options = {name: document[name] for name in document if name not in UNINTERESTING}
    return _index(document["name"], document["key"], options)


def _index(name: str, keys: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    told = "".join(
        f", {option}" if value is True else f", {option}: {shown(value)}"
        for option, value in options.items()
    )
    return f"index {name} {shown(dict(keys))}{told}"


def option_lines(real: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    """A ``-`` line for each real value and a ``+`` line for each declared one that differ."""
    for name, value in wanted.items():
        old = real.get(name)
        if name == "validator":
            yield from schema_lines(old or {}, value)
            continue
        if old is not None:
            yield f"- {name}: {shown(old)}"
        yield f"+ {name}: {shown(getattr(value, 'document', value))}"


def schema_lines(real: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    """The rules that differ, each with the stored path that it is about."""
    old, new = dict(rules(real)), dict(rules(wanted))
    for path in dict.fromkeys([*old, *new]):
        if old.get(path) != new.get(path):
            if path in old:
                yield f"- validator {path}: {shown(old[path])}"
            if path in new:
                yield f"+ validator {path}: {shown(new[path])}"


def rules(validator: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(path, rules there) of a ``$jsonSchema``; other validators are one rule."""
    schema = validator.get("$jsonSchema")
    if schema is None or len(validator) != 1:
        if validator:
            yield "(all)", dict(validator)
        return
    yield from _rules(schema, "")


def _rules(schema: Any, path: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(schema, Mapping):
        yield path or "(document)", schema
        return
    here = {name: rule for name, rule in schema.items() if name not in ("properties", "items")}
    if here:
        yield path or "(document)", here
    for name, inner in schema.get("properties", {}).items():
        yield from _rules(inner, f"{path}.{name}" if path else name)
    if "items" in schema:
        yield from _rules(schema["items"], f"{path}[]")
