"""How declared indexes find their real ones, and what is to be done about the differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mongo_contrib.db.schema.definitions import Definition, from_server, from_spec
from mongo_contrib.db.schema.diff import index_line, real_index_line
from mongo_contrib.db.schema.index_steps import (
    ChangeIndex,
    CreateIndex,
    DropIndex,
    ReplaceIndex,
    beside,
)
from mongo_contrib.db.schema.specs import CollectionSpec, IndexSpec
from mongo_contrib.db.schema.steps import Kind, Message, Step

__all__ = ["IndexPlan", "lacking"]

Real = dict[str, tuple[Mapping[str, Any], Definition]]


def lacking(connection: Any, index: IndexSpec) -> str | None:
    """The feature that an index needs and the server lacks, if any."""
    return next((name for name in index.needed if not connection.features.has(name)), None)


def without_feature(connection: Any, spec: CollectionSpec, index: IndexSpec) -> Step:
    return Message(
        Kind.ERROR if index.unique else Kind.WARNING,
        f"Leave out {index.describe()} on {spec.label}: this server lacks "
        f"{lacking(connection, index)}; use a server that has it, or remove the index",
    )


class IndexPlan:
    """The plan of the indexes of one collection that is there."""

    def __init__(
        self,
        connection: Any,
        spec: CollectionSpec,
        collation: Mapping[str, Any] | None,
        *,
        automatic: list[str],
        prune: bool,
    ) -> None:
        """``automatic`` are the paths of an index that the server makes by itself."""
        self.connection = connection
        self.spec = spec
        self.collation = collation
        self.automatic = automatic
        self.prune = prune

    def steps(self) -> Iterator[Step]:
        real: Real = {
            # In the order of the server: its index on _id first, which nobody declares.
            document["name"]: (document, from_server(document))
            for document in self.connection.database[self.spec.name].list_indexes()
            if list(document["key"]) != ["_id"]
        }
        wanted = [(index, from_spec(index, self.collation)) for index in self.spec.indexes]
        served: dict[str, str] = {}
        for match in (self.same, self.same_name, self.same_entries):
            remaining = []
            for index, definition in wanted:
                found = match(index, definition, real)
                if found is None:
                    remaining.append((index, definition))
                    continue
                served[found] = index.name
                yield from self.change(index, definition, *real.pop(found))
            wanted = remaining
        for index, _ in wanted:
            yield (
                without_feature(self.connection, self.spec, index)
                if lacking(self.connection, index)
                else CreateIndex(self.connection, self.spec, index)
            )
        yield from self.left_over(real, served)

    # How a declared index finds its real one: the definition counts before the name.

    @staticmethod
    def same(index: IndexSpec, definition: Definition, real: Real) -> str | None:
        if index.name in real and real[index.name][1] == definition:
            return index.name
        return next((name for name, (_, known) in real.items() if known == definition), None)

    @staticmethod
    def same_name(index: IndexSpec, definition: Definition, real: Real) -> str | None:
        names = (index.name, beside(index.name))
        return next((name for name in names if name in real), None)

    @staticmethod
    def same_entries(index: IndexSpec, definition: Definition, real: Real) -> str | None:
        """An index by another name that differs only in what it enforces.

        Also another text index: a collection can have but one.
        """
        for name, (_, known) in real.items():
            if known.same_entries == definition.same_entries:
                return name
            if known.is_text and definition.is_text:
                return name
        return None

    # What is to be done

    def change(
        self,
        index: IndexSpec,
        definition: Definition,
        document: Mapping[str, Any],
        real: Definition,
    ) -> Iterator[Step]:
        name = document["name"]
        changes = real.differences(definition)
        if "hidden" in changes and "hidden" not in index.options:
            # Somebody's experiment; it still enforces what it should.
            yield from self.hidden(index, document, changes.pop("hidden"))
        if document.get("prepareUnique") and not index.unique:
            # A conversion to unique was interrupted, and is not wanted any more.
            changes["prepareUnique"] = (True, None)
        if not changes:
            return
        if lack := lacking(self.connection, index):
            text = f"keeps its index {name} as it is: this server lacks {lack} for {index.name}"
            yield self.message(Kind.ERROR if index.unique else Kind.WARNING, text)
        elif changes.keys() <= {"hidden", "prepareUnique"} or (
            changes.keys() <= {"expireAfterSeconds", "hidden", "prepareUnique"}
            and None not in changes.get("expireAfterSeconds", ())
        ):
            yield ChangeIndex(self.connection, self.spec, index, old=document, differences=changes)
        elif refusal := self.refused(index, definition, document, real, changes):
            yield refusal
        else:
            yield ReplaceIndex(
                self.connection, self.spec, index, old=document, differences=changes
            )

    def hidden(
        self, index: IndexSpec, document: Mapping[str, Any], change: tuple[Any, Any]
    ) -> Iterator[Step]:
        if self.prune:
            yield ChangeIndex(
                self.connection,
                self.spec,
                index,
                old=document,
                differences={"hidden": change},
                drops=True,
            )
        else:
            text = f"has the index {document['name']} hidden, which nothing declares"
            yield self.message(Kind.NOTE, text)

    def refused(
        self,
        index: IndexSpec,
        definition: Definition,
        document: Mapping[str, Any],
        real: Definition,
        changes: Mapping[str, tuple[Any, Any]],
    ) -> Step | None:
        """Why an index by another name is not replaced: it could be a guard set up by hand."""
        name = document["name"]
        if index.name in (name, beside(name)) or real.is_text:
            return None
        more = [part for part, (old, new) in changes.items() if new is None]
        other = [part for part in changes if part not in more]
        lines = (f"- {real_index_line(document)}", f"+ {index_line(index)}")
        if more and not other:
            text = (
                f"has the index {name}, which serves as {index.name} and enforces more than "
                f"declared ({', '.join(more)})"
            )
            return self.message(Kind.WARNING, text, lines)
        if more:
            text = (
                f"has the index {name} with the keys of {index.name}, but with "
                f"{', '.join(more)} and without {', '.join(other)}; drop one or declare both"
            )
            return self.message(Kind.ERROR, text, lines)
        return None

    def left_over(self, real: Real, served: Mapping[str, str]) -> Iterator[Step]:
        """What is to be said, or done, about the indexes that no declared one has found."""
        undeclared = []
        for name, (document, _) in sorted(real.items()):
            if list(document["key"]) == self.automatic:
                continue
            if (other := beside(name)) in served and served[other] in (name, other):
                # A replacement was interrupted after the new one was built.
                yield DropIndex(self.connection, self.spec, document, instead=other)
            elif self.prune:
                yield DropIndex(self.connection, self.spec, document)
            else:
                undeclared.append((name, document))
        if undeclared:
            names = ", ".join(name for name, _ in undeclared)
            text = f"has {len(undeclared)} index(es) that nothing declares: {names}"
            lines = tuple(f"- {real_index_line(document)}" for _, document in undeclared)
            yield self.message(Kind.NOTE, text, lines)

    def message(self, kind: Kind, text: str, details: tuple[str, ...] = ()) -> Step:
        return Message(kind, f"Collection {self.spec.label} {text}", details)
