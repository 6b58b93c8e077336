"""The indexes of a collection, as `Meta.indexes` declares them: pure, no server needed."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mongo_contrib.db.schema.definitions import declared_collation

from .classes import ClassSource
from .families import CLASS_KEY
from .literals import literal

#: What a server adds to descriptions, and what is said otherwise.
_SAID_ELSEWHERE = frozenset(
    {"v", "ns", "key", "name", "background", "textIndexVersion", "2dsphereIndexVersion"}
)
_COMPARISONS = {"$gt": "gt", "$gte": "gte", "$lt": "lt", "$lte": "lte", "$in": "in"}


class Undescribed(Exception):
    """An index that no declaration makes; the text says why."""


def describe_indexes(
    classes: Sequence[ClassSource], documents: Iterable[Mapping[str, Any]]
) -> None:
    """Put the indexes into the classes of a collection, each into the first that has its fields.

    Those that can't be declared become comments.
    """
    oldest = classes[0]
    for document in documents:
        # Declared with the key and with `_cls` by themselves.
        if document["name"] == "_id_" or [*document["key"].items()] == [(CLASS_KEY, 1)]:
            continue
        paths = [path for path in document["key"] if path not in ("_fts", "_ftsx")]
        paths = [path for path in paths if not path.endswith("$**")]
        made = next((each for each in classes if all(map(each.path, paths))), oldest)
        # That an index holds it says that there is such a field, if only in few documents.
        for path in paths:
            made.ensure(path)
        try:
            made.indexes.append(_expression(made, document))
        except Undescribed as error:
            made.notes.append(f"The index {document['name']!r} is not declared: {error}.")


def _expression(made: ClassSource, document: Mapping[str, Any]) -> str:
    keys = dict(document["key"])
    options = {name: value for name, value in document.items() if name not in _SAID_ELSEWHERE}
    arguments: dict[str, str] = {}
    if "text" in keys.values():
        kind = _text(made, keys, options, arguments)
    elif any(path.endswith("$**") for path in keys):
        kind = _wildcard(made, keys, options, arguments)
    else:
        kind = _plain(made, keys, options, arguments)
    arguments["name"] = literal(document["name"])
    for name in ("unique", "sparse", "hidden"):
        if options.pop(name, False):
            arguments[name] = "True"
            kind = "DocumentIndex" if kind == "models.Index" else kind
    if (collation := options.pop("collation", None)) is not None:
        arguments["collation"] = literal(declared_collation(collation))
        kind = "DocumentIndex" if kind == "models.Index" else kind
    if (condition := options.pop("partialFilterExpression", None)) is not None:
        arguments["condition"] = _q(made, condition)
    if options:
        raise Undescribed(f"it has the option(s) {', '.join(sorted(options))}")
    return f"{kind}({', '.join(f'{name}={value}' for name, value in arguments.items())})"


def _names(made: ClassSource, paths: Iterable[str]) -> list[str]:
    names = []
    for path in paths:
        name = made.path(path)
        if name is None:
            raise Undescribed(f"none of the sampled documents has {path!r}")
        names.append(name)
    return names


def _plain(
    made: ClassSource, keys: dict[str, Any], options: dict[str, Any], arguments: dict[str, str]
) -> str:
    special = {order for order in keys.values() if isinstance(order, str)}
    if unknown := special - {"2dsphere", "hashed"}:
        raise Undescribed(f"it is of the kind {', '.join(sorted(unknown))}")
    names = _names(made, keys)
    arguments["fields"] = literal(
        [
            f"-{name}" if not isinstance(order, str) and order < 0 else name
            for name, order in zip(names, keys.values(), strict=True)
        ]
    )
    if "hashed" in special:
        if len(keys) > 1:
            hashed = next(n for n, o in zip(names, keys.values(), strict=True) if o == "hashed")
            arguments["hashed"] = literal(hashed)
        return "HashedIndex"
    if "2dsphere" in special:
        return "GeoSphereIndex"
    if "expireAfterSeconds" in options:
        seconds = datetime.timedelta(seconds=int(options.pop("expireAfterSeconds")))
        arguments["expire_after"] = f"datetime.timedelta(seconds={int(seconds.total_seconds())})"
        return "TTLIndex"
    return "models.Index"


def _wildcard(
    made: ClassSource, keys: dict[str, Any], options: dict[str, Any], arguments: dict[str, str]
) -> str:
    if len(keys) > 1:
        raise Undescribed("it is a compound wildcard index")
    ((path, _),) = keys.items()
    if path != "$**":
        (name,) = _names(made, [path.removesuffix(".$**")])
        arguments["field"] = literal(name)
    elif projection := options.pop("wildcardProjection", None):
        projection = {path: shown for path, shown in projection.items() if path != "_id"}
        names = _names(made, projection)
        arguments["only" if all(projection.values()) else "exclude"] = literal(names)
    return "WildcardIndex"


def _text(
    made: ClassSource, keys: dict[str, Any], options: dict[str, Any], arguments: dict[str, str]
) -> str:
    weights = options.pop("weights", {})
    before = []
    for path, order in keys.items():
        if order == "text":
            break
        before.append(path)
    paths = list(weights) or [path for path, order in keys.items() if order == "text"]
    names = ["*"] if paths == ["$**"] else _names(made, paths)
    arguments["fields"] = literal(names)
    if before:
        arguments["prefix"] = literal(_names(made, before))
    if any(weight != 1 for weight in weights.values()):
        by_name = dict(zip(names, weights.values(), strict=True))
        arguments["weights"] = literal(
            {name: by_name[name] for name in names if by_name[name] != 1}
        )
    if (language := options.pop("default_language", "english")) != "english":
        arguments["default_language"] = literal(language)
    if (override := options.pop("language_override", "language")) != "language":
        arguments["language_field"] = literal(override)
    return "TextIndex"


def _q(made: ClassSource, condition: Mapping[str, Any]) -> str:
    """Return the condition of a partial index as a `Q`."""
    asked = []
    for path, value in condition.items():
        if path == "$and":
            asked += [_q(made, each) for each in value]
            continue
        if path.startswith("$"):
            raise Undescribed(f"its condition uses {path}")
        (name,) = _names(made, [path])
        operators = value if isinstance(value, Mapping) else {"$eq": value}
        for operator, operand in operators.items():
            if operator == "$exists" and operand is True:
                asked.append(f"models.Q({name}__isnull=False)")
            elif operator == "$eq":
                asked.append(f"models.Q({name}={_operand(operand)})")
            elif operator in _COMPARISONS:
                asked.append(f"models.Q({name}__{_COMPARISONS[operator]}={_operand(operand)})")
            else:
                raise Undescribed(f"its condition uses {operator}")
    return " & ".join(asked)


def _operand(value: Any) -> str:
    parts = value if isinstance(value, list) else [value]
    for part in parts:
        if not isinstance(part, str | bool | float | int):
            raise Undescribed(f"its condition compares with a {type(part).__name__}")
    return literal(value)
