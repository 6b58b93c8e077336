"""The plan of one collection: its options here, its indexes in index_planning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pymongo.errors import PyMongoError

from mongo_contrib.db.schema.definitions import contains, plain
from mongo_contrib.db.schema.diff import option_lines, shown
from mongo_contrib.db.schema.index_planning import IndexPlan, lacking, without_feature
from mongo_contrib.db.schema.search_planning import SearchPlan
from mongo_contrib.db.schema.specs import CollectionSpec
from mongo_contrib.db.schema.steps import (
    ChangeCollection,
    CreateCollection,
    DropValidator,
    Kind,
    Message,
    ShardCollection,
    Step,
)

__all__ = ["CollectionPlan"]

# What collMod can change in place; every other option is fixed when the collection is created.
CHANGEABLE = frozenset(
    {
        "cappedMax",
        "cappedSize",
        "changeStreamPreAndPostImages",
        "expireAfterSeconds",
        "validationAction",
        "validationLevel",
        "validator",
    }
)
# The feature that these options need of a server.
NEEDED_BY_OPTIONS = {
    "validators": frozenset({"validator", "validationLevel", "validationAction"}),
    "default_collation": frozenset({"collation"}),
    "capped_collections": frozenset({"capped", "size", "max"}),
    "time_series": frozenset({"timeseries", "expireAfterSeconds"}),
}
# Options a server leaves out while they have these values.
OPTION_DEFAULTS = {"validationLevel": "strict", "validationAction": "error", "capped": False}
NOT_COMPARED = frozenset({"check_exists", "autoIndexId"})
# What nobody may have meant where it is not declared.
NOTED = ("capped", "collation", "timeseries")
# A server rounds the size of a capped collection up to a multiple of this.
CAPPED_BLOCK = 256


class CollectionPlan:
    """The steps that bring one collection to its declaration."""

    def __init__(
        self,
        connection: Any,
        spec: CollectionSpec,
        info: Mapping[str, Any] | None,
        *,
        prune: bool = False,
    ) -> None:
        self.connection = connection
        self.spec = spec
        self.info = info
        self.prune = prune

    def steps(self) -> list[Step]:
        if self.info is None:
            return [*self.create(), *self.shard(), *self.search()]
        if self.info.get("type", "collection") == "view":
            return [
                self.message(Kind.ERROR, "is declared as a collection, but a view has this name")
            ]
        real = plain(self.real_options)
        series = real.get("timeseries", {})
        indexes = IndexPlan(
            self.connection,
            self.spec,
            real.get("collation"),
            # Time series are indexed by where and when.
            automatic=[series[key] for key in ("metaField", "timeField") if key in series],
            prune=self.prune,
        )
        return [
            *self.change_options(),
            *self.undeclared_options(),
            *indexes.steps(),
            *self.shard(),
            *self.search(),
        ]

    def message(self, kind: Kind, text: str, details: tuple[str, ...] = ()) -> Step:
        return Message(kind, f"Collection {self.spec.label} {text}", details)

    # Features

    def lacks(self, feature: str) -> bool:
        return not self.connection.features.has(feature)

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
        possible = tuple(i for i in self.spec.indexes if not lacking(self.connection, i))
        steps.insert(0, CreateCollection(self.connection, self.spec, possible, options))
        steps += [
            without_feature(self.connection, self.spec, index)
            for index in self.spec.indexes
            if index not in possible
        ]
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
            for name, value in self.as_collmod_says(wanted, real)
            if name not in NOT_COMPARED and not self.same_option(name, real.get(name), value)
        }
        if change := {name: changed[name] for name in changed if name in CHANGEABLE}:
            steps.append(ChangeCollection(self.connection, self.spec, change, real))
        if fixed := {name: changed[name] for name in changed if name not in CHANGEABLE}:
            text = (
                f"was created with other options than declared ({', '.join(sorted(fixed))}), "
                "which no server can change; copy its documents to a new collection"
            )
            lines = tuple(option_lines(real, fixed))
            steps.append(self.message(Kind.ERROR, text, lines))
        return steps

    @staticmethod
    def as_collmod_says(
        wanted: Mapping[str, Any], real: Mapping[str, Any]
    ) -> Iterator[tuple[str, Any]]:
        """The declared options by the names that collMod has for them, and what goes with them."""
        for name, value in wanted.items():
            if name not in ("size", "max"):
                yield name, value
            elif real.get("capped"):
                # Servers before and after rounding are the same size.
                if name == "max" and real.get("max") != value:
                    yield "cappedMax", value
                if name == "size" and rounded(real.get("size", 0)) != rounded(value):
                    yield "cappedSize", value
        if "timeseries" in wanted and "expireAfterSeconds" in real:
            yield "expireAfterSeconds", wanted.get("expireAfterSeconds", "off")

    @staticmethod
    def same_option(name: str, real: Any, wanted: Any) -> bool:
        wanted = getattr(wanted, "document", wanted)  # pymongo's Collation
        wanted = plain({name: wanted})[name]
        # A validator that says more than is declared is another one; elsewhere servers add fields.
        return bool(real == wanted) if name == "validator" else contains(real, wanted)

    def undeclared_options(self) -> Iterator[Step]:
        validator = plain(self.real_options).get("validator")
        if validator and "validator" not in self.spec.options:
            if self.prune:
                yield DropValidator(self.connection, self.spec, validator)
            else:
                line = f"- validator: {shown(validator)}"
                yield self.message(Kind.NOTE, "has a validator that nothing declares", (line,))
        for name in NOTED:
            if self.real_options.get(name) and name not in self.spec.options:
                line = f"- {name}: {shown(self.real_options[name])}"
                text = f"was created with an option that nothing declares: {name}"
                yield self.message(Kind.NOTE, text, (line,))

    # Shards and searches

    def shard(self) -> Iterator[Step]:
        key = self.spec.shard_key
        if key is None:
            return
        if self.lacks("sharded"):
            yield self.message(Kind.NOTE, "is not sharded: this server is no sharded cluster")
            return
        real = self.real_shard_key()
        if real is None:
            yield ShardCollection(self.connection, self.spec, key)
        elif list(real.items()) != list(key):
            text = "is sharded by another key than declared; `reshardCollection` changes it"
            lines = (f"- shard key: {shown(real)}", f"+ shard key: {shown(dict(key))}")
            yield self.message(Kind.ERROR, text, lines)

    def real_shard_key(self) -> Mapping[str, Any] | None:
        name = f"{self.connection.database.name}.{self.spec.name}"
        try:
            found = self.connection.client["config"]["collections"].find_one({"_id": name})
        except PyMongoError:
            return None
        return plain(found["key"]) if found and "key" in found else None

    def search(self) -> Iterator[Step]:
        if self.spec.search_indexes:
            yield from SearchPlan(self.connection, self.spec, prune=self.prune).steps()


def rounded(size: int) -> int:
    """The size of a capped collection as a server makes it."""
    return -(-int(size) // CAPPED_BLOCK) * CAPPED_BLOCK
