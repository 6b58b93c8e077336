"""Where documents come from, if not from a plain match: from a search, or by their distance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError
from django.db.models import FloatField
from django.db.models.expressions import Expression
from django.db.utils import NotSupportedError

from .conditions import NOTHING, Condition
from .expressions import expression
from .nodes import Deferred, Node
from .stages import ANNOTATED


class Measured(Expression):
    """What a source measures: it lies among the annotations already."""

    def __init__(self, name: str) -> None:
        super().__init__(output_field=FloatField())
        self.name = name


@expression(Measured)
def _measured(scope: Any, value: Measured) -> str:
    return f"${ANNOTATED}.{value.name}"


def _is_measured(key: str, asked: Any) -> bool:
    """Tell whether a part of a condition may be about what a source measures."""
    if key in ("$and", "$or", "$nor"):
        return any(_is_measured(*item) for each in asked for item in each.items())
    return key == "$expr" or key.startswith(f"{ANNOTATED}.")


class Source:
    """Base of what stands first in the pipeline of a query.

    It is immutable, as all of a query is.
    """

    #: Whether `condition()` finds the same documents, where their order does not matter.
    is_condition = False

    def condition(self) -> Condition:
        """Return the condition on documents to count or write."""
        raise NotImplementedError

    def finds_plainly(self, nodes: Iterable[Node]) -> bool:
        """Tell whether conditions tell what is found: not those on what the source measures."""
        return self.is_condition and not any(
            isinstance(node, Deferred)
            or (node is not NOTHING and any(_is_measured(*item) for item in node.items()))
            for node in nodes
        )

    def narrowed(self, conditions: list[Condition]) -> list[Condition]:
        """Return `conditions` with this one's; NotSupportedError if they don't tell documents."""
        if not self.finds_plainly(conditions):
            raise NotSupportedError(
                "What was found so, and by what was measured, can be read and not written; filter "
                "by a list of its keys."
            )
        return [*conditions, self.condition()]

    def stages(self, condition: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the stages that yield what is found and fulfils `condition`."""
        later = {key: asked for key, asked in condition.items() if _is_measured(key, asked)}
        stages = self.first({key: value for key, value in condition.items() if key not in later})
        return [*stages, {"$match": later}] if later else stages

    def first(self, condition: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the stages that find and measure; `condition` is about stored values alone."""
        raise NotImplementedError

    def explanation(self, error: Exception, using: str) -> Exception | None:
        """Return a better error for one of the server's, if there is one."""
        return None

    @contextmanager
    def explained(self, using: str) -> Iterator[None]:
        """Raise the better error."""
        try:
            yield
        except DatabaseError as error:
            better = self.explanation(error, using)
            if better is None:
                raise
            raise better from error

    def told(self, documents: Iterator[Any], using: str) -> Iterator[Any]:
        """Yield what the server finds, with its errors explained."""
        with self.explained(using):
            yield from documents
