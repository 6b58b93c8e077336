"""The `a...` methods of query sets: their synchronous twins, run natively on the event loop."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from ..bridge import BATCH, native, stream

__all__ = ["QueryTwins"]


class QueryTwins:
    """Native `a...` methods, and `async for`, for a query set.

    Everything they do, they do on the event loop's thread; where a task is in `aatomic()`, they
    join its transaction.
    """

    def __aiter__(self: Any) -> AsyncIterator[Any]:
        """Yield what is found; it is kept, as by `for`."""

        async def results() -> AsyncGenerator[Any, None]:
            await native(self._fetch_all)
            for result in self._result_cache:
                yield result

        return results()

    def aiterator(self: Any, chunk_size: int = 2000) -> AsyncGenerator[Any, None]:
        """See iterator(): constant memory, a cursor on the server.

        A loop that ends early leaves the cursor to the next turn of the event loop; within
        `contextlib.aclosing()` it is closed at once.
        """
        return stream(self.iterator(chunk_size), min(chunk_size, BATCH))

    @property
    def acollection(self: Any) -> Any:
        """See collection: pymongo's `AsyncCollection`, for the running event loop."""
        return self._repository.acollection

    # Reading

    async def aget(self: Any, *args: Any, **kwargs: Any) -> Any:
        """See get()."""
        return await native(self.get, *args, **kwargs)

    async def afirst(self: Any) -> Any:
        """See first()."""
        return await native(self.first)

    async def alast(self: Any) -> Any:
        """See last()."""
        return await native(self.last)

    async def aearliest(self: Any, *fields: Any) -> Any:
        """See earliest()."""
        return await native(self.earliest, *fields)

    async def alatest(self: Any, *fields: Any) -> Any:
        """See latest()."""
        return await native(self.latest, *fields)

    async def ain_bulk(self: Any, id_list: Any = None, *, field_name: str = "pk") -> Any:
        """See in_bulk()."""
        return await native(self.in_bulk, id_list, field_name=field_name)

    async def acount(self: Any) -> int:
        """See count()."""
        return await native(self.count)

    async def aestimated_count(self: Any) -> int:
        """See estimated_count()."""
        return await native(self.estimated_count)

    async def aexists(self: Any) -> bool:
        """See exists()."""
        return await native(self.exists)

    async def acontains(self: Any, obj: Any) -> bool:
        """See contains()."""
        return await native(self.contains, obj)

    async def aaggregate(self: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """See aggregate()."""
        return await native(self.aggregate, *args, **kwargs)

    async def aexplain(self: Any, *, format: str | None = None, **options: Any) -> Any:
        """See explain()."""
        return await native(self.explain, format=format, **options)

    # Writing

    async def acreate(self: Any, **kwargs: Any) -> Any:
        """See create()."""
        return await native(self.create, **kwargs)

    async def aget_or_create(self: Any, defaults: Any = None, **kwargs: Any) -> tuple[Any, bool]:
        """See get_or_create()."""
        return await native(self.get_or_create, defaults, **kwargs)

    async def aupdate_or_create(
        self: Any, defaults: Any = None, create_defaults: Any = None, **kwargs: Any
    ) -> tuple[Any, bool]:
        """See update_or_create()."""
        return await native(self.update_or_create, defaults, create_defaults, **kwargs)

    async def abulk_create(self: Any, objs: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """See bulk_create()."""
        return await native(self.bulk_create, objs, *args, **kwargs)

    async def abulk_update(self: Any, objs: Any, fields: Any, batch_size: Any = None) -> int:
        """See bulk_update()."""
        return await native(self.bulk_update, objs, fields, batch_size)

    async def aupdate(self: Any, **kwargs: Any) -> int:
        """See update()."""
        return await native(self.update, **kwargs)

    async def adelete(self: Any) -> tuple[int, dict[str, int]]:
        """See delete()."""
        return await native(self.delete)

    # As Django marks its own: templates don't call them, managers don't have the last.
    aupdate.alters_data = True  # type: ignore[attr-defined]
    adelete.alters_data = True  # type: ignore[attr-defined]
    adelete.queryset_only = True  # type: ignore[attr-defined]
