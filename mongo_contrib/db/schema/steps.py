"""The steps of a plan: each says what it does and does it, alone and more than once if need be."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from typing import Any

from django.db import DatabaseError
from pymongo.errors import OperationFailure

from mongo_contrib.db.schema.duplicates import refuse_duplicates, translated_index_errors
from mongo_contrib.db.schema.specs import CollectionSpec, IndexSpec
from mongo_contrib.exceptions import translated_errors

__all__ = [
    "ChangeCollection",
    "ChangeIndex",
    "CreateCollection",
    "CreateIndex",
    "Kind",
    "Message",
    "ReplaceIndex",
    "Step",
]

NAMESPACE_EXISTS = 48
INDEX_NOT_FOUND = 27
# IndexOptionsConflict, IndexKeySpecsConflict, IndexAlreadyExists, CannotCreateIndex: the server
# will not have the new index beside the old one.
CANNOT_COEXIST = frozenset({67, 68, 85, 86})


class Kind(Enum):
    """What a step means for the database."""

    CHANGE = "change"  # to be applied
    NOTE = "note"  # worth knowing; nothing to do
    WARNING = "warning"  # left out because the server lacks something
    ERROR = "error"  # left out although data may depend on it, or impossible

    def __str__(self) -> str:
        return self.value.capitalize()

    @property
    def is_difference(self) -> bool:
        """Whether the database is not as declared and somebody has to act."""
        return self in (Kind.CHANGE, Kind.ERROR)


class Step:
    """One line of a plan; ``apply()`` of anything but a change does nothing."""

    kind = Kind.CHANGE

    def describe(self) -> str:
        """One line without a full stop, as ``migrate`` prints it."""
        raise NotImplementedError

    def apply(self) -> None:
        """Do it, or raise a DatabaseError that names the collection and the index."""

    def __repr__(self) -> str:
        return f"<{self.kind.value}: {self.describe()}>"


class Message(Step):
    """Something to say, nothing to do."""

    def __init__(self, kind: Kind, text: str) -> None:
        self.kind = kind
        self.text = text

    def describe(self) -> str:
        return self.text


class CollectionStep(Step):
    def __init__(self, connection: Any, spec: CollectionSpec) -> None:
        self.connection = connection
        self.spec = spec

    @property
    def collection(self) -> Any:
        return self.connection.database[self.spec.name]


class CreateCollection(CollectionStep):
    """A collection that is not there yet, with those of its indexes that can be built."""

    def __init__(
        self,
        connection: Any,
        spec: CollectionSpec,
        indexes: tuple[IndexSpec, ...],
        options: Mapping[str, Any],
    ) -> None:
        super().__init__(connection, spec)
        self.indexes = indexes
        self.options = options

    def describe(self) -> str:
        names = ", ".join(index.name for index in self.indexes)
        return f"Create collection {self.spec.label}" + (f" with indexes {names}" if names else "")

    def apply(self) -> None:
        with translated_errors(collection=self.spec.name):
            try:
                # Not create_collection(): that asks for the list of all collections first.
                self.connection.database.command("create", self.spec.name, **self.options)
            except OperationFailure as exc:
                # Another process was faster, or wrote the first document.
                if exc.code != NAMESPACE_EXISTS:
                    raise
        if self.indexes:
            with translated_index_errors(self.collection, self.indexes):
                self.collection.create_indexes([index.model() for index in self.indexes])


class ChangeCollection(CollectionStep):
    """Options of a collection that collMod can change in place."""

    def __init__(self, connection: Any, spec: CollectionSpec, options: Mapping[str, Any]) -> None:
        super().__init__(connection, spec)
        self.options = options

    def describe(self) -> str:
        return f"Change {', '.join(sorted(self.options))} of collection {self.spec.label}"

    def apply(self) -> None:
        with translated_errors(collection=self.spec.name):
            self.connection.database.command("collMod", self.spec.name, **self.options)


class IndexStep(CollectionStep):
    def __init__(self, connection: Any, spec: CollectionSpec, index: IndexSpec) -> None:
        super().__init__(connection, spec)
        self.index = index

    def create(self) -> None:
        with translated_index_errors(self.collection, (self.index,)):
            self.collection.create_indexes([self.index.model()])


class CreateIndex(IndexStep):
    """An index that is not there yet."""

    def describe(self) -> str:
        return f"Create {self.index.describe()} on {self.spec.label}"

    def apply(self) -> None:
        self.create()


class ChangeIndex(IndexStep):
    """Options of an index that collMod changes without building it anew."""

    def __init__(
        self,
        connection: Any,
        spec: CollectionSpec,
        index: IndexSpec,
        *,
        real_name: str,
        differences: Mapping[str, tuple[Any, Any]],
    ) -> None:
        super().__init__(connection, spec, index)
        self.real_name = real_name
        self.differences = differences

    def describe(self) -> str:
        changes = _changes(self.differences)
        return f"Change index {self.real_name} on {self.spec.label} ({changes})"

    def apply(self) -> None:
        change = {name: wanted for name, (_, wanted) in self.differences.items()}
        with translated_errors(collection=self.spec.name):
            self.connection.database.command(
                "collMod", self.spec.name, index={"name": self.real_name, **change}
            )


class ReplaceIndex(IndexStep):
    """An index whose declaration changed.

    The new one is built before the old one goes, where the server lets both be (never under one
    name, nor two text indexes). Where it does not, the old one is dropped first, after looking
    for duplicates, and is built again if the new one fails: no failure leaves neither.
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
        by = "" if self.old["name"] == self.index.name else f" by {self.index.name}"
        changes = _changes(self.differences)
        return f"Replace index {self.old['name']}{by} on {self.spec.label} ({changes})"

    def apply(self) -> None:
        if self.old["name"] != self.index.name and self._created_beside():
            self._drop_old()
        else:
            self._swap()

    def _created_beside(self) -> bool:
        with translated_index_errors(self.collection, (self.index,)):
            try:
                self.collection.create_indexes([self.index.model()])
            except OperationFailure as exc:
                if exc.code in CANNOT_COEXIST:
                    return False
                raise
            # Some servers say yes and keep only the old one.
            return any(real["name"] == self.index.name for real in self.collection.list_indexes())

    def _drop_old(self) -> None:
        with translated_errors(collection=self.spec.name):
            try:
                self.collection.drop_index(self.old["name"])
            except OperationFailure as exc:
                if exc.code != INDEX_NOT_FOUND:
                    raise

    def _swap(self) -> None:
        if self.index.unique:
            refuse_duplicates(self.collection, self.index)
        self._drop_old()
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
