"""One MongoClient per alias and process, one AsyncMongoClient per alias and event loop."""

import asyncio
import atexit
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import UTC
from typing import Any

import pymongo
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion
from django.conf import settings
from pymongo import AsyncMongoClient, MongoClient
from pymongo.collection import Collection
from pymongo.driver_info import DriverInfo

import mongo_contrib
from mongo_contrib.bridge import bridged_loop, running_loop, wait
from mongo_contrib.db import commands
from mongo_contrib.db.client import ShellMixin
from mongo_contrib.db.standins import StandIn, closed_cursors
from mongo_contrib.db.uri import client_arguments, embedded_directory

__all__ = ["Client", "LoopClient", "Server", "codec_options", "servers"]

Document = dict[str, Any]
# (database, collection, USE_TZ)
Key = tuple[str, str, bool]

CLOSE_SECONDS = 1

# Collections are cached by name: a project that makes names up as it goes starts over here.
MOST_COLLECTIONS = 2000


class Client(ShellMixin, MongoClient[Document]):
    """The MongoClient that `connection.client` is, and that `manage.py dbshell` asks too."""


class Server:
    """What an alias shares in one process: its clients, collections and known features.

    Made without any I/O. `arguments` are those of MongoClient, `directory` that of an embedded
    server, which is started when the first client is made.
    """

    def __init__(self, alias: str, arguments: dict[str, Any], directory: str | None) -> None:
        self.alias = alias
        self.directory = directory
        self.verified = False
        self.features: dict[str, bool] = {}
        self.lock = threading.RLock()
        self._arguments = arguments
        self._client: Client | None = None
        #: Clients that told no commands, and may still be at work for somebody.
        self._retired: list[Client] = []
        self._collections: dict[Key, Collection[Document]] = {}
        self._loops: dict[asyncio.AbstractEventLoop, LoopClient] = {}

    @property
    def client(self) -> Client:
        """The client of all threads, made on first use."""
        if self._client is None:
            with self.lock:
                if self._client is None:
                    client = self._make(Client)
                    client.alias = self.alias
                    self._client = client
        return self._client

    @property
    def on_loop(self) -> "LoopClient":
        """The running event loop's client and collections, made on first use."""
        loop = bridged_loop()
        try:
            return self._loops[loop]
        except KeyError:
            pass
        if loop is not running_loop():
            # A thread that is lent to the loop: it has to be made there.
            return wait(self._aon_loop())
        with self.lock:
            # A loop that was closed without shutting down its generators told nobody.
            for ended in [known for known in self._loops if known.is_closed()]:
                del self._loops[ended]
            on_loop = self._loops[loop] = LoopClient(self._make(AsyncMongoClient[Document]))
        on_loop.close_with_loop(lambda: self._loops.pop(loop, None))
        return on_loop

    async def _aon_loop(self) -> "LoopClient":
        return self.on_loop

    def collection(self, key: Key) -> Collection[Document]:
        """Return the collection of a key, with the project's codec options."""
        try:
            return self._collections[key]
        except KeyError:
            return _remembered(self._collections, self.client, key)

    def client_arguments(self) -> dict[str, Any]:
        """Return the arguments of MongoClient; starts the embedded server, if it is one."""
        arguments = dict(self._arguments)
        if self.directory is not None:
            # Only projects with an "embedded:" host pay for this import.
            from mongo_contrib.embedded import acquire

            arguments["host"] = acquire(self.directory)
        return arguments

    def wake(self) -> None:
        """Have clients that tell their commands; the others end with what they are doing."""
        with self.lock:
            if self._client is not None and not _tells(self._client):
                self._retired.append(self._client)
                self._client = None
                self._collections.clear()
            deaf = [loop for loop, on_loop in self._loops.items() if not on_loop.tells]
            for loop in deaf:
                # Closed at the end of its loop.
                del self._loops[loop]

    def revive(self) -> None:
        """Start an embedded server again that died, and turn to its new address."""
        with self.lock:
            client = self._client
            if client is None or self.directory is None:
                return
            host = self.client_arguments()["host"].partition("://")[2].partition("/")[0]
            known = client.topology_description.server_descriptions()
            if host not in {f"{name}:{port}" for name, port in known}:
                self.close()

    def close(self) -> None:
        """Close the client of all threads; those of event loops end with their loops."""
        with self.lock:
            clients = [*self._retired, *([self._client] if self._client is not None else [])]
            self._retired, self._client = [], None
            self._collections.clear()
            self.verified = False
        for client in clients:
            # It says good-bye to the server, and would look for one that is gone.
            with pymongo.timeout(CLOSE_SECONDS):
                client.close()

    def _make(self, make: Any) -> Any:
        arguments = self.client_arguments()
        arguments.setdefault("driver", DriverInfo("mongo_contrib", mongo_contrib.__version__))
        if commands.awake():
            listeners = arguments.get("event_listeners", ())
            arguments["event_listeners"] = [commands.CommandLog(self.alias), *listeners]
        return make(**arguments)


