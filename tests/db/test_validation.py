"""`check --database` of a server that cannot be used."""

import pytest
from django.core.checks import run_checks
from pymongo.errors import OperationFailure

from mongo_contrib.db import base
from mongo_contrib.db.schema import plan
from mongo_contrib.exceptions import AccessDenied, ServerTooOld
from tests.db.old_server import OldServer


def test_an_unreachable_server_is_waited_for_once(connect, monkeypatch):
    pings = []
    ping = base.ping
    monkeypatch.setattr(base, "ping", lambda *args: (pings.append(args), ping(*args)))
    nobody = connect(HOST="mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50")
    monkeypatch.setattr("django.core.checks.database.connections", {nobody.alias: nobody})
    problems = run_checks(databases=[nobody.alias])
    [problem] = [problem for problem in problems if problem.id == "mongo_contrib.E006"]
    setting = f"DATABASES['{nobody.alias}']['HOST']"
    assert problem.msg.startswith(f"{setting}: no MongoDB server answered")
    assert "waitformongo" in problem.hint
    assert len(pings) == 1


def test_an_old_server_is_told_before_it_is_asked_what_it_does_not_know(connect):
    with OldServer(17) as server:
        old = connect(HOST=server.uri)
        [problem] = old.validation.check()
        with pytest.raises(ServerTooOld, match=r"MongoDB 7\.0 or later is needed"):
            plan(old, [])
    assert problem.id == "mongo_contrib.E006"
    assert problem.msg.startswith(f"DATABASES['{old.alias}']: the server at 127.0.0.1:")


def test_a_server_that_wants_a_password_is_told_with_the_settings(connect, monkeypatch):
    locked = connect()

    def refuse(*args, **kwargs):
        raise OperationFailure("Command listCollections requires authentication", 13)

    with monkeypatch.context() as patch:
        patch.setattr("pymongo.database.Database.list_collections", refuse)
        with pytest.raises(AccessDenied, match=r"DATABASES\['extra_0'\].*USER and PASSWORD"):
            plan(locked, [])
        [problem] = locked.validation.check()
    assert problem.id == "mongo_contrib.E006"
    assert problem.msg.count("DATABASES[") == 1
    assert problem.hint is None


def test_an_entry_that_cannot_be_understood_is_no_matter_of_waiting(connect):
    [problem] = connect(HOST="postgres://here/").validation.check()
    assert problem.id == "mongo_contrib.E006"
    assert problem.msg.startswith("DATABASES['extra_0']['HOST'] is 'postgres://here/'")
    assert problem.hint is None
