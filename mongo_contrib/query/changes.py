"""Change streams: what happens to documents, as it happens."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..bridge import native
from ..mapping.encoding import decode_value
from ..mapping.plan import plan_of
from .conditions import NOTHING
from .elements import prefixed

OPERATIONS = ("insert", "update", "replace", "delete")


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one document."""

    #: "insert", "update", "replace" or "delete".
    operation: str
    pk: Any
    #: The document as it is now; None if it was deleted, or is gone by now.
    document: Any
    #: As it was before, where `watch(before=...)` asks for it and the collection keeps it.
    before: Any
    #: Of an update, the names of the fields that it changed.
    fields: frozenset[str]
    #: Resume after this change by `watch(resume_after=token)`.
    token: Any
    #: The event as the server tells it, by stored names.
    event: dict[str, Any]


def stages(queryset: Any, operations: tuple[str, ...], before: bool) -> Any:
    """Return the stages that narrow a change stream to the query set; NOTHING for an empty one.

    What was deleted is known by its key alone, unless the server keeps documents as they were.
    """
    if unknown := set(operations) - set(OPERATIONS):
        raise ValueError(
            f"{', '.join(sorted(map(repr, unknown)))} is no operation on documents; these are: "
            f"{', '.join(OPERATIONS)}."
        )
    found: list[dict[str, Any]] = [{"$match": {"operationType": {"$in": list(operations)}}}]
    condition = queryset.query.condition(queryset.db)
    if condition is NOTHING:
        return NOTHING
    if condition:
        places = ["fullDocument", "fullDocumentBeforeChange"] if before else ["fullDocument"]
        if condition.keys() == {"_id"}:
            places = ["documentKey"]
        matches = [prefixed(condition, place) for place in places]
        found.append({"$match": matches[0] if len(matches) == 1 else {"$or": matches}})
    return found


class Changes:
    """The changes in a query set, from the moment on that this was made: `for` or `async for`.

    Close it, or use it in a `with` statement, to end it on the server. A connection that is cut
    is resumed after the last change by the driver.
    """

    def __init__(self, queryset: Any, events: Iterator[Any], timeout: float | None) -> None:
        """`timeout` in seconds ends the iteration once so long nothing has changed."""
        self.model = queryset.model
        self.db = queryset.db
        self.timeout = timeout
        #: Of the change that came last; resume by `watch(resume_after=token)`.
        self.token: Any = None
        self._events = events
        # Opens it on the server: what happens from now on is told.
        next(events, None)

    def try_next(self) -> Change | None:
        """Return the next change, or None if there was none for about a second."""
        event = next(self._events, None)
        return None if event is None else self._change(event)

    def __iter__(self) -> Changes:
        return self

    def __next__(self) -> Change:
        change = self._next()
        if change is None:
            raise StopIteration
        return change

    def _next(self) -> Change | None:
        end = None if self.timeout is None else time.monotonic() + self.timeout
        for event in self._events:
            if event is not None:
                return self._change(event)
            if end is not None and time.monotonic() >= end:
                break
        return None

    def close(self) -> None:
        close = getattr(self._events, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> Changes:
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.close()

    # On an event loop

    async def atry_next(self) -> Change | None:
        """See try_next()."""
        return await native(self.try_next)

    def __aiter__(self) -> Changes:
        return self

    async def __anext__(self) -> Change:
        change = await native(self._next)
        if change is None:
            raise StopAsyncIteration
        return change

    async def aclose(self) -> None:
        """See close()."""
        await native(self.close)

    async def __aenter__(self) -> Changes:
        return self

    async def __aexit__(self, *exc_info: Any) -> None:
        await self.aclose()

    def _change(self, event: dict[str, Any]) -> Change:
        self.token = event["_id"]
        pk = self.model._meta.pk
        return Change(
            operation=event["operationType"],
            pk=decode_value(pk, event["documentKey"]["_id"]),
            document=self._instance(event.get("fullDocument")),
            before=self._instance(event.get("fullDocumentBeforeChange")),
            fields=self._fields(event.get("updateDescription") or {}),
            token=event["_id"],
            event=event,
        )

    def _instance(self, document: dict[str, Any] | None) -> Any:
        return None if document is None else plan_of(self.model).hydrate(document, self.db)

    def _fields(self, described: dict[str, Any]) -> frozenset[str]:
        paths = [
            *described.get("updatedFields", ()),
            *described.get("removedFields", ()),
            *(each["field"] for each in described.get("truncatedArrays", ())),
        ]
        by_column = plan_of(self.model).by_column
        columns = {path.partition(".")[0] for path in paths}
        return frozenset(
            by_column[column].field.name if column in by_column else column for column in columns
        )
