"""One collection: even verbs, sync and async. The only place of this package that reads and writes
documents through pymongo."""

from collections.abc import AsyncGenerator, Generator, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Unpack

from pymongo.results import BulkWriteResult, UpdateResult

from mongo_contrib.bridge import native, stream
from mongo_contrib.db.index_verbs import IndexVerbs
from mongo_contrib.db.options import (
    AggregateOptions,
    CountOptions,
    DeleteOptions,
    Filter,
    FindAndModifyOptions,
    FindOptions,
    Projection,
    Update,
    UpdateOptions,
    driver_spelling,
)

__all__ = ["Repository"]

Document = dict[str, Any]


class Repository(IndexVerbs):
    """The verbs of one collection, in MQL: takes dicts, gives dicts.

        cities = Repository("cities")
        cities.update_one({"_id": 1}, {"$inc": {"visits": 1}}, upsert=True)

    Verbs join the running transaction: sync ones that of `transaction.atomic()` in this thread,
    async ones (`afind`, ...), which are native, that of `aatomic()` in this task. Errors of the
    driver are raised as Django's, see mongo_contrib.exceptions.
    """

    # Reading

    def find(
        self,
        filter: Filter | None = None,
        projection: Projection | None = None,
        **options: Unpack[FindOptions],
    ) -> Generator[Document, None, None]:
        """Yield the documents that match; nothing is sent before the first is asked for.

        Options: sort, skip, limit, hint, collation, max_time_ms, batch_size, comment. The cursor
        on the server is closed with the generator.
        """
        with self._errors:
            collection, session = self._open()
            cursor = collection.find(filter, projection, session=session, **options)
            try:
                yield from _drained(cursor, options.get("batch_size"))
            finally:
                cursor.close()

    async def afind(
        self,
        filter: Filter | None = None,
        projection: Projection | None = None,
        **options: Unpack[FindOptions],
    ) -> AsyncGenerator[Document, None]:
        """See find()."""
        async with self._errors:
            collection, session = await self._aopen()
            cursor = collection.find(filter, projection, session=session, **options)
            try:
                async for document in cursor:
                    yield document
            finally:
                await cursor.close()

    def find_one(
        self,
        filter: Filter | None = None,
        projection: Projection | None = None,
        **options: Unpack[FindOptions],
    ) -> Document | None:
        """Return the first document that matches, or None. Options: those of find()."""
        with self._errors:
            collection, session = self._open()
            return collection.find_one(filter, projection, session=session, **options)

    async def afind_one(
        self,
        filter: Filter | None = None,
        projection: Projection | None = None,
        **options: Unpack[FindOptions],
    ) -> Document | None:
        """See find_one()."""
        return await native(self.find_one, filter, projection, **options)

    def count(self, filter: Filter | None = None, **options: Unpack[CountOptions]) -> int:
        """Return how many documents match, counted up to `limit` if given.

        Other options: skip, hint, collation, max_time_ms, comment.
        """
        with self._errors:
            collection, session = self._open()
            return collection.count_documents(
                filter or {}, session=session, **driver_spelling(options)
            )

    async def acount(self, filter: Filter | None = None, **options: Unpack[CountOptions]) -> int:
        """See count()."""
        return await native(self.count, filter, **options)

    def estimated_count(self) -> int:
        """Return the collection's size as its metadata tells it; joins no transaction."""
        with self._errors:
            collection, _ = self._open()
            return collection.estimated_document_count()

    async def aestimated_count(self) -> int:
        """See estimated_count()."""
        return await native(self.estimated_count)

    def exists(self, filter: Filter | None = None, **options: Unpack[FindOptions]) -> bool:
        """Return whether any document matches."""
        return self.find_one(filter, {"_id": 1}, **options) is not None

    async def aexists(self, filter: Filter | None = None, **options: Unpack[FindOptions]) -> bool:
        """See exists()."""
        return await native(self.exists, filter, **options)

    def distinct(
        self, path: str, filter: Filter | None = None, **options: Unpack[AggregateOptions]
    ) -> list[Any]:
        """Return the values under a path, each once, those of lists singly."""
        with self._errors:
            collection, session = self._open()
            return collection.distinct(path, filter, session=session, **driver_spelling(options))

    async def adistinct(
        self, path: str, filter: Filter | None = None, **options: Unpack[AggregateOptions]
    ) -> list[Any]:
        """See distinct()."""
        return await native(self.distinct, path, filter, **options)

    def aggregate(
        self, pipeline: Sequence[Mapping[str, Any]], **options: Unpack[AggregateOptions]
    ) -> Generator[Document, None, None]:
        """Yield what a pipeline yields; nothing is sent before the first item is asked for.

        A pipeline that ends in $merge or $out has to be exhausted (`list(...)`) to run.
        """
        with self._errors:
            collection, session = self._open()
            with collection.aggregate(
                pipeline, session=session, **driver_spelling(options)
            ) as cursor:
                yield from _drained(cursor, options.get("batchSize"))

    async def aaggregate(
        self, pipeline: Sequence[Mapping[str, Any]], **options: Unpack[AggregateOptions]
    ) -> AsyncGenerator[Document, None]:
        """See aggregate()."""
        async with self._errors:
            collection, session = await self._aopen()
            cursor = await collection.aggregate(
                pipeline, session=session, **driver_spelling(options)
            )
            async with cursor:
                async for document in cursor:
                    yield document

    def watch(
        self, pipeline: Sequence[Mapping[str, Any]] = (), **options: Any
    ) -> Generator[Document | None, None, None]:
        """Yield change events; first None, once it is open, and None after a while without any.

        It ends when the collection does; close it to end it on the server. Options are those of
        pymongo's `Collection.watch()`. It joins no transaction.
        """
        options.setdefault("max_await_time_ms", 1_000)
        with self._errors:
            collection, _ = self._open()
            with collection.watch(list(pipeline), **options) as changes:
                yield None
                while changes.alive:
                    yield changes.try_next()

    async def awatch(
        self, pipeline: Sequence[Mapping[str, Any]] = (), **options: Any
    ) -> AsyncGenerator[Document | None, None]:
        """See watch()."""
        async with aclosing(stream(self.watch(pipeline, **options), 1)) as events:
            async for event in events:
                yield event

    # Writing

    def insert_one(self, document: Document, **options: Any) -> Any:
        """Insert a document and return its _id, which is put into it where it has none."""
        with self._translating(document):
            collection, session = self._open()
            return collection.insert_one(document, session=session, **options).inserted_id

    async def ainsert_one(self, document: Document, **options: Any) -> Any:
        """See insert_one()."""
        return await native(self.insert_one, document, **options)

    def insert_many(
        self, documents: Iterable[Document], ordered: bool = True, **options: Any
    ) -> list[Any]:
        """Insert documents and return their _ids; when ordered, the first error ends it."""
        with self._errors:
            collection, session = self._open()
            result = collection.insert_many(documents, ordered=ordered, session=session, **options)
            return result.inserted_ids

    async def ainsert_many(
        self, documents: Iterable[Document], ordered: bool = True, **options: Any
    ) -> list[Any]:
        """See insert_many()."""
        return await native(self.insert_many, documents, ordered, **options)

    def update_one(
        self, filter: Filter, update: Update, **options: Unpack[UpdateOptions]
    ) -> UpdateResult:
        """Update the first document that matches.

        Options: upsert, array_filters, collation, hint, let, sort, comment.
        """
        with self._errors:
            collection, session = self._open()
            return collection.update_one(filter, update, session=session, **options)

    async def aupdate_one(
        self, filter: Filter, update: Update, **options: Unpack[UpdateOptions]
    ) -> UpdateResult:
        """See update_one()."""
        return await native(self.update_one, filter, update, **options)

    def update_many(
        self, filter: Filter, update: Update, **options: Unpack[UpdateOptions]
    ) -> UpdateResult:
        """Update all documents that match. Options: those of update_one()."""
        with self._errors:
            collection, session = self._open()
            return collection.update_many(filter, update, session=session, **options)

    async def aupdate_many(
        self, filter: Filter, update: Update, **options: Unpack[UpdateOptions]
    ) -> UpdateResult:
        """See update_many()."""
        return await native(self.update_many, filter, update, **options)

    def replace_one(
        self, filter: Filter, document: Mapping[str, Any], *, upsert: bool = False, **options: Any
    ) -> UpdateResult:
        """Put a document in the place of the first that matches. Options: hint, collation, ..."""
        with self._translating(document):
            collection, session = self._open()
            return collection.replace_one(
                filter, document, upsert=upsert, session=session, **options
            )

    async def areplace_one(
        self, filter: Filter, document: Mapping[str, Any], *, upsert: bool = False, **options: Any
    ) -> UpdateResult:
        """See replace_one()."""
        return await native(self.replace_one, filter, document, upsert=upsert, **options)

    def delete_one(self, filter: Filter, **options: Unpack[DeleteOptions]) -> int:
        """Delete the first document that matches; return 1 or 0."""
        with self._errors:
            collection, session = self._open()
            return collection.delete_one(filter, session=session, **options).deleted_count

    async def adelete_one(self, filter: Filter, **options: Unpack[DeleteOptions]) -> int:
        """See delete_one()."""
        return await native(self.delete_one, filter, **options)

    def delete_many(self, filter: Filter, **options: Unpack[DeleteOptions]) -> int:
        """Delete all documents that match; return how many there were."""
        with self._errors:
            collection, session = self._open()
            return collection.delete_many(filter, session=session, **options).deleted_count

    async def adelete_many(self, filter: Filter, **options: Unpack[DeleteOptions]) -> int:
        """See delete_many()."""
        return await native(self.delete_many, filter, **options)

    def find_one_and_update(
        self,
        filter: Filter,
        update: Update,
        *,
        return_new: bool = True,
        **options: Unpack[FindAndModifyOptions],
    ) -> Document | None:
        """Update the first match and return it as it is then, or was if not return_new.

        None if there was none. Options: projection, sort, upsert, array_filters, hint, ...
        """
        with self._errors:
            collection, session = self._open()
            return collection.find_one_and_update(
                filter,
                update,
                return_document=return_new,
                session=session,
                **driver_spelling(options),
            )

    async def afind_one_and_update(
        self,
        filter: Filter,
        update: Update,
        *,
        return_new: bool = True,
        **options: Unpack[FindAndModifyOptions],
    ) -> Document | None:
        """See find_one_and_update()."""
        return await native(
            self.find_one_and_update, filter, update, return_new=return_new, **options
        )

    def find_one_and_replace(
        self,
        filter: Filter,
        document: Mapping[str, Any],
        *,
        return_new: bool = True,
        **options: Unpack[FindAndModifyOptions],
    ) -> Document | None:
        """Replace the first match and return it as it is then, or was if not return_new."""
        with self._translating(document):
            collection, session = self._open()
            return collection.find_one_and_replace(
                filter,
                document,
                return_document=return_new,
                session=session,
                **driver_spelling(options),
            )

    async def afind_one_and_replace(
        self,
        filter: Filter,
        document: Mapping[str, Any],
        *,
        return_new: bool = True,
        **options: Unpack[FindAndModifyOptions],
    ) -> Document | None:
        """See find_one_and_replace()."""
        return await native(
            self.find_one_and_replace, filter, document, return_new=return_new, **options
        )

    def find_one_and_delete(
        self, filter: Filter, **options: Unpack[FindAndModifyOptions]
    ) -> Document | None:
        """Delete the first match and return it, or None. Options: projection, sort, hint, ..."""
        with self._errors:
            collection, session = self._open()
            return collection.find_one_and_delete(
                filter, session=session, **driver_spelling(options)
            )

    async def afind_one_and_delete(
        self, filter: Filter, **options: Unpack[FindAndModifyOptions]
    ) -> Document | None:
        """See find_one_and_delete()."""
        return await native(self.find_one_and_delete, filter, **options)

    def bulk_write(
        self, operations: Sequence[Any], ordered: bool = True, **options: Any
    ) -> BulkWriteResult:
        """Send many writes (pymongo.InsertOne, UpdateOne, ...) in as few commands as possible."""
        with self._errors:
            collection, session = self._open()
            return collection.bulk_write(operations, ordered=ordered, session=session, **options)

    async def abulk_write(
        self, operations: Sequence[Any], ordered: bool = True, **options: Any
    ) -> BulkWriteResult:
        """See bulk_write()."""
        return await native(self.bulk_write, operations, ordered, **options)


def _drained(cursor: Any, batch_size: Any) -> Generator[Document, None, None]:
    """Yield a cursor's documents; to take them out in lists costs less than one by one.

    The lists are as long as the server's batches: its first has 101 unless told otherwise.
    """
    length = batch_size or 101
    while documents := cursor.to_list(length):
        yield from documents
        if len(documents) < length:
            return
        length = batch_size or 1_000
