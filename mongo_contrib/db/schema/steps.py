"""The steps of a plan: each says what it does and does it, alone and more than once if need be.

Those about indexes are in index_steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from pymongo.errors import OperationFailure

from mongo_contrib.db.schema.diff import index_line, option_lines, shown
from mongo_contrib.db.schema.duplicates import translated_index_errors
from mongo_contrib.db.schema.specs import CollectionSpec, IndexSpec
from mongo_contrib.db.schema.violations import refuse_violations
from mongo_contrib.exceptions import translated_errors

__all__ = [
    "ChangeCollection",
    "CollectionStep",
    "CreateCollection",
    "DropCollection",
    "DropValidator",
    "Kind",
    "Message",
    "ShardCollection",
    "Step",
]

NAMESPACE_EXISTS = 48


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


def silent(text: str) -> None:
    """Where nobody wants to be told."""


class Step:
    """One line of a plan; ``apply()`` of anything but a change does nothing."""

    kind = Kind.CHANGE
    # Whether it takes away something that nothing declares: somebody has to agree first.
    drops = False
    # Told what takes long, while it does.
    report: Callable[[str], None] = staticmethod(silent)

    def describe(self) -> str:
        """One line without a full stop, as ``migrate`` prints it."""
        raise NotImplementedError

    def details(self) -> list[str]:
        """What goes (``- ...``) and what comes (``+ ...``), a line for each."""
        return []

    def apply(self) -> None:
        """Do it, or raise a DatabaseError that names the collection and the index."""

    def __repr__(self) -> str:
        return f"<{self.kind.value}: {self.describe()}>"


class Message(Step):
    """Something to say, nothing to do."""

    def __init__(self, kind: Kind, text: str, details: tuple[str, ...] = ()) -> None:
        self.kind = kind
        self.text = text
        self.lines = details

    def describe(self) -> str:
        return self.text

    def details(self) -> list[str]:
        return list(self.lines)


class CollectionStep(Step):
    def __init__(self, connection: Any, spec: CollectionSpec) -> None:
        self.connection = connection
        self.spec = spec

    @property
    def collection(self) -> Any:
        return self.connection.database[self.spec.name]

    def modify(self, **options: Any) -> None:
        """Send ``collMod``."""
        with translated_errors(collection=self.spec.name):
            self.connection.database.command("collMod", self.spec.name, **options)


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

    def details(self) -> list[str]:
        return [
            *option_lines({}, self.options),
            *(f"+ {index_line(index)}" for index in self.indexes),
        ]

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
    """Options of a collection that collMod can change in place.

    A validator that is to refuse documents is not applied while there are some that it would
    refuse: nobody could change them any more.
    """

    def __init__(
        self,
        connection: Any,
        spec: CollectionSpec,
        options: Mapping[str, Any],
        real: Mapping[str, Any],
    ) -> None:
        super().__init__(connection, spec)
        self.options = options
        self.real = real

    def describe(self) -> str:
        return f"Change {', '.join(sorted(self.options))} of collection {self.spec.label}"

    def details(self) -> list[str]:
        return list(option_lines(self.real, self.options))

    def apply(self) -> None:
        validator = {**self.real, **self.options}.get("validator")
        if validator and self.is_stricter():
            with translated_errors(collection=self.spec.name):
                count = self.collection.estimated_document_count()
            self.report(f"comparing {count} document(s) with the validator")
            refuse_violations(self.collection, validator)
        self.modify(**self.options)

    def is_stricter(self) -> bool:
        """Whether the change lets the server refuse what it took before."""
        action = {"validationAction": "error", **self.real, **self.options}["validationAction"]
        changed = {"validator", "validationAction"} & self.options.keys()
        return action == "error" and bool(changed)


class DropValidator(CollectionStep):
    """A validator that nothing declares."""

    drops = True

    def __init__(
        self, connection: Any, spec: CollectionSpec, validator: Mapping[str, Any]
    ) -> None:
        super().__init__(connection, spec)
        self.validator = validator

    def describe(self) -> str:
        return f"Drop the validator of collection {self.spec.label}, which nothing declares"

    def details(self) -> list[str]:
        return [f"- validator: {shown(self.validator)}"]

    def apply(self) -> None:
        self.modify(validator={})


class DropCollection(CollectionStep):
    """A collection that nothing declares, as long as it is empty."""

    drops = True

    def describe(self) -> str:
        return f"Drop collection {self.spec.name}, which nothing declares and which is empty"

    def apply(self) -> None:
        with translated_errors(collection=self.spec.name):
            # Somebody may have used it since it was looked at.
            if self.collection.find_one({}, {"_id": 1}) is None:
                self.collection.drop()


class ShardCollection(CollectionStep):
    """A collection that a sharded cluster keeps on one shard so far."""

    def __init__(
        self, connection: Any, spec: CollectionSpec, key: tuple[tuple[str, Any], ...]
    ) -> None:
        super().__init__(connection, spec)
        self.key = key

    def describe(self) -> str:
        return f"Shard collection {self.spec.label} by {', '.join(path for path, _ in self.key)}"

    def details(self) -> list[str]:
        return [f"+ shard key: {shown(dict(self.key))}"]

    def apply(self) -> None:
        name = f"{self.connection.database.name}.{self.spec.name}"
        with translated_errors(collection=self.spec.name):
            self.connection.client.admin.command("shardCollection", name, key=dict(self.key))
