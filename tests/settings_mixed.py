"""A mixed project: rows in SQLite, documents in MongoDB. MIXED_DEFAULT=mongo turns them round."""

import os
import tempfile

from tests.settings import DATABASES, NAME, TEMPLATES  # noqa: F401

SECRET_KEY = "only for tests"
USE_TZ = True

MONGO = {**DATABASES["default"], "NAME": f"{NAME}_mixed", "TEST": {"NAME": f"test_{NAME}_mixed"}}
SQL = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": os.environ.get("MIXED_SQLITE") or f"{tempfile.gettempdir()}/{NAME}_mixed.sqlite3",
}
if os.environ.get("MIXED_DEFAULT") == "mongo":
    DATABASES = {"default": MONGO, "sql": SQL}
else:
    DATABASES = {"default": SQL, "mongo": MONGO}

DATABASE_ROUTERS = (
    [] if os.environ.get("MIXED_NO_ROUTER") else ["mongo_contrib.routers.DocumentRouter"]
)
INSTALLED_APPS = [
    "mongo_contrib",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "tests.mixedapp",
]
