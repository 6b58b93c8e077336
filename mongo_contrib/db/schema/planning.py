"""Compare what is declared with what a database holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.apps import apps
from pymongo.errors import OperationFailure

from mongo_contrib.db.connecting import explain
from mongo_contrib.db.schema.collection_planning import CollectionPlan
from mongo_contrib.db.schema.specs import CollectionSpec
from mongo_contrib.db.schema.steps import DropCollection, Kind, Message, Step
from mongo_contrib.exceptions import translated_errors

__all__ = ["declarations", "declared", "differences", "plan"]

LISTED = 10
# The server's own collections, and those with which its features are being tried out.
OF_NOBODY = ("system.", "mongo_contrib_probe_")


def declarations(alias: str) -> Iterator[CollectionSpec]:
    """What every installed app wants on ``alias``, as each app says it."""
    for app_config in apps.get_app_configs():
        collections = getattr(app_config, "mongo_collections", None)
        if collections is not None:
            yield from collections(alias)


def declared(alias: str) -> list[CollectionSpec]:
    """Every collection that an installed app wants on ``alias``, one spec for each name."""
    specs: dict[str, CollectionSpec] = {}
    for spec in declarations(alias):
        known = specs.get(spec.name)
        specs[spec.name] = spec if known is None else known.merged(spec)
    return list(specs.values())


def differences(steps: Iterable[Step]) -> list[Step]:
    """The steps for which ``migrate --check`` fails."""
    return [step for step in steps if step.kind.is_difference]


def plan(
    connection: Any,
    specs: Iterable[CollectionSpec],
    *,
    undeclared: bool = True,
    prune: bool = False,
) -> list[Step]:
    """The steps that bring the database to ``specs``, and what there is to say; only reads.

    ``undeclared=False`` where ``specs`` are only some of those declared: then the collections
    that are not among them are not mentioned. With ``prune`` there are steps, at the end, that
    drop what nothing declares: indexes, validators and empty collections.
    """
    # Reaches the server, within the time limit, and refuses one that is too old.
    connection.ensure_connection()
    with translated_errors():
        existing = _collections(connection)
        steps: list[Step] = []
        known = set()
        for spec in specs:
            known.add(spec.name)
            steps += CollectionPlan(connection, spec, existing.get(spec.name), prune=prune).steps()
        if undeclared:
            others = [n for n in existing if n not in known and not n.startswith(OF_NOBODY)]
            steps += _undeclared(connection, sorted(others), existing, prune)
    return sorted(steps, key=lambda step: step.drops)


def _undeclared(
    connection: Any, names: list[str], existing: Mapping[str, Any], prune: bool
) -> Iterator[Step]:
    if prune:
        empty = [name for name in names if _is_empty(connection, existing[name])]
        for name in empty:
            yield DropCollection(connection, CollectionSpec(name))
        names = [name for name in names if name not in empty]
    if names:
        listed = ", ".join(names[:LISTED]) + (", ..." if len(names) > LISTED else "")
        yield Message(Kind.NOTE, f"Nothing declares {len(names)} collection(s): {listed}")


def _is_empty(connection: Any, info: Mapping[str, Any]) -> bool:
    if info.get("type", "collection") != "collection":
        return False
    return connection.database[info["name"]].find_one({}, {"_id": 1}) is None


def _collections(connection: Any) -> dict[str, Mapping[str, Any]]:
    try:
        return {info["name"]: info for info in connection.database.list_collections()}
    except OperationFailure as exc:
        # Often the first command that needs a password.
        raise explain(connection.alias, exc) from exc
