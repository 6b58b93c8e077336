"""Compare what is declared with what a database holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.apps import apps
from pymongo.errors import OperationFailure

from mongo_contrib.db.connecting import explain
from mongo_contrib.db.schema.definitions import Definition, contains, from_server, from_spec, plain
from mongo_contrib.db.schema.specs import CollectionSpec, IndexSpec
from mongo_contrib.db.schema.steps import (
    ChangeCollection,
    ChangeIndex,
    CreateCollection,
    CreateIndex,
    Kind,
    Message,
    ReplaceIndex,
    Step,
)
from mongo_contrib.exceptions import translated_errors

__all__ = ["declarations", "declared", "differences", "plan"]

# What collMod can change in place; every other option is fixed when the collection is created.
CHANGEABLE = frozenset(
    {"validator", "validationLevel", "validationAction", "changeStreamPreAndPostImages"}
)
# The feature that these options need of a server.
NEEDED_BY_OPTIONS = {
    "validators": frozenset({"validator", "validationLevel", "validationAction"}),
    "default_collation": frozenset({"collation"}),
    "capped_collections": frozenset({"capped", "size", "max"}),
    "time_series": frozenset({"timeseries"}),
}
# Options a server leaves out while they have these values.
OPTION_DEFAULTS = {"validationLevel": "strict", "validationAction": "error", "capped": False}
# A server rounds the size of a capped collection up.
NOT_COMPARED = frozenset({"size", "check_exists", "autoIndexId"})
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
    connection: Any, specs: Iterable[CollectionSpec], *, undeclared: bool = True
) -> list[Step]:
    """The steps that bring the database to ``specs``, and what there is to say; only reads.

    ``undeclared=False`` where ``specs`` are only some of those declared: then the collections
    that are not among them are not mentioned.
    """
    # Reaches the server, within the time limit, and refuses one that is too old.
    connection.ensure_connection()
    with translated_errors():
        existing = _collections(connection)
        steps: list[Step] = []
        known = set()
        for spec in specs:
            known.add(spec.name)
            steps += _Collection(connection, spec, existing.get(spec.name)).steps()
    others = sorted(n for n in existing if n not in known and not n.startswith(OF_NOBODY))
    if others and undeclared:
        listed = ", ".join(others[:LISTED]) + (", ..." if len(others) > LISTED else "")
        steps.append(Message(Kind.NOTE, f"Nothing declares {len(others)} collection(s): {listed}"))
    return steps


def _collections(connection: Any) -> dict[str, Mapping[str, Any]]:
    try:
        return {info["name"]: info for info in connection.database.list_collections()}
    except OperationFailure as exc:
        # Often the first command that needs a password.
        raise explain(connection.alias, exc) from exc


class _Collection:
    """The plan of one collection."""

    def __init__(
        self, connection: Any, spec: CollectionSpec, info: Mapping[str, Any] | None
    ) -> None:
        self.connection = connection
        self.spec = spec
        self.info = info

    def steps(self) -> list[Step]:
        if self.info is None:
            return self.create()
        if self.info.get("type", "collection") == "view":
            return [
                self.message(Kind.ERROR, "is declared as a collection, but a view has this name")
            ]
        return [*self.change_options(), *self.change_indexes()]

    def message(self, kind: Kind, text: str) -> Step:
        return Message(kind, f"Collection {self.spec.label} {text}")

    # Features

    def lacks(self, feature: str | None) -> bool:
        return feature is not None and not self.connection.features.has(feature)

    def without_feature(self, index: IndexSpec) -> Step:
        kind = Kind.ERROR if index.unique else Kind.WARNING
        return Message(
            kind,
            f"Leave out {index.describe()} on {self.spec.label}: this server lacks "
            f"{index.needs}; use a server that has it, or remove the index",
        )

    def wanted_options(self) -> tuple[dict[str, Any], list[Step]]:
        """The declared options without those that the server cannot keep, and a word on these."""
        options = dict(self.spec.options)
        steps = []
        for feature, names in NEEDED_BY_OPTIONS.items():
            given = names & options.keys()
            if given and self.lacks(feature):
                options = {name: options[name] for name in options if name not in names}
                text = f"is left without {', '.join(sorted(given))}: this server lacks {feature}"
                steps.append(self.message(Kind.WARNING, text))
        return options, steps

    # A collection that is not there

    def create(self) -> list[Step]:
        options, steps = self.wanted_options()
        possible = tuple(index for index in self.spec.indexes if not self.lacks(index.needs))
        steps.insert(0, CreateCollection(self.connection, self.spec, possible, options))
        steps += [self.without_feature(i) for i in self.spec.indexes if i not in possible]
        return steps

    # One that is

    @property
    def real_options(self) -> Mapping[str, Any]:
        assert self.info is not None
        return self.info.get("options", {})

    def change_options(self) -> list[Step]:
        wanted, steps = self.wanted_options()
        real = {**OPTION_DEFAULTS, **plain(self.real_options)}
        changed = {
            name: value
            for name, value in wanted.items()
            if name not in NOT_COMPARED and not self.same_option(name, real.get(name), value)
        }
        if change := {name: changed[name] for name in changed if name in CHANGEABLE}:
            steps.append(ChangeCollection(self.connection, self.spec, change))
        if fixed := sorted(name for name in changed if name not in CHANGEABLE):
            text = (
                f"was created with other options than declared ({', '.join(fixed)}), which no "
                "server can change; copy its documents to a new collection"
            )
            steps.append(self.message(Kind.ERROR, text))
        return steps

    @staticmethod
    def same_option(name: str, real: Any, wanted: Any) -> bool:
        wanted = getattr(wanted, "document", wanted)  # pymongo's Collation
        wanted = plain({name: wanted})[name]
        # A validator that says more than is declared is another one; elsewhere servers add fields.
        return bool(real == wanted) if name == "validator" else contains(real, wanted)

    def change_indexes(self) -> list[Step]:
        # In the order of the server: its index on _id first, which nobody declares.
        listed = self.connection.database[self.spec.name].list_indexes()
        real = {
            document["name"]: (document, from_server(document))
            for document in listed
            if list(document["key"]) != ["_id"]
        }
        collation = plain(self.real_options).get("collation")
        wanted = [(index, from_spec(index, collation)) for index in self.spec.indexes]
        steps: list[Step] = []
        for match in (self.same, self.same_name, self.same_entries):
            remaining = []
            for index, definition in wanted:
                found = match(index, definition, real)
                if found is None:
                    remaining.append((index, definition))
                else:
                    document, real_definition = real.pop(found)
                    steps += self.change_index(index, definition, document, real_definition)
            wanted = remaining
        for index, _ in wanted:
            steps.append(
                self.without_feature(index)
                if self.lacks(index.needs)
                else CreateIndex(self.connection, self.spec, index)
            )
        if real:
            text = f"has {len(real)} index(es) that nothing declares: {', '.join(sorted(real))}"
            steps.append(self.message(Kind.NOTE, text))
        return steps

    # How a declared index finds its real one: the definition counts before the name.

    @staticmethod
    def same(index: IndexSpec, definition: Definition, real: Mapping[str, Any]) -> str | None:
        if index.name in real and real[index.name][1] == definition:
            return index.name
        return next((name for name, (_, known) in real.items() if known == definition), None)

    @staticmethod
    def same_name(index: IndexSpec, definition: Definition, real: Mapping[str, Any]) -> str | None:
        return index.name if index.name in real else None

    @staticmethod
    def same_entries(
        index: IndexSpec, definition: Definition, real: Mapping[str, Any]
    ) -> str | None:
        """An index by another name that differs only in what it enforces.

        Also another text index: a collection can have but one.
        """
        for name, (_, known) in real.items():
            if known.same_entries == definition.same_entries:
                return name
            if known.is_text and definition.is_text:
                return name
        return None

    def change_index(
        self,
        index: IndexSpec,
        definition: Definition,
        document: Mapping[str, Any],
        real: Definition,
    ) -> list[Step]:
        changes = real.differences(definition)
        # A hidden index is somebody's experiment; it still enforces what it should.
        if "hidden" not in index.options:
            changes.pop("hidden", None)
        if not changes:
            return []
        name = document["name"]
        if changes.keys() <= {"expireAfterSeconds", "hidden"} and all(
            old is not None and new is not None for old, new in changes.values()
        ):
            return [
                ChangeIndex(self.connection, self.spec, index, real_name=name, differences=changes)
            ]
        if name != index.name and not real.is_text:
            more = [part for part, (old, new) in changes.items() if new is None]
            other = [part for part in changes if part not in more]
            # Dropping an index that enforces more could lose a guard that somebody set up by hand.
            if more and not other:
                text = (
                    f"has the index {name}, which serves as {index.name} and enforces more than "
                    f"declared ({', '.join(more)})"
                )
                return [self.message(Kind.WARNING, text)]
            if more:
                text = (
                    f"has the index {name} with the keys of {index.name}, but with "
                    f"{', '.join(more)} and without {', '.join(other)}; drop one or declare both"
                )
                return [self.message(Kind.ERROR, text)]
        return [ReplaceIndex(self.connection, self.spec, index, old=document, differences=changes)]
