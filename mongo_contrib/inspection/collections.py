"""Sampling collections, and everything that is asked of the server to describe them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bson import json_util
from django.apps import apps

from mongo_contrib.db.schema.definitions import declared_collation
from mongo_contrib.repository import Repository

from .classes import Builder, ClassSource
from .families import Member, observe
from .indexes import describe_indexes
from .literals import literal
from .naming import class_name, singular
from .references import Place, Reference, guess, places
from .values import Values

#: How many documents are looked at for the types of the keys of collections referred to.
_KEYS_SAMPLED = 100

Progress = Callable[[str, int, int], None]


@dataclass
class Inspection:
    """What was found: the classes in the order in which they can be written."""

    classes: list[ClassSource] = field(default_factory=list)
    #: Collections of which there is no class, and why.
    left_out: dict[str, str] = field(default_factory=dict)


def inspect(
    connection: Any,
    names: Sequence[str] = (),
    *,
    sample: int = 1_000,
    everything: bool = False,
    progress: Progress = lambda what, done, of: None,
) -> Inspection:
    """Describe the collections of a database by a random sample of each.

    Without `names` all that no installed app declares, or with `everything` those too. Raises
    LookupError naming the collections that are not there.
    """
    existing = {info["name"]: info for info in connection.database.list_collections()}
    if unknown := [name for name in names if name not in existing]:
        known = ", ".join(sorted(existing)) or "none"
        raise LookupError(
            f"The database {connection.database.name!r} has no collection "
            f"{', '.join(map(repr, unknown))}; it has {known}."
        )
    return _Inspector(connection, existing, sample, progress).run(names, everything)


class _Inspector:
    def __init__(
        self, connection: Any, existing: dict[str, Any], sample: int, progress: Progress
    ) -> None:
        self.alias = connection.alias
        self.existing = existing
        self.sample = sample
        self.progress = progress
        self.installed = {
            model._meta.db_table: model._meta.label
            for model in apps.get_models()
            if getattr(model, "_is_document", False)
        }

    def repository(self, name: str) -> Repository:
        return Repository(name, using=self.alias)

    def run(self, names: Sequence[str], everything: bool) -> Inspection:
        found = Inspection()
        chosen = list(names) or self.choose(found, everything)
        sampled: dict[str, Member] = {}
        for number, name in enumerate(chosen):
            info = self.existing[name]
            if info.get("type") == "view":
                found.left_out[name] = "a view; documents are kept in collections"
                continue
            self.progress(f"sampling {name}", number, len(chosen))
            stage = {"$sample": {"size": self.sample}}
            member = observe(self.repository(name).aggregate([stage]))
            if not member.values.count:
                found.left_out[name] = "it has no documents"
                continue
            sampled[name] = member
        classes: set[str] = set()
        labels = dict(self.installed)
        for name in sampled:
            labels[name] = _class_name(name, classes)
            classes.add(labels[name])
        references = self.references(sampled, labels)
        for name, member in sampled.items():
            builder = Builder(references, labels, classes)
            made = builder.documents(labels[name], member)
            classes = builder.taken
            self.describe(made, name)
            found.classes += [*builder.embedded, *made]
        return found

    def choose(self, found: Inspection, everything: bool) -> list[str]:
        """Return what is inspected if nothing is named, and tell what is not."""
        chosen = []
        for name in sorted(self.existing):
            if name.startswith("system."):
                continue
            if not everything and (label := self.installed.get(name)):
                found.left_out[name] = f"{label} describes it"
            elif not everything and self.is_of_bucket(name):
                found.left_out[name] = "part of a GridFS bucket"
            else:
                chosen.append(name)
        return chosen

    def is_of_bucket(self, name: str) -> bool:
        """Whether it belongs to files: as GridFS has them, or what our storage keeps beside."""
        bucket, _, part = name.rpartition(".")
        if part in ("files", "chunks"):
            return True
        return part in ("contents", "replaced", "uploads") and f"{bucket}.files" in self.existing

    def references(
        self, sampled: dict[str, Member], labels: dict[str, str]
    ) -> dict[int, Reference]:
        """Return the guessed references by the `id()` of the values that refer."""
        keys = {name: _key_types(member.values) for name, member in sampled.items()}
        for name in self.existing:
            if name in labels and name not in keys:
                ids = observe(self.repository(name).find({}, {"_id": 1}, limit=_KEYS_SAMPLED))
                keys[name] = _key_types(ids.values)
        everywhere: list[Place] = [
            place
            for oldest in sampled.values()
            for member in oldest.line()
            for place in places(member.values)
        ]
        found = {}
        for number, place in enumerate(everywhere):
            self.progress(f"looking for what {place.key} refers to", number, len(everywhere))
            if (reference := guess(place, keys, self.repository)) is not None:
                found[id(place.values)] = reference
        return found

    def describe(self, classes: list[ClassSource], name: str) -> None:
        """Add what the collection is declared with: its name, options, validator and indexes."""
        made = classes[0]
        made.meta = {"collection": literal(name), **made.meta}
        options = self.existing[name].get("options", {})
        if options.get("capped"):
            capped = {key: int(options[key]) for key in ("size", "max") if key in options}
            made.meta["capped"] = literal(capped)
        if "collation" in options:
            made.meta["collation"] = literal(declared_collation(options["collation"]))
        if "timeseries" in options:
            self.describe_time_series(made, options)
        if "validator" in options:
            level = options.get("validationAction", "error")
            made.notes.append(f"The collection has a validator ({level}), which is not declared:")
            made.notes.append(json_util.dumps(options["validator"]))
        describe_indexes(classes, self.repository(name).list_indexes())

    @staticmethod
    def describe_time_series(made: ClassSource, options: dict[str, Any]) -> None:
        series = options["timeseries"]
        said = {"time_field": "timeField", "meta_field": "metaField"}
        values: dict[str, Any] = {
            ours: made.path(series[theirs]) for ours, theirs in said.items() if theirs in series
        }
        if "granularity" in series:
            values["granularity"] = series["granularity"]
        made.meta["time_series"] = literal(values)


def _key_types(values: Values) -> frozenset[str]:
    return frozenset(values.keys["_id"].filled) if values.count else frozenset()


def _class_name(collection: str, taken: set[str]) -> str:
    """Return a class's name: of `atlas_cities` that is `City`, unless that is taken."""
    last = collection.rpartition("_")[2] or collection
    name = class_name(singular(last), taken)
    return (
        name if name == class_name(singular(last), ()) else class_name(singular(collection), taken)
    )
