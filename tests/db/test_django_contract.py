"""Django's private API that the engine leans on: one test each, so that a new Django tells."""

import asyncio
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from django.core.checks import Tags
from django.core.checks.registry import CheckRegistry
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.base import BaseHandler
from django.db import connections, models, transaction
from django.db.backends.base.base import RAN_DB_VERSION_CHECK, BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models import deletion, sql
from django.db.models.lookups import In
from django.test import RequestFactory, SimpleTestCase, TestCase
from django.test.utils import CaptureQueriesContext, isolate_apps
from pymongo import MongoClient

from mongo_contrib.db.operations import DatabaseOperations
from mongo_contrib.repository import Repository

ROOT = Path(__file__).resolve().parents[2]
OURS = "mongo_contrib.db.base.DatabaseWrapper"


class Oops(Exception):
    """What a view of these tests raises."""


# Making models


@isolate_apps("tests")
def test_models_ask_for_the_length_of_names_while_they_are_made():
    with (
        mock.patch.object(DatabaseOperations, "max_name_length", return_value=50) as asked,
        mock.patch.object(BaseDatabaseWrapper, "ensure_connection", side_effect=AssertionError),
    ):

        class Made(models.Model):
            class Meta:
                app_label = "tests"

    assert asked.called


# Transactions


def test_a_connection_is_in_autocommit_mode_or_hooks_would_never_run(connection):
    assert connection.get_autocommit() is True
    seen = []
    with transaction.atomic():
        transaction.on_commit(lambda: seen.append(1))
    assert seen == [1]


def test_atomic_begins_by_our_hook_and_not_by_a_begin(connection):
    with (
        mock.patch(f"{OURS}._start_transaction_under_autocommit", autospec=True) as begin,
        CaptureQueriesContext(connection) as queries,
        transaction.atomic(),
    ):
        assert connection.in_atomic_block
        assert not connection.autocommit
    assert begin.call_count == 1
    assert len(queries) == 0


@pytest.mark.parametrize(("error", "hook"), [(None, "_commit"), (Oops, "_rollback")])
def test_atomic_ends_by_our_hooks(connection, error, hook):
    with mock.patch(f"{OURS}.{hook}", autospec=True) as end:
        if error is None:
            with transaction.atomic(), transaction.atomic():
                pass
        else:
            with pytest.raises(error), transaction.atomic(), transaction.atomic():
                raise error
    assert end.call_count == 1


def test_an_inner_block_makes_no_savepoint(connection):
    with mock.patch(f"{OURS}._savepoint", autospec=True) as savepoint:
        with transaction.atomic(), transaction.atomic():
            assert connection.savepoint_ids == [None]
        assert not savepoint.called


def test_an_inner_error_marks_the_outer_block(connection):
    with transaction.atomic():
        with pytest.raises(Oops), transaction.atomic():
            raise Oops
        assert connection.needs_rollback


@pytest.mark.needs("transactions")
def test_atomic_requests_roll_back(connection, repository, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)

    def view(request):
        repository("people").insert_one({"_id": request.GET["id"]})
        if request.GET["id"] == "2":
            raise Oops

    atomic_view = BaseHandler().make_view_atomic(view)
    assert atomic_view is not view
    atomic_view(RequestFactory().get("/", {"id": "1"}))
    with pytest.raises(Oops):
        atomic_view(RequestFactory().get("/", {"id": "2"}))
    assert [one["_id"] for one in repository("people").find()] == ["1"]


# The connection


def test_connecting_asks_for_the_version_and_sends_the_signal(connection):
    seen = []

    def receive(connection, **kwargs):
        seen.append(connection)

    connection.close()
    RAN_DB_VERSION_CHECK.discard(connection.alias)
    connection_created.connect(receive)
    try:
        with mock.patch(f"{OURS}.check_database_version_supported", autospec=True) as asked:
            connection.ensure_connection()
    finally:
        connection_created.disconnect(receive)
    assert asked.call_count == 1
    assert seen == [connection]


def test_the_end_of_a_request_closes_the_connection_and_not_the_client(connection, repository):
    repository("people").count()
    client = connection.client
    with mock.patch.object(client, "close") as closed:
        # What django.db connects to that signal.
        connection.close_at = 0
        connection.close_if_unusable_or_obsolete()
    assert connection.connection is None
    assert not closed.called


def test_djangos_shell_client_becomes_our_shell(connection):
    # BaseDatabaseWrapper.__init__() assigns `client`, and dbshell asks it for two attributes.
    assert isinstance(connection.client, MongoClient)
    assert connection.shell.connection is connection
    assert connection.client.executable_name == "mongosh"
    assert callable(connection.client.runshell)


