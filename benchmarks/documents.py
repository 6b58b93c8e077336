"""Hydration and find-by-id: a document class beside raw pymongo on the same collection."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from mongo_contrib.db import get_connection

from .measure import Task
from .models import Figures, Nested, Small

DOCUMENTS = 2_000
FINDS = 500
GOAL = 1.5


def tasks() -> Iterator[Task]:
    """Make the collections and yield what is measured on them."""
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    Small.objects.all().delete()
    Nested.objects.all().delete()
    smalls = Small.objects.bulk_create(
        Small(
            name=f"City {number}",
            code=f"C{number}",
            country="DE",
            population=number * 100,
            elevation=number % 900,
            area=number / 7,
            updated=now,
        )
        for number in range(DOCUMENTS)
    )
    Nested.objects.bulk_create(
        Nested(
            name=f"City {number}",
            location=(number % 180, number % 90),
            names=["Stadt", "Ville", "City"],
            figures=Figures(households=number, growth=0.5),
        )
        for number in range(DOCUMENTS)
    )
    database = get_connection().database
    small = database[Small._meta.db_table]
    nested = database[Nested._meta.db_table]
    keys = [each.pk for each in smalls[:FINDS]]
    yield Task(
        "hydrate small flat documents",
        lambda: list(small.find()),
        lambda: list(Small.objects.all()),
        DOCUMENTS,
        GOAL,
    )
    yield Task(
        "hydrate nested documents",
        lambda: list(nested.find()),
        lambda: list(Nested.objects.all()),
        DOCUMENTS,
        GOAL,
    )
    yield Task(
        "find by id",
        lambda: [small.find_one({"_id": key}) for key in keys],
        lambda: [Small.objects.get(pk=key) for key in keys],
        FINDS,
        GOAL,
    )
