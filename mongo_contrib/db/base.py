"""The engine: a Django connection whose "raw connection" is MongoDB's shared client."""

import os
import time
import weakref
from typing import Any, NoReturn

import django.db
import pymongo
from django.db import DEFAULT_DB_ALIAS, Error, NotSupportedError
from django.utils.functional import cached_property
from pymongo import AsyncMongoClient, ReadPreference
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.client_session import ClientSession
from pymongo.database import Database as MongoDatabase
from pymongo.errors import (
    ConnectionFailure,
    OperationFailure,
    PyMongoError,
)

from mongo_contrib.bridge import in_bridge
from mongo_contrib.db import commands
from mongo_contrib.db.client import DatabaseClient
from mongo_contrib.db.clients import Document, LoopClient, Server, codec_options, servers
from mongo_contrib.db.connecting import can_read, ping, refuse_old
from mongo_contrib.db.creation import DatabaseCreation
from mongo_contrib.db.features import DatabaseFeatures
from mongo_contrib.db.introspection import DatabaseIntrospection
from mongo_contrib.db.operations import DatabaseOperations
from mongo_contrib.db.schema_editor import DatabaseSchemaEditor
from mongo_contrib.db.tasks import TaskBound
from mongo_contrib.db.uri import database_name
from mongo_contrib.db.validation import DatabaseValidation
from mongo_contrib.exceptions import CommitUncertain, translate, translated_errors

# All connections of this process, for a child that it forks.
wrappers: "weakref.WeakSet[DatabaseWrapper]" = weakref.WeakSet()

# How long a health check waits.
PING_SECONDS = 2

# How long a commit whose outcome is unknown is repeated, which the server allows at any time.
COMMIT_SECONDS = 10


class Transaction:
    """One transaction, for those who have to know later whether it has happened."""

    #: False, too, where the server did not confirm it.
    committed = False


class Link:
    """What Django calls the raw connection: this thread's hold on the shared client."""

    def __init__(self, server: Server, home: Server | LoopClient) -> None:
        self.server = server
        #: Whose client is used: the server's own, or that of an event loop.
        self.home = home
        self.bridged = home is not server
        self.session: ClientSession | None = None
        #: The transaction of `session`.
        self.transaction = Transaction()

    def close(self) -> None:
        """End this thread's transaction, if any; the client stays for the other threads."""
        session, self.session = self.session, None
        if session is not None:
            session.end_session()