def test_only_initialized_connections_are_listed(connection):
    assert connection in connections.all(initialized_only=True)


def test_an_event_loop_has_connections_of_its_own(connection):
    async def own():
        return connections["default"]

    assert asyncio.run(own()) is not connection


def test_counting_queries_forces_the_debug_cursor(connection):
    from mongo_contrib.db.commands import _forced

    with CaptureQueriesContext(connection):
        assert connection in _forced
        assert connection.queries_logged
    assert connection not in _forced


# Test tools that forbid the database


class Forbidden(SimpleTestCase):
    """Its class fixtures are called by hand."""


@pytest.fixture
def simple_test_case(connection):
    connection.ensure_connection()
    Forbidden.setUpClass()
    yield
    Forbidden.tearDownClass()
    Forbidden.doClassCleanups()


def test_simple_test_case_forbids_verbs(simple_test_case):
    with pytest.raises(AssertionError, match="Database queries to 'default' are not allowed"):
        Repository("people").find_one()


def test_simple_test_case_forbids_async_verbs(simple_test_case):
    # There it is forbidden to connect: an event loop has a connection of its own.
    with pytest.raises(AssertionError, match=r"Database .* to 'default' are not allowed"):
        asyncio.run(Repository("people").afind_one())


def test_after_a_simple_test_case_verbs_are_allowed(connection, repository):
    Forbidden.setUpClass()
    Forbidden.tearDownClass()
    Forbidden.doClassCleanups()
    # Django leaves the methods on the instance.
    assert "cursor" in connection.__dict__
    assert repository("people").count() == 0
    assert asyncio.run(repository("people").acount()) == 0


def test_pytest_django_forbids_verbs(connection, django_db_blocker):
    with django_db_blocker.block():
        with pytest.raises(RuntimeError, match="Database access not allowed"):
            Repository("people").find_one()
        with pytest.raises(RuntimeError, match="Database access not allowed"):
            asyncio.run(Repository("people").afind_one())


def test_test_case_asks_whether_there_are_transactions(connection):
    assert TestCase._databases_support_transactions() is False


# Deletion


class Target(models.Model):
    _is_document = True
    id = models.IntegerField(primary_key=True, db_column="_id")

    class Meta:
        app_label = "tests_db_contract"
        managed = False


def test_a_batch_of_deletions_is_one_condition_of_keys(connection):
    query = sql.DeleteQuery(Target)
    seen = []

    def note(table, where, using):
        seen.append(where.children)
        return 0

    query.do_query = note
    query.delete_batch(list(range(150)), "default")
    assert [len(children) for children in seen] == [1, 1]
    [lookup] = seen[0]
    assert isinstance(lookup, In)
    assert lookup.lhs.target is Target._meta.pk
    assert list(lookup.rhs) == list(range(100))


def test_a_batch_of_updates_keeps_triples():
    query = sql.UpdateQuery(Target)
    query.add_update_values({"id": 1})
    assert query.values == [(Target._meta.pk, Target, 1)]


def test_a_nullable_reference_is_not_nulled_before_it_is_deleted(connection):
    # CASCADE asks can_defer_constraint_checks before it makes an update of each.
    field = mock.Mock(null=True, remote_field=mock.Mock(model=Target))
    collector = mock.Mock()
    deletion.CASCADE(collector, field, [], "default")
    assert collector.collect.called
    assert not collector.add_field_update.called


def test_compilers_are_asked_of_the_connection_by_name(connection):
    with pytest.raises(ImproperlyConfigured, match=r"tests_db_contract\.Target"):
        sql.Query(Target).get_compiler("default").execute_sql()


# System checks


def test_a_check_of_djangos_can_be_taken_back():
    def check(app_configs, **kwargs):
        return []

    registry = CheckRegistry()
    registry.register(check, Tags.models)
    assert registry.get_checks() == [check]
    registry.registered_checks.discard(check)
    assert registry.get_checks() == []


def test_djangos_check_of_models_is_taken_back_by_the_app_and_not_by_an_import():
    code = """
import django
from django.conf import settings
from django.core.checks import model_checks
from django.core.checks.registry import registry
from mongo_contrib import checks

both = (model_checks.check_all_models, checks.check_all_models)
print([check in registry.get_checks() for check in both])
settings.configure(INSTALLED_APPS=["mongo_contrib"])
django.setup()
print([check in registry.get_checks() for check in both])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n") == ["[True, False]", "[False, True]", ""]