def _tells(client: Client | AsyncMongoClient[Document]) -> bool:
    """Tell whether a client has our listener."""
    return any(isinstance(each, commands.CommandLog) for each in client.options.event_listeners)


def codec_options(use_tz: bool | None = None) -> CodecOptions[Document]:
    """Return how documents are read: aware datetimes in UTC when USE_TZ, standard UUIDs."""
    aware = settings.USE_TZ if use_tz is None else use_tz
    return CodecOptions(
        tz_aware=aware,
        tzinfo=UTC if aware else None,
        uuid_representation=UuidRepresentation.STANDARD,
        # A date beyond year 9999 must not make the documents beside it unreadable.
        datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    )


def _remembered(collections: dict[Key, Any], client: Any, key: Key) -> Any:
    """Return the client's collection of a key, and keep it: making one takes a while."""
    if len(collections) >= MOST_COLLECTIONS:
        collections.clear()
    collections[key] = client[key[0]].get_collection(key[1], codec_options(key[2]))
    return collections[key]


class LoopClient:
    """An event loop's AsyncMongoClient with its collections; closed when the loop ends."""

    def __init__(self, client: AsyncMongoClient[Document]) -> None:
        self.async_client = client
        self.tells = _tells(client)
        #: For code that native() runs.
        self.client = StandIn(client)
        self.verified = False
        self._collections: dict[Key, StandIn] = {}
        self._closer: AsyncGenerator[None, None] | None = None

    def collection(self, key: Key) -> Any:
        """See Server.collection(); a stand-in, for code that native() runs."""
        try:
            return self._collections[key]
        except KeyError:
            return _remembered(self._collections, self.client, key)

    def close_with_loop(self, forget: Callable[[], Any]) -> None:
        """Close the client when the loop shuts down its asynchronous generators.

        asyncio.run(), asgiref's async_to_sync and every ASGI server do that before they close a
        loop; it is the only moment at which a loop says that it ends and still can run something.
        """

        async def until_the_end() -> AsyncGenerator[None, None]:
            try:
                yield
            finally:
                forget()
                await closed_cursors()
                await self.async_client.close()

        # The loop holds its generators weakly, from their first step on.
        self._closer = until_the_end()
        with contextlib.suppress(StopIteration):
            self._closer.__anext__().__await__().__next__()


class Servers:
    """Hand out the Server of an alias; made anew after a fork, or for other settings."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # More than one per alias only where settings change while the process runs, in tests.
        self._servers: dict[str, list[tuple[Any, Server]]] = {}
        self._inherited: list[Any] = []

    def get(self, alias: str, settings_dict: Mapping[str, Any]) -> Server:
        """Return the server for an alias with these settings, without any I/O."""
        wanted = fingerprint(settings_dict)
        for known, server in self._servers.get(alias, ()):
            if known == wanted:
                return server
        with self._lock:
            for known, server in self._servers.get(alias, ()):
                if known == wanted:
                    return server
            server = Server(
                alias,
                client_arguments(alias, settings_dict),
                embedded_directory(str(settings_dict["HOST"] or "")),
            )
            self._servers.setdefault(alias, []).append((wanted, server))
            return server

    def wake(self) -> None:
        """See Server.wake()."""
        for pairs in list(self._servers.values()):
            for _, server in list(pairs):
                server.wake()

    def close_all(self) -> None:
        """Close every client of this process; the next use makes new ones."""
        with self._lock:
            everything = [server for pairs in self._servers.values() for _, server in pairs]
        for server in everything:
            server.close()

    def forget_parent(self, *more: Any) -> None:
        """In a forked child: leave the parent's clients alone and start with none.

        They are kept, not closed: closing would end the parent's sessions on the server.
        """
        self._lock = threading.Lock()
        self._inherited += [self._servers, *more]
        self._servers = {}


def fingerprint(settings_dict: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what a client depends on; the name of the database is not of it."""
    keys = ("HOST", "PORT", "USER", "PASSWORD")
    options = settings_dict["OPTIONS"]
    return (
        *(settings_dict[key] for key in keys),
        dict(options) if isinstance(options, Mapping) else options,
    )


servers = Servers()
commands.on_waking(servers.wake)

# A client that is open when the process ends is a ResourceWarning.
atexit.register(servers.close_all)
