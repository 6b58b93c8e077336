"""What the tests of users share."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from bson import ObjectId

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def ann(db):
    """An active user without any rights; her password is "secret"."""
    from mongo_contrib.auth.models import User

    return User.objects.create_user("Ann", "Ann@Example.com", "secret")


@pytest.fixture
def renamed(db):
    """A user whose name a test changes; no other test uses it.

    The Rust server of the suite keeps a value of a unique index reserved once an update has
    changed it.
    """
    from mongo_contrib.auth.models import User

    return User.objects.create_user(f"Old-{ObjectId()}", "old@example.com", "secret")


@pytest.fixture
def new_name():
    """A name that no other test uses."""
    return f"New-{ObjectId()}"


@pytest.fixture
def persons(settings):
    """The project's user class is one of its own, whose name is an e-mail address."""
    settings.AUTH_USER_MODEL = "people.Person"


@pytest.fixture(params=["sync", "async"])
def twin(request):
    """`twin(obj, "verb", ...)` calls a method, or its async twin."""
    if request.param == "sync":
        yield lambda obj, verb, *args, **kwargs: getattr(obj, verb)(*args, **kwargs)
    else:
        with asyncio.Runner() as runner:

            async def call(obj, verb, *args, **kwargs):
                return await getattr(obj, f"a{verb}")(*args, **kwargs)

            yield lambda *args, **kwargs: runner.run(call(*args, **kwargs))


@pytest.fixture
def manage(connection):
    """`manage("check", settings="...")` runs a command in a process of its own.

    It works on this test's database; warnings are errors there too. The result has `code` and
    `output`.
    """
    host, port = connection.client.address
    address = os.environ.get("MONGODB_URI") or f"mongodb://{host}:{port}/"
    name = connection.settings_dict["NAME"]

    def manage(*args, settings="tests.settings", **environment):
        process = subprocess.run(
            [sys.executable, "-m", "django", *args],
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": settings,
                "PYTHONPATH": str(ROOT),
                "PYTHONWARNINGS": "error",
                "MONGODB_URI": address,
                "MONGO_TEST_NAME": name,
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        return SimpleNamespace(code=process.returncode, output=process.stdout)

    return manage
