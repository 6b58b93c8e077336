"""One side of `benchmarks.sessions`: `python -m benchmarks.sides.sessions NAME URI DATABASE`."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import json
import secrets
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.measure import spent
from benchmarks.sessions import SESSIONS, SIDES, TASKS

# What a shop keeps of somebody who is logged in.
DATA = {
    "_auth_user_id": "6650f1c2a7b3c4d5e6f70812",
    "_auth_user_backend": "mongo_contrib.auth.backends.MongoBackend",
    "_auth_user_hash": "5f67554b0bdf9e5d" * 4,
    "cart": [{"sku": "a-17", "number": 2}, {"sku": "b-4", "number": 1}],
    "language": "de",
    "tour_taken": True,
    "last_page": "/cities/?country=DE",
    "visits": 1,
}


class Engine:
    """A session engine of Django's kind."""

    def __init__(self) -> None:
        from importlib import import_module

        from django.conf import settings

        self.store = import_module(settings.SESSION_ENGINE).SessionStore
        self.label = settings.SESSION_ENGINE
        self.keys: list[str] = []

    def prepare(self) -> None:
        self.keys = [self.created() for _ in range(SESSIONS)]

    def created(self) -> str:
        session = self.store()
        session.update(DATA)
        session.save()
        return session.session_key

    def session_change(self, operations: int) -> None:
        for key in self.turns(operations):
            session = self.store(key)
            session["visits"] = session["visits"] + 1
            session.save()

    def session_read(self, operations: int) -> None:
        for key in self.turns(operations):
            self.store(key)["visits"]

    def session_create(self, operations: int) -> None:
        for _ in range(operations):
            self.created()

    async def session_achange(self, operations: int) -> None:
        for key in self.turns(operations):
            session = self.store(key)
            await session.aset("visits", await session.aget("visits") + 1)
            await session.asave()

    def turns(self, operations: int) -> Any:
        return itertools.islice(itertools.cycle(self.keys), operations)


class Raw(Engine):
    """The same documents with pymongo alone: no hashing, no JSON."""

    def __init__(self) -> None:
        import pymongo

        from mongo_contrib.repository import Repository
        from mongo_contrib.sessions.conf import conf

        self.label = f"pymongo {pymongo.version}"
        self.repository = Repository(
            "raw_sessions",
            read_preference=conf.read_preference,
            write_concern=conf.write_concern,
        )
        self.collection = self.repository.collection
        self.keys: list[str] = []
        self.visits = 1

    def created(self) -> str:
        now = datetime.now(UTC)
        document = {
            "_id": secrets.token_hex(32),
            "data": {key: json.dumps(value) for key, value in DATA.items()},
            "expire_date": now + timedelta(days=14),
            "created": now,
            "user": DATA["_auth_user_id"],
            "seen": now,
        }
        return self.collection.insert_one(document).inserted_id

    def change(self, key: str) -> tuple[dict[str, Any], dict[str, Any]]:
        self.visits += 1
        expires = datetime.now(UTC) + timedelta(days=14)
        return self.live(key), {"$set": {"data.visits": str(self.visits), "expire_date": expires}}

    def live(self, key: str) -> dict[str, Any]:
        return {"_id": key, "expire_date": {"$gt": datetime.now(UTC)}}

    def session_change(self, operations: int) -> None:
        for key in self.turns(operations):
            self.collection.find_one(self.live(key))
            self.collection.update_one(*self.change(key))

    def session_read(self, operations: int) -> None:
        for key in self.turns(operations):
            self.collection.find_one(self.live(key))

    async def session_achange(self, operations: int) -> None:
        collection = self.repository.acollection
        for key in self.turns(operations):
            await collection.find_one(self.live(key))
            await collection.update_one(*self.change(key))


def configure(name: str, uri: str, database: str, sqlite: Path) -> None:
    import django
    from django.conf import settings

    app, default = "mongo_contrib.sessions", {"ENGINE": "mongo_contrib.db", "HOST": uri}
    default["NAME"] = database
    if name.startswith("django"):
        app = "django.contrib.sessions"
        default = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(sqlite)}
    settings.configure(
        SECRET_KEY="only for benchmarks",
        USE_TZ=True,
        INSTALLED_APPS=["mongo_contrib", app],
        DATABASES={"default": default},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        **SIDES[name],
    )
    django.setup()
    if name.startswith("django"):
        from django.core.management import call_command

        call_command("migrate", verbosity=0)


def serve(side: Engine) -> None:
    """Answer each line of standard input with a line of JSON, as `benchmarks.sides` does."""
    tasks = {task.name: task for task in TASKS}
    answer({"label": side.label})
    with asyncio.Runner() as runner:
        for line in sys.stdin:
            command, _, name = line.strip().partition(" ")
            task = getattr(side, name)

            def once(task: Any = task, operations: int = tasks[name].operations) -> None:
                if inspect.iscoroutinefunction(task):
                    runner.run(task(operations))
                else:
                    task(operations)

            try:
                if command == "prepare":
                    side.prepare()
                    answer({})
                else:
                    answer(spent(once))
            except Exception as error:
                # The others go on.
                answer({"error": f"{type(error).__name__}: {error}"[:300]})


def answer(document: dict[str, Any]) -> None:
    print(json.dumps(document), flush=True)


if __name__ == "__main__":
    name, uri, database = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory:
        configure(name, uri, database, Path(directory) / "sessions.sqlite3")
        serve(Raw() if name == "raw" else Engine())
