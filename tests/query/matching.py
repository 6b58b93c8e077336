"""MongoDB's conditions in plain Python, as far as trees of equalities need them."""

from __future__ import annotations

from typing import Any

from mongo_contrib.query.conditions import NOTHING


def matches(document: dict[str, Any], condition: Any) -> bool:
    if condition is NOTHING:
        return False
    return all(_fulfils(document, key, asked) for key, asked in condition.items())


def _fulfils(document: dict[str, Any], key: str, asked: Any) -> bool:
    if key == "$and":
        return all(matches(document, each) for each in asked)
    if key == "$or":
        return any(matches(document, each) for each in asked)
    if key == "$nor":
        return not any(matches(document, each) for each in asked)
    if asked == {"$nin": []}:
        return True
    values = _values(document, key.split("."))
    if isinstance(asked, dict) and "$elemMatch" in asked:
        return any(
            matches(item, asked["$elemMatch"])
            for value in values
            if isinstance(value, list)
            for item in value
        )
    return any(value == asked for value in values)


def _values(value: Any, path: list[str]) -> list[Any]:
    if isinstance(value, list):
        return [value] if not path else [each for item in value for each in _values(item, path)]
    if not path:
        return [value]
    return _values(value[path[0]], path[1:]) if path[0] in value else []
