"""Files alone in MongoDB, in a project whose users are rows, without time zones; and its admin."""

from tests.projects import run

PROJECT = """
import json, os

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="only for tests",
    USE_TZ=False,
    TIME_ZONE="Europe/Berlin",
    ROOT_URLCONF="tests.storage.admin_urls",
    ALLOWED_HOSTS=["*"],
    STATIC_URL="/static/",
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
        "mongo": json.loads(os.environ["MONGO_ENTRY"]),
    },
    DATABASE_ROUTERS=["mongo_contrib.routers.DocumentRouter"],
    STORAGES={
        "default": {
            "BACKEND": "mongo_contrib.storage.GridFSStorage",
            "OPTIONS": {"base_url": "/media/", "thumbnails": {"small": (64, 64)}},
        },
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    },
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "mongo_contrib",
        "mongo_contrib.storage",
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

from datetime import datetime, timedelta
from io import BytesIO, StringIO

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from django.test.utils import setup_test_environment
from PIL import Image

from mongo_contrib.storage.models import FileDocument

LIST = "/stock/mongo_storage/filedocument/"


def output(*command, **options):
    out = StringIO()
    call_command(*command, stdout=out, **options)
    return out.getvalue()


setup_test_environment()
call_command("check", fail_level="WARNING")
call_command("migrate", verbosity=0)
call_command("migrate", database="mongo", verbosity=0)
try:
    root = User.objects.create_superuser("root")
    client = Client()
    client.force_login(root)
    picture = BytesIO()
    Image.new("RGB", (200, 100)).save(picture, "PNG")
    upload = SimpleUploadedFile("red.png", picture.getvalue())
    added = client.post(f"{LIST}add/", {"wanted": "a/", "content": upload})
    file = FileDocument.objects.get(name="a/red.png")
    now = datetime.now()
    # Whoever stores a file says what its uploader is: none of these is a number of a user.
    for uploader in ("9" * 40, str(2**63), float("inf"), float("nan"), "²", "a\\0b"):
        odd = ContentFile(b"x")
        odd.metadata = {"uploader": uploader}
        default_storage.save("odd.txt", odd)
    odd_list = client.get(LIST)
    odd_page = client.get(LIST).content.decode()
    for each in FileDocument.objects.filter(name__startswith="odd"):
        default_storage.delete(each.name)
    page = client.get(LIST).content.decode()
    change = f"{LIST}{file.pk}/change/"
    described = client.post(
        change, {"content_type": "image/png", "original_name": "b.png", "fields": '{"a": 1}'}
    )
    found = {
        "added": added.status_code,
        "in the list": [part in page for part in (">root<", "thumbnail=small", "a/red.png")],
        "odd uploaders": [part in odd_page for part in (">root<", "9" * 40, str(2**63), "inf")],
        "thumbnail": client.get("/media/a/red.png?thumbnail=small").status_code,
        "uploader": file.uploader == root.pk,
        "of the user": FileDocument.objects.filter(uploader=root).count(),
        "naive": file.uploaded.tzinfo is None,
        "now": abs(now - file.uploaded) < timedelta(minutes=5),
        "just now": FileDocument.objects.filter(
            uploaded__gt=now - timedelta(minutes=5), uploaded__lt=now + timedelta(minutes=5)
        ).count(),
        "described": described.status_code,
        "fields": FileDocument.objects.get().fields,
        "deleted": client.post(f"{LIST}{file.pk}/delete/", {"post": "yes"}).status_code,
        "left": FileDocument.objects.count(),
        "chunks": connections["mongo"].database["fs.chunks"].count_documents({}),
        "thumbnails": connections["mongo"].database["fs.thumbnails.files"].count_documents({}),
        "log": [str(entry) for entry in LogEntry.objects.order_by("pk")],
        "tables": [name for name in connection.introspection.table_names() if "file" in name],
        "dumped": "mongo_storage" in output("dumpdata", exclude=["contenttypes", "auth"]),
        "dumped of mongo": output("dumpdata", database="mongo").strip(),
    }
    # Both would exit.
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)
    call_command("migrate", database="mongo", check_unapplied=True, verbosity=0)
    print(json.dumps(found))
finally:
    database = connections["mongo"].database
    database.client.drop_database(database.name)
    connections["mongo"].client.close()
"""


def test_files_in_a_project_of_sql(db, connection):
    assert run(PROJECT, connection) == {
        "added": 302,
        "in the list": [True, True, True],
        "odd uploaders": [True, True, True, True],
        "thumbnail": 200,
        "uploader": True,
        "of the user": 1,
        "naive": True,
        "now": True,
        "just now": 1,
        "described": 302,
        "fields": {"a": 1},
        "deleted": 302,
        "left": 0,
        "chunks": 0,
        "thumbnails": 0,
        "log": [
            "Added “a/red.png”.",
            "Changed “a/red.png” — Changed Original name and Own fields.",
            "Deleted “a/red.png.”",
        ],
        "tables": [],
        "dumped": False,
        "dumped of mongo": "[]",
    }
