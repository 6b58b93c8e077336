"""Lists that are kept in order."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

from django.core import exceptions
from django.db.models.constants import LOOKUP_SEP
from django.utils.translation import gettext_lazy as _

from .lists import ListField


class KeptInOrder:
    """Gives a field of lists `ordering` and `reverse`: a save stores the elements in that order.

    `ordering` names what to sort by: a field of embedded documents or a key of dicts, with
    double underscores for what lies within; None sorts by the elements themselves. Elements
    without a value come first, in reverse last.
    """

    def __init__(
        self, *args: Any, ordering: str | None = None, reverse: bool = False, **kwargs: Any
    ) -> None:
        self.ordering, self.reverse = ordering, reverse
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()  # type: ignore[misc]
        if self.ordering is not None:
            kwargs["ordering"] = self.ordering
        if self.reverse:
            kwargs["reverse"] = self.reverse
        return name, path, args, kwargs

    def in_order(self, values: Iterable[Any]) -> list[Any]:
        """Return the values sorted; ValidationError if they can't be compared."""
        names = self.ordering.split(LOOKUP_SEP) if self.ordering else []
        try:
            return sorted(values, key=lambda value: _sort_key(value, names), reverse=self.reverse)
        except TypeError as error:
            raise exceptions.ValidationError(
                _("“%(name)s” can't be sorted: %(error)s."),
                code="unsortable",
                params={"name": self.name, "error": error},  # type: ignore[attr-defined]
            ) from error


def _sort_key(value: Any, names: list[str]) -> tuple[bool, Any]:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
    return (value is not None, value) if value is not None else (False, 0)


class SortedListField(KeptInOrder, ListField):
    """A `ListField` whose elements a save stores in order: by themselves, or by `ordering`."""

    description = _("Sorted list")

    def prepared(self, value: Any) -> Any:
        value = super().prepared(value)
        if not isinstance(value, list | tuple):
            return value
        ordered = self.in_order(value)
        same = type(value) is list and all(map(operator.is_, ordered, value))
        # The very list that others may hold, where it was in order.
        return value if same else ordered

    def to_bson(self, value: Any) -> list[Any]:
        # Fixtures are saved without prepared().
        return super().to_bson(self.in_order(self.iterated(value)))
