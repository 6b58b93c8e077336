"""What becomes of references inside of documents when what they refer to is deleted.

Django's `Collector` walks the graph, here as anywhere, also for the admin's page that asks
first. It knows a reference by a field of the class that refers; for references in embedded
documents that is an `EmbeddedReference` (see embedded_references.py). It writes what is to be
changed by `QuerySet.update()`: the values that stand there are `Rewrite`s, which write to all
documents of one relation by one command.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction

from ..mapping.encoding import encode_value
from ..mapping.families import class_condition

#: How many keys one command names: of ObjectIds, 2 MB, up to three times. It may have 16 MB.
MAX_KEYS = 100_000


def PULL(collector: Any, field: Any, sub_objs: Any, using: str) -> None:
    """Take the key out of the list; or, for a reference in a list's documents, the document.

    An `on_delete` for `ReferenceListField`, and for `ForeignKey` in classes that are embedded in
    lists. It saves no document: signals are not sent.
    """
    # An embedded class has no documents of its own: those that hold it are asked.
    if not getattr(field.model, "_is_embedded", False):
        collector.add_field_update(field, Pulled(place_of(field), collector), sub_objs.all())


# Django asks this of a rule before it looks for those that refer.
PULL.lazy_sub_objs = True  # type: ignore[attr-defined]


def CASCADE_HOLDERS(collector: Any, field: Any, sub_objs: Any, using: str) -> None:
    """Delete the documents that hold the reference: `CASCADE`, said by more than one field.

    Django's own says whose child each is, for which it reads one object off the field.
    """
    collector.collect(
        sub_objs, source=field.remote_field.model, nullable=True, fail_on_restricted=False
    )


CASCADE_HOLDERS.lazy_sub_objs = True  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Place:
    """Where in documents a reference is stored.

    `steps` are the embedded fields that lead there: for each its stored name, and whether it is
    a list.
    """

    steps: tuple[tuple[str, bool], ...]
    field: Any

    @property
    def column(self) -> str:
        return str(self.field.column)

    @property
    def holds_keys(self) -> bool:
        """Whether the reference is a list of keys itself."""
        return hasattr(self.field, "base_field")

    def path(self, start: int = 0) -> str:
        """Return the stored path from there on."""
        return ".".join([*(column for column, _ in self.steps[start:]), self.column])

    def update_path(self, length: int, keys: list[Any]) -> tuple[str, list[dict[str, Any]]]:
        """Return the path of the first `length` steps for an update, and its array filters.

        Of each list on the way, the elements are meant that lead to one of the keys.
        """
        parts, filters = [], []
        for position, (column, many) in enumerate(self.steps[:length]):
            parts.append(column)
            if many:
                name = f"e{position}"
                parts.append(f"$[{name}]")
                filters.append({f"{name}.{self.path(position + 1)}": {"$in": keys}})
        return ".".join(parts), filters


def place_of(field: Any) -> Place:
    """Return the place of an `EmbeddedReference`, or of a document's own field."""
    return getattr(field, "place", None) or Place((), field)


@dataclass(frozen=True)
class Rewrite:
    """What a deletion does to all references in one place.

    Equal ones are one command: so Django groups what it has collected.
    """

    place: Place
    collector: Any

    def __hash__(self) -> int:
        return hash((type(self), self.place.field, self.place.steps))

    def keys(self) -> list[Any]:
        """Return the stored keys of what is being deleted."""
        target = self.place.field.target_field
        wanted = self.place.field.remote_field.model._meta.concrete_model
        return [
            encode_value(target, key)
            for model, instances in self.collector.data.items()
            if issubclass(model, wanted)
            for instance in instances
            if (key := getattr(instance, target.attname)) is not None
        ]

    def update(self, keys: list[Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return the update and its array filters."""
        raise NotImplementedError

    def write_to(self, queryset: Any) -> int:
        """Change all documents that hold one of the keys; return how many there were.

        `queryset` is what Django found them by, and says the class and the database.
        """
        found, keys = 0, self.keys()
        repository = queryset.query.repository(queryset.db)
        with transaction.mark_for_rollback_on_error(using=queryset.db):
            for start in range(0, len(keys), MAX_KEYS):
                some = keys[start : start + MAX_KEYS]
                condition = {**class_condition(queryset.model), self.place.path(): {"$in": some}}
                update, array_filters = self.update(some)
                options = {"array_filters": array_filters} if array_filters else {}
                result = repository.update_many(condition, update, **options)
                found += int(result.matched_count)
        return found


@dataclass(frozen=True)
class Pulled(Rewrite):
    """Keys leave lists of keys; embedded documents with a key leave their list."""

    __hash__ = Rewrite.__hash__

    def update(self, keys: list[Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        place = self.place
        if place.holds_keys:
            path, filters = place.update_path(len(place.steps), keys)
            path = f"{path}.{place.column}" if path else place.column
            return {"$pull": {path: {"$in": keys}}}, filters
        # The innermost list is the one that loses an element.
        length = max(number for number, (_, many) in enumerate(place.steps, 1) if many)
        path, filters = place.update_path(length - 1, keys)
        column = place.steps[length - 1][0]
        path = f"{path}.{column}" if path else column
        return {"$pull": {path: {place.path(length): {"$in": keys}}}}, filters


@dataclass(frozen=True)
class Replaced(Rewrite):
    """References in embedded documents get another value, None in most cases."""

    value: Any

    __hash__ = Rewrite.__hash__

    def update(self, keys: list[Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        place = self.place
        path, filters = place.update_path(len(place.steps), keys)
        path = f"{path}.{place.column}"
        if self.value is None:
            return {"$unset": {path: ""}}, filters
        return {"$set": {path: encode_value(place.field, self.value)}}, filters


class _Inside:
    """Stands for the collector, where a rule tells it what a reference shall become."""

    def __init__(self, collector: Any, field: Any) -> None:
        self._collector = collector
        self._field = field

    def add_field_update(self, field: Any, value: Any, objs: Any) -> None:
        rewrite = Replaced(self._field.place, self._collector, value)
        # Not looked at yet, so that Django updates them by the query.
        self._collector.add_field_update(self._field, rewrite, objs.all())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._collector, name)


#: Rules that need to know nothing of where the reference lies.
_ANYWHERE: Iterable[Any] = (models.DO_NOTHING, models.PROTECT, models.RESTRICT, PULL)


def rule_inside(on_delete: Any) -> Any:
    """Return what a reference's `on_delete` means inside of embedded documents."""
    if on_delete in _ANYWHERE:
        return on_delete
    if on_delete in (models.CASCADE, CASCADE_HOLDERS):
        return CASCADE_HOLDERS

    def rule(collector: Any, field: Any, sub_objs: Any, using: str) -> None:
        on_delete(_Inside(collector, field), field.reference, sub_objs, using)

    rule.lazy_sub_objs = getattr(on_delete, "lazy_sub_objs", False)  # type: ignore[attr-defined]
    return rule
