"""The border where the driver's errors become Django's."""

from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any

from django.db import Error

from mongo_contrib.exceptions.translation import (
    DRIVER_ERRORS,
    IndexKeys,
    translate,
    unnamed_index,
)


class translated_errors:
    """A context manager, sync and async, that raises Django's errors for the driver's."""

    __slots__ = ("aindex_keys", "collection", "document", "failed", "index_keys")

    def __init__(
        self,
        *,
        collection: str | None = None,
        document: Mapping[str, Any] | None = None,
        index_keys: IndexKeys | None = None,
        aindex_keys: Callable[[str], Any] | None = None,
        failed: Callable[[Exception, Error], None] | None = None,
    ) -> None:
        """`failed` is told of every error before it is raised: the connection's bookkeeping."""
        self.collection = collection
        self.document = document
        self.index_keys = index_keys
        self.aindex_keys = aindex_keys
        self.failed = failed

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc is not None and isinstance(exc, DRIVER_ERRORS):
            self._raise(exc, self.index_keys)

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc is None or not isinstance(exc, DRIVER_ERRORS):
            return
        keys: Iterable[str] = ()
        index = unnamed_index(exc)
        if index is not None and self.aindex_keys is not None:
            keys = await self.aindex_keys(index)
        self._raise(exc, lambda name: keys)

    def _raise(self, exc: Exception, index_keys: IndexKeys | None) -> None:
        error = translate(
            exc, collection=self.collection, document=self.document, index_keys=index_keys
        )
        if self.failed is not None:
            self.failed(exc, error)
        raise error from exc
