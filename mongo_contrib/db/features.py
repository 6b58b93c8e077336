"""What the server can do: Django's flags, static, and ours, asked of the server when needed."""

from typing import Any
from uuid import uuid4

from django.db.backends.base.features import BaseDatabaseFeatures
from pymongo import ReadPreference, WriteConcern
from pymongo.errors import ConfigurationError, OperationFailure

from mongo_contrib.db.probes import PROBES
from mongo_contrib.exceptions import AccessDenied
from mongo_contrib.exceptions.translation import CLASSES


class Capability:
    """An attribute that asks the server once per alias and process, by the probe of its name."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name.removeprefix("supports_")

    def __get__(self, features: Any, owner: type | None = None) -> Any:
        return self if features is None else features.has(self.name)


class DatabaseFeatures(BaseDatabaseFeatures):
    """Django's flags for this engine, and `supports_<name>` for each capability of a server.

    The capabilities are those of mongo_contrib.db.probes. Each is tried out on the server when it
    is first asked for, never guessed from a version: compatible services lack some.
    """

    # Ours, asked of the server.

    supports_2dsphere = Capability()
    supports_capped_collections = Capability()
    supports_change_streams = Capability()
    supports_dbrefs = Capability()
    supports_default_collation = Capability()
    supports_fail_points = Capability()
    supports_far_dates = Capability()
    supports_freed_unique_values = Capability()
    supports_geometry_collections = Capability()
    supports_hashed_index = Capability()
    supports_hidden_index = Capability()
    supports_index_collation = Capability()
    supports_javascript = Capability()
    supports_near = Capability()
    supports_partial_index = Capability()
    supports_refused_shapes = Capability()
    supports_search_index = Capability()
    supports_sharded = Capability()
    supports_snapshot_sessions = Capability()
    supports_text_index = Capability()
    supports_time_series = Capability()
    supports_ttl_index = Capability()
    supports_validators = Capability()
    supports_views = Capability()
    supports_wildcard_index = Capability()

    # Django's: transactions. A nested atomic() joins the outer one.

    @property
    def supports_transactions(self) -> bool:
        """False in a test database, whatever the server; has("transactions") asks the server.

        Django reads it to wrap each test of a TestCase in one transaction. Without savepoints,
        the first refused write would end that; other threads and async code would see nothing
        of it; and on_commit() would never run. So tests really write, and are cleaned up after.
        """
        return not self.connection.creation.is_test_database and self.has("transactions")

    uses_savepoints = False
    can_release_savepoints = False
    atomic_transactions = True
    can_rollback_ddl = False
    has_select_for_update = False

    # There are no foreign keys to break, so the order of deletions does not matter; else the
    # Collector would first null each nullable reference that it is about to delete.
    can_defer_constraint_checks = True
    supports_foreign_keys = False
    supports_forward_references = True
    can_create_inline_fk = False
    indexes_foreign_keys = False
    can_introspect_foreign_keys = False

    # What documents may declare; system checks warn of the rest.
    supports_partial_indexes = True
    supports_functions_in_partial_indexes = False
    supports_expression_indexes = False
    supports_covering_indexes = False
    supports_deferrable_unique_constraints = False
    supports_nulls_distinct_unique_constraints = False
    supports_column_check_constraints = False
    supports_update_conflicts = True
    supports_update_conflicts_with_target = True
    supports_table_check_constraints = False
    can_introspect_check_constraints = False
    supports_collation_on_charfield = False
    supports_collation_on_textfield = False
    supports_comments = False
    supports_expression_defaults = False
    supports_default_keyword_in_insert = False
    supports_default_keyword_in_bulk_insert = False
    supports_stored_generated_columns = False
    supports_virtual_generated_columns = False
    supports_tablespaces = False
    supports_unlimited_charfield = True
    supports_no_precision_decimalfield = True
    supports_on_delete_db_cascade = False
    supports_on_delete_db_default = False
    supports_on_delete_db_null = False

    # Values. BSON has UUIDs, dates with times and nested documents, but no time spans.
    has_native_uuid_field = True
    has_native_json_field = True
    has_native_boolean_field = True
    has_native_duration_field = False
    supports_temporal_subtraction = False
    supports_json_field_contains = False
    has_json_object_function = False
    supports_regex_backreferencing = True

    # Missing and null sort before everything else, and only there.
    nulls_order_largest = False
    order_by_nulls_first = True
    supports_order_by_nulls_modifier = False

    # No SQL.
    supports_sequence_reset = False
    supports_paramstyle_pyformat = False
    supports_select_union = False
    supports_select_intersection = False
    supports_select_difference = False
    supports_over_clause = False
    supports_inspectdb = False
    can_introspect_default = False
    can_clone_databases = True
    test_db_allows_multiple_connections = True

    @classmethod
    def names(cls) -> list[str]:
        """Return the names that has() knows, sorted."""
        return sorted(PROBES)

    def has(self, name: str) -> bool:
        """Return whether the server has a capability, by its name ("text_index")."""
        if name not in PROBES:
            raise ValueError(
                f"There is no capability {name!r}; those that can be asked for: "
                f"{', '.join(self.names())}."
            )
        server = self.connection.server
        try:
            return bool(server.features[name])
        except KeyError:
            with server.lock:
                if name not in server.features:
                    server.features[name] = self._probe(name)
            return bool(server.features[name])

    def _probe(self, name: str) -> bool:
        # Not the connection's session: a probe that fails would end its transaction.
        # Each probe reads what it has just written, so whatever the project prefers for itself:
        database = self.connection.database.with_options(
            read_preference=ReadPreference.PRIMARY, write_concern=WriteConcern(1)
        )
        scratch = f"mongo_contrib_probe_{uuid4().hex}"
        with self.connection.wrap_database_errors:
            try:
                return PROBES[name](database, scratch)
            except ConfigurationError:
                return False  # the driver found no sessions
            except OperationFailure as exc:
                if CLASSES.get(exc.code or 0) is AccessDenied:
                    raise
                return False
            finally:
                if name != "transactions":
                    database.drop_collection(scratch)
