"""Test databases: made, cloned, kept, emptied and dropped; the real one is never touched."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import DatabaseError
from django.db.backends.base.creation import TEST_DATABASE_PREFIX, BaseDatabaseCreation
from pymongo import ReplaceOne
from pymongo.collection import Collection

from mongo_contrib.db import commands
from mongo_contrib.db.emptying import non_empty
from mongo_contrib.db.schema import Kind, declared, plan

# The keys in DATABASES[alias]["TEST"] under which a database is known as one made for tests, and
# the collections that it was made with. Django copies these settings to all threads and to the
# workers of a parallel run.
MADE_FOR_TESTS = "MONGO_TEST_DATABASE"
MADE_WITH = "MONGO_TEST_COLLECTIONS"

BATCH = 1000


class DatabaseCreation(BaseDatabaseCreation):
    """Django's test databases, with the schema that apps declare instead of migrations."""

    @property
    def is_test_database(self) -> bool:
        """Whether the connection's database was made by create_test_db() or is a clone of it."""
        made = self.connection.settings_dict["TEST"].get(MADE_FOR_TESTS)
        name = self.connection.settings_dict["NAME"]
        return made is not None and (name == made or name.startswith(f"{made}_"))

    @property
    def made_with(self) -> frozenset[str]:
        """The collections that were declared when the test database was made."""
        made_with: frozenset[str] = self.connection.settings_dict["TEST"][MADE_WITH]
        return made_with

    def create_test_db(
        self,
        verbosity: int = 1,
        autoclobber: bool = False,
        serialize: bool | None = None,
        keepdb: bool = False,
    ) -> str:
        """Make the test database with all declared collections and indexes; return its name."""
        # Tests count commands.
        commands.wake()
        name = self._get_test_db_name()
        alias = self.connection.alias
        if name == self.connection.database_name and not self.is_test_database:
            raise ImproperlyConfigured(
                f"DATABASES[{alias!r}]['TEST']['NAME'] is {name!r}, which is the real database; "
                f"tests need one of their own, such as {TEST_DATABASE_PREFIX + name!r}."
            )
        if verbosity >= 1:
            action = "Using existing" if keepdb else "Creating"
            shown = self._get_database_display_str(verbosity, name)
            self.log(f"{action} test database for alias {shown}...")
        self._create_test_db(verbosity, autoclobber, keepdb)
        self.connection.close()
        settings.DATABASES[alias]["NAME"] = name
        self.connection.settings_dict["NAME"] = name
        test_settings = self.connection.settings_dict["TEST"]
        test_settings[MADE_FOR_TESTS] = name
        test_settings[MADE_WITH] = frozenset(spec.name for spec in declared(alias))
        # Receivers belong to apps, and expect what they get from the command.
        quiet = max(verbosity - 1, 0)
        emit_pre_migrate_signal(quiet, False, alias, apps=apps, plan=[])
        self.apply_schema(verbosity)
        emit_post_migrate_signal(quiet, False, alias, apps=apps, plan=[])
        if serialize:
            self.connection._test_serialized_contents = self.serialize_db_to_string()
        return name

    def apply_schema(self, verbosity: int = 1) -> None:
        """Create what apps declare and the server has the features for."""
        for step in plan(self.connection, declared(self.connection.alias)):
            step.apply()
            if step.kind is Kind.ERROR or (step.kind is Kind.WARNING and verbosity >= 2):
                self.log(step.describe())

    def _get_test_db_name(self) -> str:
        # Django's looks at NAME only; ours may be in the path of the URI.
        given = self.connection.settings_dict["TEST"]["NAME"]
        if given:
            return str(given)
        if self.is_test_database:
            return str(self.connection.settings_dict["TEST"][MADE_FOR_TESTS])
        return TEST_DATABASE_PREFIX + self.connection.database_name

    def _create_test_db(self, verbosity: int, autoclobber: bool, keepdb: bool = False) -> str:
        """Drop a test database that an earlier run left; a server makes one on the first write."""
        name = self._get_test_db_name()
        with self.connection.wrap_database_errors:
            client = self.connection.client
            left = not keepdb and bool(client[name].list_collection_names())
        if left:
            if not autoclobber:
                answer = input(
                    f"The test database {name!r} already exists. Type 'yes' to delete it, or "
                    "'no' to cancel: "
                )
                if answer != "yes":
                    self.log("Tests cancelled.")
                    raise SystemExit(1)
            with self.connection.wrap_database_errors:
                client.drop_database(name)
        return name

    def _clone_test_db(self, suffix: str, verbosity: int, keepdb: bool = False) -> None:
        """Give a worker of a parallel run a database with the same schema and documents."""
        # A connection of its own, with its own copy of the settings.
        clone = self.connection.copy()
        clone.settings_dict["NAME"] = self.get_test_db_clone_settings(suffix)["NAME"]
        try:
            with clone.wrap_database_errors:
                if not keepdb:
                    clone.client.drop_database(clone.settings_dict["NAME"])
            clone.creation.apply_schema(verbosity)
            with clone.wrap_database_errors:
                self._copy_documents(clone)
        finally:
            clone.close()

    def _copy_documents(self, clone: Any) -> None:
        for name in self._filled():
            target = clone.creation._raw(name)
            batch: list[Any] = []
            for document in self._raw(name).find():
                batch.append(ReplaceOne({"_id": document["_id"]}, document, upsert=True))
                if len(batch) == BATCH:
                    target.bulk_write(batch)
                    batch = []
            if batch:
                target.bulk_write(batch)

    def destroy_test_db(
        self,
        old_database_name: str | None = None,
        verbosity: int = 1,
        keepdb: bool = False,
        suffix: str | None = None,
    ) -> None:
        """See the base class; afterwards the connection is on its real database again."""
        super().destroy_test_db(old_database_name, verbosity, keepdb, suffix)
        if suffix is None and old_database_name is not None:
            for key in (MADE_FOR_TESTS, MADE_WITH):
                self.connection.settings_dict["TEST"].pop(key, None)

    def _destroy_test_db(self, test_database_name: str, verbosity: int) -> None:
        made = self.connection.settings_dict["TEST"].get(MADE_FOR_TESTS)
        if made is None or not f"{test_database_name}_".startswith(f"{made}_"):
            raise DatabaseError(
                f"The database {test_database_name!r} of alias {self.connection.alias!r} was not "
                "made for tests, so it is not dropped."
            )
        with self.connection.wrap_database_errors:
            self.connection.client.drop_database(test_database_name)

    # Serialized rollback: the documents that were there before the first test, class or not.

    def serialize_db_to_string(self) -> str:
        """All documents of the test database, as JSON holding the BSON of each."""
        with self.connection.wrap_database_errors:
            contents = {
                name: [b64encode(document.raw).decode() for document in self._raw(name).find()]
                for name in self._filled()
            }
        return json.dumps(contents)

    def deserialize_db_from_string(self, data: str) -> None:
        """Put the documents of serialize_db_to_string() back, over any that are there."""
        with self.connection.wrap_database_errors:
            for name, encoded in json.loads(data).items():
                documents = [RawBSONDocument(b64decode(document)) for document in encoded]
                self._raw(name).bulk_write(
                    [ReplaceOne({"_id": d["_id"]}, d, upsert=True) for d in documents]
                )

    def _raw(self, name: str) -> Collection[RawBSONDocument]:
        """A collection whose documents keep every type and the order of their fields."""
        return self.connection.database.get_collection(
            name, CodecOptions(document_class=RawBSONDocument)
        )

    def _filled(self) -> list[str]:
        return non_empty(self.connection, self.connection.introspection.table_names())
