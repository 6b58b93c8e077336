"""One collection of one alias: what every verb of a repository needs before and after pymongo."""

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any, Self

from django.conf import settings
from django.db import connections
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import _ServerMode as ReadPreference
from pymongo.write_concern import WriteConcern

from mongo_contrib.bridge import native
from mongo_contrib.db.aliases import default_alias, get_connection
from mongo_contrib.db.clients import Document, Key
from mongo_contrib.db.standins import original
from mongo_contrib.exceptions import translated_errors


class CollectionAccess:
    """Finds the collection and the transaction, and translates what the driver raises.

    Making one sends nothing and reads no setting.
    """

    def __init__(
        self,
        collection: str,
        *,
        using: str | None = None,
        read_preference: ReadPreference | None = None,
        read_concern: ReadConcern | None = None,
        write_concern: WriteConcern | None = None,
    ) -> None:
        """`using` is an alias of DATABASES; the default is mongo_contrib.db.default_alias().

        The other three are those of pymongo's Collection; a transaction has its own.
        """
        self.name = collection
        self._using = using
        options = {
            "read_preference": read_preference,
            "read_concern": read_concern,
            "write_concern": write_concern,
        }
        self._options: Any = {name: value for name, value in options.items() if value is not None}
        self._made: tuple[Any, Any] = (None, None)
        self._errors = self._translating()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, using={self._using!r})"

    @property
    def using(self) -> str:
        """The alias of DATABASES."""
        if self._using is None:
            self._using = default_alias()
        return self._using

    @property
    def collection(self) -> Collection[Document]:
        """The pymongo Collection, for all that has no verb here; sends nothing.

        It joins no transaction by itself: pass `session=connection.session`.
        """
        connection = get_connection(self.using)
        return self._with_options(connection.home.collection(self._key(connection)))

    @property
    def acollection(self) -> AsyncCollection[Document]:
        """See collection, for the running event loop."""
        connection = get_connection(self.using)
        collection = connection.server.on_loop.collection(self._key(connection))
        return original(self._with_options(collection))

    def _reading_from(self, read_preference: ReadPreference) -> Self:
        """Return the same collection, read elsewhere."""
        other = copy(self)
        other._options = {**self._options, "read_preference": read_preference}
        other._made = (None, None)
        other._errors = other._translating()
        return other

    def _open(self) -> tuple[Collection[Document], ClientSession | None]:
        """Return the collection on a usable connection and the session of the transaction."""
        connection: Any = connections[self._using or self.using]
        try:
            use = connection.use
        except AttributeError:
            # Of another engine. This says so.
            use = get_connection(self.using).use
        collection = use().collection(self._key(connection))
        session = connection.session
        if session is not None:
            collection = _of(session, collection)
        return self._with_options(collection), session

    async def _aopen(self) -> tuple[AsyncCollection[Document], AsyncClientSession | None]:
        """See _open()."""
        collection, session = await native(self._open)
        return original(collection), original(session)

    def _with_options(self, collection: Any) -> Any:
        if not self._options:
            return collection
        # Making one costs as much as all else here; a repository that is kept has mostly one.
        base, made = self._made
        if base is not collection:
            made = collection.with_options(**self._options)
            self._made = collection, made
        return made

    def _key(self, connection: Any) -> Key:
        return (connection.database_name, self.name, settings.USE_TZ)

    def _translating(self, document: Mapping[str, Any] | None = None) -> translated_errors:
        return translated_errors(
            collection=self.name,
            document=document,
            index_keys=self._index_keys,
            aindex_keys=self._aindex_keys,
            failed=self._failed,
        )

    def _failed(self, exc: Exception, error: Any) -> None:
        connections[self.using].failed(exc, error)

    def _index_keys(self, name: str) -> list[str]:
        # Outside the transaction, which has ended with the error that is being told.
        return keys_of(name, self.collection.list_indexes())

    async def _aindex_keys(self, name: str) -> list[str]:
        return keys_of(name, await (await self.acollection.list_indexes()).to_list())


def _of(session: Any, collection: Any) -> Any:
    """Return the collection of the client that began the session: a later one refuses it."""
    client = original(session).client
    if client is original(collection).database.client:
        return collection
    own = client[collection.database.name].get_collection(
        collection.name, original(collection).codec_options
    )
    return type(collection)(own) if original(collection) is not collection else own


def keys_of(name: str, indexes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the paths of the index of a name, among those that the server describes."""
    return next((list(index["key"]) for index in indexes if index["name"] == name), [])
