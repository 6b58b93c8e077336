import pytest
from pymongo.errors import OperationFailure

from mongo_contrib.db.features import Capability, DatabaseFeatures
from mongo_contrib.db.probes import PROBES
from mongo_contrib.exceptions import AccessDenied
from mongo_contrib.test import CaptureCommands


@pytest.fixture
def features(connect):
    """Those of a connection that has asked nothing yet."""
    features = connect().features
    features.connection.server.features.clear()
    return features


def test_each_probe_has_an_attribute_and_the_other_way_round():
    attributes = {
        name.removeprefix("supports_")
        for name, value in vars(DatabaseFeatures).items()
        if isinstance(value, Capability)
    }
    assert attributes | {"transactions"} == set(PROBES)
    assert DatabaseFeatures.names() == sorted(PROBES)


@pytest.mark.parametrize("name", sorted(PROBES))
def test_a_probe_answers_and_leaves_nothing_behind(features, name):
    database = features.connection.database
    before = set(database.list_collection_names())
    assert features.has(name) in (True, False)
    # A server keeps its list of views once there was one.
    assert set(database.list_collection_names()) - {"system.views"} == before


# All that our own code and tests rely on, so that a probe cannot lack it by its own mistake.
@pytest.mark.parametrize(
    "name", ["transactions", "ttl_index", "partial_index", "2dsphere", "change_streams"]
)
def test_the_test_servers_have_what_we_build_on(features, name):
    assert features.has(name)
    assert name == "transactions" or getattr(features, f"supports_{name}")


def test_the_server_is_asked_once(features):
    features.has("ttl_index")
    other = type(features.connection)(features.connection.settings_dict, features.connection.alias)
    with CaptureCommands(using=None) as commands:
        assert other.features.supports_ttl_index
    assert commands.names == []


def test_the_probe_of_transactions_only_reads(features):
    features.connection.ensure_connection()
    names = []
    from mongo_contrib.db.commands import register, unregister

    def note(event):
        if event.phase == "started":
            names.append(event.name)

    register(note)
    try:
        features.has("transactions")
    finally:
        unregister(note)
    assert set(names) <= {"find", "abortTransaction"}


def test_an_unknown_capability_is_told(features):
    with pytest.raises(ValueError, match=r"no capability 'teleport'.*ttl_index"):
        features.has("teleport")


def test_what_a_server_refuses_it_lacks(features, monkeypatch):
    def refuse(database, name):
        raise OperationFailure("no", 115)

    monkeypatch.setitem(PROBES, "ttl_index", refuse)
    assert not features.has("ttl_index")


def test_not_being_allowed_to_ask_is_no_answer(features, monkeypatch):
    def refuse(database, name):
        raise OperationFailure("not authorized", 13)

    monkeypatch.setitem(PROBES, "ttl_index", refuse)
    with pytest.raises(AccessDenied):
        features.has("ttl_index")


def test_asking_inside_a_transaction_does_not_end_it(features, repository):
    from django.db import transaction

    with transaction.atomic():
        repository("people").insert_one({"_id": 1})
        features.has("text_index")
        repository("people").insert_one({"_id": 2})
    assert repository("people").count() == 2
