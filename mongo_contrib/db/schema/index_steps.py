"""The steps of a plan that are about indexes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.db import DatabaseError
from pymongo.errors import OperationFailure

from mongo_contrib.db.schema.diff import index_line, real_index_line
from mongo_contrib.db.schema.duplicates import refuse_duplicates, translated_index_errors
from mongo_contrib.db.schema.specs import CollectionSpec, IndexSpec
from mongo_contrib.db.schema.steps import CollectionStep
from mongo_contrib.exceptions import QueryTimeout, translated_errors

__all__ = ["ChangeIndex", "CreateIndex", "DropIndex", "ReplaceIndex", "beside"]

INDEX_NOT_FOUND = 27
# IndexOptionsConflict, IndexKeySpecsConflict, IndexAlreadyExists, CannotCreateIndex: the server
# will not have the new index beside the old one.
CANNOT_COEXIST = frozenset({67, 68, 85, 86})

# The name of an index is for ever: one that replaces its namesake has this at the end.
BESIDE = "_by_migrate"


def beside(name: str) -> str:
    """The other of the two names that a declared index may have on the server."""
    return name.removesuffix(BESIDE) if name.endswith(BESIDE) else f"{name}{BESIDE}"


class IndexStep(CollectionStep):
    def __init__(self, connection: Any, spec: CollectionSpec, index: IndexSpec) -> None:
        super().__init__(connection, spec)
        self.index = index

    def create(self, index: IndexSpec | None = None) -> None:
        index = index or self.index
        with translated_index_errors(self.collection, (index,)):
            self.collection.create_indexes([index.model()])

    def drop(self, name: str) -> None:
        with translated_errors(collection=self.spec.name):
            try:
                self.collection.drop_index(name)
            except OperationFailure as exc:
                if exc.code != INDEX_NOT_FOUND:
                    raise

    def real(self, name: str) -> Mapping[str, Any]:
        """The index of a name as the server describes it, or an empty mapping."""
        with translated_errors(collection=self.spec.name):
            found = [each for each in self.collection.list_indexes() if each["name"] == name]
        return found[0] if found else {}


class CreateIndex(IndexStep):
    """An index that is not there."""

    def describe(self) -> str:
        return f"Create {self.index.describe()} on {self.spec.label}"

    def details(self) -> list[str]:
        return [f"+ {index_line(self.index)}"]

    def apply(self) -> None:
        self.create()


class DropIndex(CollectionStep):
    """An index that nothing declares, or that an interrupted replacement has left."""

    def __init__(
        self,
        connection: Any,
        spec: CollectionSpec,
        document: Mapping[str, Any],
        *,
        instead: str | None = None,
    ) -> None:
        super().__init__(connection, spec)
        self.document = document
        self.instead = instead
        self.drops = instead is None

    def describe(self) -> str:
        why = f"which {self.instead} replaces" if self.instead else "which nothing declares"
        return f"Drop index {self.document['name']} of {self.spec.label}, {why}"

    def details(self) -> list[str]:
        return [f"- {real_index_line(self.document)}"]

    def apply(self) -> None:
        with translated_errors(collection=self.spec.name):
            try:
                self.collection.drop_index(self.document["name"])
            except OperationFailure as exc:
                if exc.code != INDEX_NOT_FOUND:
                    raise


class ChangeIndex(IndexStep):
    """Options of an index that collMod changes without building it anew."""

    def __init__(
        self,
        connection: Any,
        spec: CollectionSpec,
        index: IndexSpec,
        *,
        old: Mapping[str, Any],
        differences: Mapping[str, tuple[Any, Any]],
        drops: bool = False,
    ) -> None:
        super().__init__(connection, spec, index)
        self.old = old
        self.differences = differences
        self.drops = drops

    def describe(self) -> str:
        changes = _changes(self.differences)
        return f"Change index {self.old['name']} on {self.spec.label} ({changes})"

    def details(self) -> list[str]:
        change = {name: wanted for name, (_, wanted) in self.differences.items() if wanted}
        rest = {name: self.old[name] for name in self.old if name not in self.differences}
        return [
            f"- {real_index_line(self.old)}",
            f"+ {real_index_line({**rest, **change})}",
        ]

    def apply(self) -> None:
        change = {name: wanted or False for name, (_, wanted) in self.differences.items()}
        self.modify(index={"name": self.old["name"], **change})


class ReplaceIndex(IndexStep):
    """An index whose declaration changed.

    What collMod can do is done in place: a plain index becomes unique, or a TTL index. Otherwise
    the new one is built beside the old one, under another name if need be, before the old one
    goes. Where the server does not let both be (two text indexes, or the same keys with and
    without TTL), the old one is dropped first, after looking for duplicates, and is built again
    if the new one fails: no failure leaves neither.
    """

    def __init__(
        self,
        connection: Any,
        spec: CollectionSpec,
        index: IndexSpec,
        *,
        old: Mapping[str, Any],
        differences: Mapping[str, tuple[Any, Any]],
    ) -> None:
        super().__init__(connection, spec, index)
        self.old = old
        self.differences = differences

    def describe(self) -> str:
        by = "" if self.is_namesake else f" by {self.index.name}"
        changes = _changes(self.differences)
        return f"Replace index {self.old['name']}{by} on {self.spec.label} ({changes})"

    def details(self) -> list[str]:
        return [f"- {real_index_line(self.old)}", f"+ {index_line(self.index)}"]

    @property
    def is_namesake(self) -> bool:
        return self.index.name in (self.old["name"], beside(self.old["name"]))

    def apply(self) -> None:
        if self._converted():
            return
        name = self.index.name
        if name == self.old["name"]:
            name = beside(name)
        if self._created_beside(name):
            self.drop(self.old["name"])
        else:
            self._swap()

    # In place

    def _converted(self) -> bool:
        gained = {name: new for name, (old, new) in self.differences.items() if old is None}
        if not (self.is_namesake and gained.keys() == self.differences.keys()):
            return False
        if gained.keys() == {"expireAfterSeconds"}:
            return self._modified("expireAfterSeconds", gained["expireAfterSeconds"])
        return gained.keys() == {"unique"} and self._made_unique()

    def _modified(self, option: str, value: Any) -> bool:
        """Whether collMod could do it; some servers say yes and do nothing."""
        name = self.old["name"]
        try:
            self.connection.database.command(
                "collMod", self.spec.name, index={"name": name, option: value}
            )
        except OperationFailure:
            return False
        return bool(self.real(name).get(option, False) == value)

    def _made_unique(self) -> bool:
        # From here on the server refuses new duplicates, so that what is found is all there is.
        if not self._modified("prepareUnique", True):
            return False
        try:
            with suppress(QueryTimeout):
                refuse_duplicates(self.collection, self.index)
            with translated_index_errors(self.collection, (self.index,)):
                self.connection.database.command(
                    "collMod", self.spec.name, index={"name": self.old["name"], "unique": True}
                )
        except DatabaseError:
            self._modified("prepareUnique", False)
            raise
        if not self.real(self.old["name"]).get("unique"):
            self._modified("prepareUnique", False)
            return False
        return True

    # One beside the other

    def _created_beside(self, name: str) -> bool:
        index = replace(self.index, name=name)
        with translated_index_errors(self.collection, (index,)):
            try:
                self.collection.create_indexes([index.model()])
            except OperationFailure as exc:
                if exc.code in CANNOT_COEXIST:
                    return False
                raise
        # Some servers say yes and keep only the old one.
        return bool(self.real(name))

    # One after the other

    def _swap(self) -> None:
        if self.index.unique:
            refuse_duplicates(self.collection, self.index)
        self.drop(self.old["name"])
        try:
            self.create()
        except DatabaseError:
            self._restore()
            raise

    def _restore(self) -> None:
        again = {name: value for name, value in self.old.items() if name not in ("v", "ns")}
        # What counts is the error of the new index, which the caller raises.
        with suppress(OperationFailure):
            self.connection.database.command("createIndexes", self.spec.name, indexes=[again])


def _changes(differences: Mapping[str, tuple[Any, Any]]) -> str:
    return ", ".join(
        f"{name}: {_shown(old)} -> {_shown(new)}" for name, (old, new) in differences.items()
    )


def _shown(value: Any) -> str:
    return "none" if value is None else "yes" if value is True else repr(value)
