"""The first contact: unreachable, wrong password, too old."""

import gc
import time

import pytest
from django.core.exceptions import ImproperlyConfigured
from pymongo.errors import ServerSelectionTimeoutError

from mongo_contrib.db.schema import declared, differences, plan
from mongo_contrib.exceptions import AccessDenied, ServerTooOld, ServerUnavailable
from mongo_contrib.repository import Repository
from tests.db.old_server import OldServer

# Nothing listens there: the port needs privileges, and no service has it.
NOBODY = "mongodb://127.0.0.1:1/"
SOON = {"serverSelectionTimeoutMS": 200}

# An async client whose loop ends while its monitor is connecting leaves that one socket to the
# garbage collector: pymongo 4.20 does not close it when sock_connect() is cancelled.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture(autouse=True)
def collected():
    """Let no such socket reach the tests of another module."""
    yield
    gc.collect()


def test_an_unreachable_server_is_told_by_setting_and_address(connect):
    extra = connect(HOST=NOBODY, OPTIONS=SOON)
    with pytest.raises(ServerUnavailable) as raised:
        Repository("people", using=extra.alias).find_one()
    message = str(raised.value)
    assert message.startswith("DATABASES['extra_0']['HOST']: no MongoDB server answered in time")
    assert "127.0.0.1:1" in message
    assert message.endswith("Is the server running, and is this its address?")
    assert "Topology" not in message
    assert isinstance(raised.value.__cause__, ServerSelectionTimeoutError)


async def test_the_same_for_async_verbs(connect):
    extra = connect(HOST=NOBODY, OPTIONS=SOON)
    with pytest.raises(ServerUnavailable, match=r"DATABASES\['extra_0'\]\['HOST'\]"):
        await Repository("people", using=extra.alias).afind_one()


def test_nobody_waits_for_half_a_minute(connect):
    extra = connect(HOST=NOBODY, OPTIONS={})
    assert extra.client.options.server_selection_timeout == 5


def test_the_next_attempt_succeeds_when_the_server_is_there(connect, proxy):
    extra = connect(HOST=proxy.uri)
    proxy.lose(b"ping")
    with pytest.raises(ServerUnavailable):
        extra.ensure_connection()
    extra.ensure_connection()


def test_a_wrong_password_is_told_at_once(connect):
    extra = connect(USER="nobody", PASSWORD="wrong")
    begin = time.monotonic()
    with pytest.raises(AccessDenied, match=r"DATABASES\['extra_0'\].*USER and PASSWORD"):
        extra.ensure_connection()
    assert time.monotonic() - begin < 3


async def test_a_wrong_password_is_told_to_async_verbs_too(connect):
    extra = connect(USER="nobody", PASSWORD="wrong")
    with pytest.raises(AccessDenied, match="USER and PASSWORD"):
        await Repository("people", using=extra.alias).acount()


# 17 is MongoDB 6.0, which the driver takes and we do not; 5 the driver refuses itself.
@pytest.mark.parametrize("wire_version", [5, 17, 20])
def test_an_old_server_is_refused(connect, wire_version):
    with OldServer(wire_version) as server:
        extra = connect(HOST=server.uri, OPTIONS={"serverSelectionTimeoutMS": 2000})
        for _ in range(2):
            with pytest.raises(ServerTooOld, match="wire version"):
                extra.ensure_connection()
            extra.close()


@pytest.mark.parametrize("wire_version", [5, 20])
async def test_an_old_server_is_refused_by_async_verbs_too(connect, wire_version):
    with OldServer(wire_version) as server:
        extra = connect(HOST=server.uri, OPTIONS={"serverSelectionTimeoutMS": 2000})
        with pytest.raises(ServerTooOld):
            await Repository("people", using=extra.alias).afind_one()


def test_a_server_of_wire_version_21_passes(connect):
    with OldServer(21) as server:
        extra = connect(HOST=server.uri, OPTIONS={"serverSelectionTimeoutMS": 2000})
        extra.ensure_connection()


def test_a_name_that_no_dns_knows(connect):
    extra = connect(HOST="mongodb+srv://no-such-host.invalid/", OPTIONS=SOON)
    with pytest.raises(ServerUnavailable, match=r"DATABASES\['extra_0'\]\['HOST'\]"):
        extra.ensure_connection()


@pytest.mark.parametrize(
    "entry",
    [{"HOST": "http://x/"}, {"OPTIONS": {"maxPoolSiz": 3}}, {"HOST": "localhost", "PORT": "x"}],
)
def test_bad_settings_are_told_when_used(connect, entry):
    extra = connect(**entry)
    with pytest.raises(ImproperlyConfigured, match=r"DATABASES\['extra_0'\]"):
        extra.ensure_connection()


def test_the_check_tells_what_ensure_connection_would(connect):
    extra = connect(HOST=NOBODY, OPTIONS=SOON)
    [error] = extra.validation.check()
    assert error.id == "mongo_contrib.E006"
    assert "no MongoDB server answered" in error.msg


#: One of the tests' documents asks for what not every server has.
OF_THE_TESTS_DOCUMENTS = {"mongo_contrib.W003"}


@pytest.fixture
def as_declared(connection):
    """The database as its apps declare it, whatever tests before have done to it."""
    for step in differences(plan(connection, declared("default"))):
        step.apply()


@pytest.mark.usefixtures("as_declared")
def test_the_check_is_silent_about_a_good_server(connection):
    found = {message.id for message in connection.validation.check()}
    assert found <= {"mongo_contrib.W001", *OF_THE_TESTS_DOCUMENTS}


@pytest.mark.usefixtures("as_declared")
def test_the_check_warns_without_transactions(connection, monkeypatch):
    monkeypatch.setitem(connection.server.features, "transactions", False)
    found = {message.id for message in connection.validation.check()}
    assert found - OF_THE_TESTS_DOCUMENTS == {"mongo_contrib.W001"}