class Cursor:
    """Stands where Django's core opens a cursor only to hand it to our introspection."""

    def __init__(self, connection: "DatabaseWrapper") -> None:
        self.connection = connection

    def __enter__(self) -> "Cursor":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing to free."""

    def execute(self, sql: str, params: Any = None) -> NoReturn:
        raise NotSupportedError(
            f"DATABASES[{self.connection.alias!r}] is MongoDB and knows no SQL, but was asked to "
            f"execute {sql!r}; use `connection.database` or mongo_contrib.repository."
        )

    executemany = callproc = execute


class DatabaseWrapper(TaskBound):
    """A connection to MongoDB: the shared client plus the transaction of this thread or task.

    Closing it, as Django does after each request, ends a transaction that is still open and
    leaves the client and its pool to the other threads.
    """

    vendor = "mongodb"
    display_name = "MongoDB"
    # The exceptions of PEP 249; ours are Django's from the start.
    Database = django.db

    client_class = DatabaseClient
    creation_class = DatabaseCreation
    features_class = DatabaseFeatures
    introspection_class = DatabaseIntrospection
    ops_class = DatabaseOperations
    validation_class = DatabaseValidation
    SchemaEditorClass = DatabaseSchemaEditor

    connection: Link | None
    # Of no meaning here, but Field.db_type() and contrib.postgres look at them.
    operators: dict[str, str] = {}

    def __init__(self, settings_dict: dict[str, Any], alias: str = DEFAULT_DB_ALIAS) -> None:
        self._named: tuple[Any, ...] | None = None
        self._database_name = ""
        self._force_debug_cursor = False
        super().__init__(settings_dict, alias)
        wrappers.add(self)

    # The server and what hangs on it

    @property
    def server(self) -> Server:
        """What this alias shares in this process, without any I/O."""
        if self.connection is not None:
            return self.connection.server
        return servers.get(self.alias, self.settings_dict)

    @property
    def home(self) -> Server | LoopClient:
        """What has the client and the collections for the code that asks, without any I/O."""
        return self.server.on_loop if in_bridge() else self.server

    @property
    def client(self) -> Any:
        """The alias's MongoClient, shared by all threads; sends nothing.

        In code that native() runs, it stands for the event loop's AsyncMongoClient.
        """
        return self.home.client

    @client.setter
    def client(self, shell: DatabaseClient) -> None:
        # Django's base class keeps what opens a shell under this name.
        self.shell = shell

    @property
    def database(self) -> MongoDatabase[Document]:
        """The pymongo Database of the alias, see client; sends nothing."""
        return self.client.get_database(self.database_name, codec_options())

    @property
    def async_client(self) -> AsyncMongoClient[Document]:
        """The AsyncMongoClient of the alias and the running event loop."""
        return self.server.on_loop.async_client

    @property
    def async_database(self) -> AsyncDatabase[Document]:
        """See database, for the running event loop."""
        return self.async_client.get_database(self.database_name, codec_options())

    @property
    def database_name(self) -> str:
        """NAME, or what the path of the URI in HOST names."""
        named = (self.settings_dict["NAME"], self.settings_dict["HOST"])
        # Tests change NAME; checking it anew for each operation would cost more than this.
        if named != self._named:
            self._database_name = database_name(self.alias, self.settings_dict)
            self._named = named
        return self._database_name

    # What the repository asks before each operation

    def use(self) -> Server | LoopClient:
        """Return what has the collections, connected and usable: what cursor() is to SQL."""
        self._respect_test_case()
        if self.health_check_enabled and not self.health_check_done:
            self.close_if_health_check_failed()
        self.ensure_connection()
        if self.needs_rollback:
            self.validate_no_broken_transaction()
        assert self.connection is not None
        if self.connection.bridged != in_bridge():
            # Only with DJANGO_ALLOW_ASYNC_UNSAFE can one connection be used in both ways.
            self.connection = self.get_new_connection(self.get_connection_params())
        return self.connection.home

    def _respect_test_case(self) -> None:
        # SimpleTestCase forbids queries by an object of its own in the place of this method. It
        # leaves the real method there afterwards, and other tools put functions there.
        cursor = self.__dict__.get("cursor")
        if cursor is not None and hasattr(cursor, "wrapped"):
            cursor()

    @property
    def session(self) -> ClientSession | None:
        """The session of the transaction that this thread is in, else None.

        Begins the transaction: until the first operation asks, atomic() costs no command.
        """
        if self.autocommit or self.connection is None:
            return None
        link = self.connection
        if link.session is None:
            self.validate_thread_sharing()
            if self.closed_in_transaction or not self.features.has("transactions"):
                return None
            with self.wrap_database_errors:
                session = link.home.client.start_session()
                session.start_transaction(read_preference=ReadPreference.PRIMARY)
            link.session, link.transaction = session, Transaction()
        return link.session

    @property
    def transaction(self) -> Transaction | None:
        """The transaction that this thread is in, once it has begun; begins none."""
        link = self.connection
        return None if link is None or link.session is None else link.transaction

    # Connecting

    def get_connection_params(self) -> dict[str, Any]:
        return {"server": servers.get(self.alias, self.settings_dict)}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Link:
        """Reach the server once per client; later only if the driver knows of none."""
        server: Server = conn_params["server"]
        if in_bridge():
            return Link(server, self._reached(server.on_loop))
        if server.verified and not can_read(server.client):
            server.revive()
        return Link(server, self._reached(server))

    def _reached(self, home: Any) -> Any:
        client = home.client
        if not home.verified or not can_read(client):
            ping(self.alias, client)
            refuse_old(self.alias, client)
            home.verified = True
        return home

    def check_database_version_supported(self) -> None:
        refuse_old(self.alias, self.client)

    def get_database_version(self) -> tuple[int, ...]:
        with self.wrap_database_errors:
            return tuple(self.client.server_info()["versionArray"][:3])

    def is_usable(self) -> bool:
        assert self.connection is not None
        try:
            with pymongo.timeout(PING_SECONDS):
                self.connection.home.client.admin.command("ping")
        except PyMongoError:
            return False
        return True

    def create_cursor(self, name: str | None = None) -> Cursor:
        return Cursor(self)

    def _cursor(self, name: str | None = None) -> Cursor:
        self.close_if_health_check_failed()
        self.ensure_connection()
        return self.create_cursor(name)

    @property
    def force_debug_cursor(self) -> bool:
        """Whether CaptureQueriesContext wants each command in `queries`."""
        return self._force_debug_cursor

    @force_debug_cursor.setter
    def force_debug_cursor(self, value: bool) -> None:
        self._force_debug_cursor = value
        commands.force(self, value)

    # Errors

    @cached_property
    def wrap_database_errors(self) -> translated_errors:
        """Raises Django's errors for the driver's, for code that uses `database` directly."""
        return translated_errors(failed=self.failed)

    def failed(self, exc: BaseException, error: Error) -> None:
        """Note an error of the driver: it ends a transaction, and may mean a dead connection."""
        if isinstance(exc, ConnectionFailure):
            self.errors_occurred = True
        if (
            isinstance(exc, (ConnectionFailure, OperationFailure))
            and self.in_atomic_block
            and self.connection is not None
            and self.connection.session is not None
        ):
            # The server ends a transaction at the first error, whatever it is.
            self.needs_rollback = True
            self.rollback_exc = error

    # Transactions. atomic() and set_autocommit() only leave autocommit mode; the transaction
    # begins in `session`, at the first operation.

    def _set_autocommit(self, autocommit: bool) -> None:
        pass

    def _start_transaction_under_autocommit(self) -> None:
        self.begin_block()

    def _commit(self) -> None:
        transaction = self.transaction
        session = self._take_session()
        if session is None or transaction is None:
            return
        with session:
            deadline = time.monotonic() + COMMIT_SECONDS
            while True:
                try:
                    session.commit_transaction()
                    transaction.committed = True
                    return
                except PyMongoError as exc:
                    if not exc.has_error_label("UnknownTransactionCommitResult"):
                        raise translate(exc) from exc
                    if exc.timeout or time.monotonic() > deadline:
                        raise CommitUncertain(
                            f"The server did not confirm the commit, so the transaction may have "
                            f"happened or not: {translate(exc)}"
                        ) from exc

    def _rollback(self) -> None:
        session = self._take_session()
        if session is not None:
            # The driver keeps an error of abortTransaction to itself: the server ends it anyway.
            with session:
                session.abort_transaction()

    def _take_session(self) -> ClientSession | None:
        if self.connection is None:
            return None
        session, self.connection.session = self.connection.session, None
        return session

    def forget_parent(self) -> Link | None:
        """In a forked child: give up the parent's client, and its transaction for good."""
        link, self.connection = self.connection, None
        if self.in_atomic_block:
            self.closed_in_transaction = True
            self.needs_rollback = True
        return link


def after_fork_in_child() -> None:
    """Make the child's connections start anew, on clients of its own."""
    servers.forget_parent(*[wrapper.forget_parent() for wrapper in list(wrappers)])


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=after_fork_in_child)
