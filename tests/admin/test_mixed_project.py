"""Beside an SQL database, which then keeps the users, the log and the content types."""

from tests.projects import run

PROJECT = """
import json, os, sys

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="only for tests",
    USE_TZ=True,
    ROOT_URLCONF="tests.admin.urls",
    ALLOWED_HOSTS=["*"],
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
        "mongo": json.loads(os.environ["MONGO_ENTRY"]),
    },
    DATABASE_ROUTERS=["mongo_contrib.routers.DocumentRouter"],
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "mongo_contrib",
        "mongo_contrib.admin",
        "tests.admin.shop",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connections
from django.test import Client

from mongo_contrib.admin.models import LogEntry as Document
from tests.admin.shop.models import Maker

call_command("check")
call_command("migrate", verbosity=0)
try:
    ann = User.objects.create_superuser("ann", "ann@example.com", "secret")
    client = Client()
    client.force_login(ann)
    client.post("/admin/shop/maker/add/", {"name": "Lego", "country": ""})
    maker = Maker.objects.get()
    pages = ["/admin/", f"/admin/shop/maker/{maker.pk}/history/", "/admin/shop/product/add/"]
    print(json.dumps({
        "pages": [client.get(page).status_code for page in pages],
        "rows": LogEntry.objects.filter(object_id=str(maker.pk)).count(),
        "documents": Document.objects.count(),
        "content_type": ContentType.objects.get_for_model(Maker).pk < 1000,
        "group": admin.site.is_registered(Group),
        "deleted": ann.delete()[1],
    }))
finally:
    connections["mongo"].client.drop_database(connections["mongo"].settings_dict["NAME"])
"""


def test_the_stock_admin_keeps_its_tables(connection):
    assert run(PROJECT, connection) == {
        "pages": [200, 200, 200],
        "rows": 1,
        "documents": 0,
        "content_type": True,
        "group": True,
        "deleted": {"admin.LogEntry": 1, "auth.User": 1},
    }
