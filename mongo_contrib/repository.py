"""One collection of one alias: even verbs, sync and async; the only place that calls pymongo."""

from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import connections
from pymongo import IndexModel, ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import _ServerMode
from pymongo.results import BulkWriteResult, UpdateResult
from pymongo.write_concern import WriteConcern

from mongo_contrib.db.aliases import default_alias, get_connection
from mongo_contrib.db.clients import Key
from mongo_contrib.exceptions import translated_errors

__all__ = ["Repository"]

Document = dict[str, Any]
Filter = Mapping[str, Any]
Update = Mapping[str, Any] | Sequence[Mapping[str, Any]]
Sort = Sequence[tuple[str, int | Mapping[str, Any]]]


class Repository:
    """The verbs of one collection, in MQL: takes dicts, gives dicts.

    Sync verbs join the transaction of `transaction.atomic()`, if this thread is in one. Async
    verbs (`afind`, ...) are native and join none: Django's transactions are bound to a thread.
    Errors of the driver are raised as Django's (see mongo_contrib.exceptions).

    Nothing is sent and no setting is read before the first verb is called.
    """

    def __init__(
        self,
        collection: str,
        *,
        using: str | None = None,
        read_preference: _ServerMode | None = None,
        read_concern: ReadConcern | None = None,
        write_concern: WriteConcern | None = None,
    ) -> None:
        self.name = collection
        self._using = using
        self._options = (read_preference, read_concern, write_concern)
        self._errors = self._translating()

    def __repr__(self) -> str:
        return f"Repository({self.name!r}, using={self._using!r})"

    @property
    def using(self) -> str:
        """The alias; the first of ours unless the caller named one."""
        if self._using is None:
            self._using = default_alias()
        return self._using

    @property
    def collection(self) -> Collection[Document]:
        """The pymongo Collection, for all that has no verb here. Sends nothing."""
        connection = get_connection(self.using)
        return connection.server.collection(self._key(connection))

    @property
    def acollection(self) -> AsyncCollection[Document]:
        """See collection, for the running event loop."""
        connection = get_connection(self.using)
        return connection.server.on_loop.collection(self._key(connection))

    # Reading

    def find(
        self,
        filter: Filter | None = None,
        projection: Mapping[str, Any] | Sequence[str] | None = None,
        **options: Any,
    ) -> Generator[Document, None, None]:
        """Yield the documents that match; nothing is sent before the first is asked for.

        Options: sort, skip, limit, hint, collation, max_time_ms, batch_size, comment. The cursor
        on the server is closed with the generator.
        """
        with self._errors:
            collection, session = self._open()
            cursor = collection.find(filter, projection, session=session, **options)
            try:
                yield from cursor
            finally:
                cursor.close()

    async def afind(
        self,
        filter: Filter | None = None,
        projection: Mapping[str, Any] | Sequence[str] | None = None,
        **options: Any,
    ) -> AsyncGenerator[Document, None]:
        """See find()."""
        async with self._errors:
            cursor = (await self._aopen()).find(filter, projection, **options)
            try:
                async for document in cursor:
                    yield document
            finally:
                await cursor.close()

    def find_one(
        self,
        filter: Filter | None = None,
        projection: Mapping[str, Any] | Sequence[str] | None = None,
        **options: Any,
    ) -> Document | None:
        """Return the first document that matches, or None. Options: those of find()."""
        with self._errors:
            collection, session = self._open()
            return collection.find_one(filter, projection, session=session, **options)

    async def afind_one(
        self,
        filter: Filter | None = None,
        projection: Mapping[str, Any] | Sequence[str] | None = None,
        **options: Any,
    ) -> Document | None:
        """See find_one()."""
        async with self._errors:
            return await (await self._aopen()).find_one(filter, projection, **options)

    def count(self, filter: Filter | None = None, **options: Any) -> int:
        """Return how many documents match, counted up to `limit` if given.

        Other options: skip, hint, collation, max_time_ms, comment.
        """
        with self._errors:
            collection, session = self._open()
            return collection.count_documents(filter or {}, session=session, **counting(options))

    async def acount(self, filter: Filter | None = None, **options: Any) -> int:
        """See count()."""
        async with self._errors:
            return await (await self._aopen()).count_documents(filter or {}, **counting(options))

    def estimated_count(self) -> int:
        """Return the collection's size as its metadata tells it; joins no transaction."""
        with self._errors:
            collection, _ = self._open()
            return collection.estimated_document_count()

    async def aestimated_count(self) -> int:
        """See estimated_count()."""
        async with self._errors:
            return await (await self._aopen()).estimated_document_count()

    def exists(self, filter: Filter | None = None, **options: Any) -> bool:
        """Return whether any document matches."""
        return self.find_one(filter, {"_id": 1}, **options) is not None

    async def aexists(self, filter: Filter | None = None, **options: Any) -> bool:
        """See exists()."""
        return await self.afind_one(filter, {"_id": 1}, **options) is not None

    def distinct(self, path: str, filter: Filter | None = None, **options: Any) -> list[Any]:
        """Return the values under a path, each once, those of lists singly."""
        with self._errors:
            collection, session = self._open()
            return collection.distinct(path, filter, session=session, **options)

    async def adistinct(
        self, path: str, filter: Filter | None = None, **options: Any
    ) -> list[Any]:
        """See distinct()."""
        async with self._errors:
            return await (await self._aopen()).distinct(path, filter, **options)

    def aggregate(
        self, pipeline: Sequence[Mapping[str, Any]], **options: Any
    ) -> Generator[Document, None, None]:
        """Yield what a pipeline yields; nothing is sent before the first item is asked for.

        A pipeline that ends in $merge or $out has to be exhausted (`list(...)`) to run.
        """
        with self._errors:
            collection, session = self._open()
            with collection.aggregate(pipeline, session=session, **timed(options)) as cursor:
                yield from cursor

    async def aaggregate(
        self, pipeline: Sequence[Mapping[str, Any]], **options: Any
    ) -> AsyncGenerator[Document, None]:
        """See aggregate()."""
        async with self._errors:
            cursor = await (await self._aopen()).aggregate(pipeline, **timed(options))
            async with cursor:
                async for document in cursor:
                    yield document

    # Writing

    def insert_one(self, document: Document, **options: Any) -> Any:
        """Insert a document and return its _id, which is put into it where it has none."""
        with self._translating(document):
            collection, session = self._open()
            return collection.insert_one(document, session=session, **options).inserted_id

    async def ainsert_one(self, document: Document, **options: Any) -> Any:
        """See insert_one()."""
        async with self._translating(document):
            return (await (await self._aopen()).insert_one(document, **options)).inserted_id

    def insert_many(
        self, documents: Iterable[Document], ordered: bool = True, **options: Any
    ) -> list[Any]:
        """Insert documents and return their _ids; when ordered, the first error ends it."""
        with self._errors:
            collection, session = self._open()
            result = collection.insert_many(
                documents, ordered=ordered, session=session, **options
            )
            return result.inserted_ids

    async def ainsert_many(
        self, documents: Iterable[Document], ordered: bool = True, **options: Any
    ) -> list[Any]:
        """See insert_many()."""
        async with self._errors:
            result = await (await self._aopen()).insert_many(
                documents, ordered=ordered, **options
            )
            return result.inserted_ids

    def update_one(self, filter: Filter, update: Update, **options: Any) -> UpdateResult:
        """Update the first document that matches.

        Options: upsert, array_filters, collation, hint, let, sort, comment.
        """
        with self._errors:
            collection, session = self._open()
            return collection.update_one(filter, update, session=session, **options)

    async def aupdate_one(self, filter: Filter, update: Update, **options: Any) -> UpdateResult:
        """See update_one()."""
        async with self._errors:
            return await (await self._aopen()).update_one(filter, update, **options)

    def update_many(self, filter: Filter, update: Update, **options: Any) -> UpdateResult:
        """Update all documents that match. Options: those of update_one()."""
        with self._errors:
            collection, session = self._open()
            return collection.update_many(filter, update, session=session, **options)

    async def aupdate_many(self, filter: Filter, update: Update, **options: Any) -> UpdateResult:
        """See update_many()."""
        async with self._errors:
            return await (await self._aopen()).update_many(filter, update, **options)

    def replace_one(self, filter: Filter, document: Filter, **options: Any) -> UpdateResult:
        """Put a document in the place of the first that matches. Options: upsert, hint, ..."""
        with self._translating(document):
            collection, session = self._open()
            return collection.replace_one(filter, document, session=session, **options)

    async def areplace_one(self, filter: Filter, document: Filter, **options: Any) -> UpdateResult:
        """See replace_one()."""
        async with self._translating(document):
            return await (await self._aopen()).replace_one(filter, document, **options)

    def delete_one(self, filter: Filter, **options: Any) -> int:
        """Delete the first document that matches; return 1 or 0."""
        with self._errors:
            collection, session = self._open()
            return collection.delete_one(filter, session=session, **options).deleted_count

    async def adelete_one(self, filter: Filter, **options: Any) -> int:
        """See delete_one()."""
        async with self._errors:
            return (await (await self._aopen()).delete_one(filter, **options)).deleted_count

    def delete_many(self, filter: Filter, **options: Any) -> int:
        """Delete all documents that match; return how many there were."""
        with self._errors:
            collection, session = self._open()
            return collection.delete_many(filter, session=session, **options).deleted_count

    async def adelete_many(self, filter: Filter, **options: Any) -> int:
        """See delete_many()."""
        async with self._errors:
            return (await (await self._aopen()).delete_many(filter, **options)).deleted_count

    def find_one_and_update(
        self, filter: Filter, update: Update, *, return_new: bool = True, **options: Any
    ) -> Document | None:
        """Update the first match and return it as it is then, or was if not return_new.

        None if there was none. Options: projection, sort, upsert, array_filters, hint, ...
        """
        with self._errors:
            collection, session = self._open()
            return collection.find_one_and_update(
                filter, update, return_document=return_new, session=session, **options
            )

    async def afind_one_and_update(
        self, filter: Filter, update: Update, *, return_new: bool = True, **options: Any
    ) -> Document | None:
        """See find_one_and_update()."""
        async with self._errors:
            return await (await self._aopen()).find_one_and_update(
                filter, update, return_document=return_new, **options
            )

    def find_one_and_replace(
        self, filter: Filter, document: Filter, *, return_new: bool = True, **options: Any
    ) -> Document | None:
        """Replace the first match and return it as it is then, or was if not return_new."""
        with self._translating(document):
            collection, session = self._open()
            return collection.find_one_and_replace(
                filter, document, return_document=return_new, session=session, **options
            )

    async def afind_one_and_replace(
        self, filter: Filter, document: Filter, *, return_new: bool = True, **options: Any
    ) -> Document | None:
        """See find_one_and_replace()."""
        async with self._translating(document):
            return await (await self._aopen()).find_one_and_replace(
                filter, document, return_document=return_new, **options
            )

    def find_one_and_delete(self, filter: Filter, **options: Any) -> Document | None:
        """Delete the first match and return it, or None. Options: projection, sort, hint, ..."""
        with self._errors:
            collection, session = self._open()
            return collection.find_one_and_delete(filter, session=session, **options)

    async def afind_one_and_delete(self, filter: Filter, **options: Any) -> Document | None:
        """See find_one_and_delete()."""
        async with self._errors:
            return await (await self._aopen()).find_one_and_delete(filter, **options)

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
        async with self._errors:
            return await (await self._aopen()).bulk_write(operations, ordered=ordered, **options)

    # Indexes and plans. The server refuses them inside a transaction, so they join none.

    def create_indexes(self, indexes: Sequence[IndexModel], **options: Any) -> list[str]:
        """Build indexes and return their names; one that is there already costs nothing."""
        with self._errors:
            collection, _ = self._open()
            return collection.create_indexes(list(indexes), **options)

    async def acreate_indexes(self, indexes: Sequence[IndexModel], **options: Any) -> list[str]:
        """See create_indexes()."""
        async with self._errors:
            return await (await self._aopen()).create_indexes(list(indexes), **options)

    def list_indexes(self) -> list[Document]:
        """Return the indexes as the server describes them; none for a missing collection."""
        with self._errors:
            collection, _ = self._open()
            return [dict(index) for index in collection.list_indexes()]

    async def alist_indexes(self) -> list[Document]:
        """See list_indexes()."""
        async with self._errors:
            cursor = await (await self._aopen()).list_indexes()
            return [dict(index) async for index in cursor]

    def drop_index(self, name: str) -> None:
        """Drop an index; ProgrammingError if there is none of that name."""
        with self._errors:
            collection, _ = self._open()
            collection.drop_index(name)

    async def adrop_index(self, name: str) -> None:
        """See drop_index()."""
        async with self._errors:
            await (await self._aopen()).drop_index(name)

    def explain(
        self, filter: Filter | None = None, *, verbosity: str = "queryPlanner", **options: Any
    ) -> Document:
        """Return the server's plan for a find().

        Options are those of the server's `find` command (sort, limit, hint, ...). Verbosity:
        "queryPlanner", "executionStats" or "allPlansExecution".
        """
        with self._errors:
            collection, _ = self._open()
            return collection.database.command(self._explain(filter, verbosity, options))

    async def aexplain(
        self, filter: Filter | None = None, *, verbosity: str = "queryPlanner", **options: Any
    ) -> Document:
        """See explain()."""
        async with self._errors:
            database = (await self._aopen()).database
            return await database.command(self._explain(filter, verbosity, options))

    # Inside

    def _explain(
        self, filter: Filter | None, verbosity: str, options: Mapping[str, Any]
    ) -> Document:
        command = {"find": self.name, "filter": filter or {}, **options}
        if not isinstance(command.get("sort", {}), Mapping):
            command["sort"] = dict(command["sort"])
        return {"explain": command, "verbosity": verbosity}

    def _key(self, connection: Any) -> Key:
        return (connection.database_name, self.name, settings.USE_TZ, *self._options)

    def _open(self) -> tuple[Collection[Document], ClientSession | None]:
        connection: Any = connections[self._using or self.using]
        server = connection.use()
        return server.collection(self._key(connection)), connection.session

    async def _aopen(self) -> AsyncCollection[Document]:
        connection: Any = connections[self._using or self.using]
        on_loop = await connection.ause()
        return on_loop.collection(self._key(connection))

    def _translating(self, document: Mapping[str, Any] | None = None) -> translated_errors:
        return translated_errors(
            collection=self.name,
            document=document,
            index_keys=self._index_keys,
            aindex_keys=self._aindex_keys,
            failed=self._failed,
        )

    def _failed(self, exc: Exception, error: Any) -> None:
        connection: Any = connections[self.using]
        connection.failed(exc, error)

    def _index_keys(self, name: str) -> list[str]:
        # On a session of its own: the error that is being told has ended the transaction.
        return keys_of(name, self.collection.list_indexes())

    async def _aindex_keys(self, name: str) -> list[str]:
        return keys_of(name, await (await self.acollection.list_indexes()).to_list())


def keys_of(name: str, indexes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the paths of the index of a name, among those that the server describes."""
    return next((list(index["key"]) for index in indexes if index["name"] == name), [])


def timed(options: dict[str, Any]) -> dict[str, Any]:
    """Return options with max_time_ms spelled as aggregate() and count_documents() want it."""
    if "max_time_ms" in options:
        options["maxTimeMS"] = options.pop("max_time_ms")
    return {name: value for name, value in options.items() if value is not None}


counting: Callable[[dict[str, Any]], dict[str, Any]] = timed
assert ReturnDocument.AFTER is True
