"""Sessions alone in MongoDB, in projects whose other data is in SQL, or that have no other."""

from tests.projects import run

PROJECT = """
import json, os

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="only for tests",
    USE_TZ=True,
    ROOT_URLCONF="tests.sessions.urls",
    ALLOWED_HOSTS=["*"],
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
        "mongo": json.loads(os.environ["MONGO_ENTRY"]),
    },
    DATABASE_ROUTERS=["mongo_contrib.routers.DocumentRouter"],
    SESSION_ENGINE="mongo_contrib.sessions.backends.mongo",
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "mongo_contrib",
        "mongo_contrib.sessions",
    ],
    MIDDLEWARE=[
        "mongo_contrib.sessions.middleware.SessionMiddleware",
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

from io import StringIO

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext, setup_test_environment

from mongo_contrib.sessions.listing import UserSessions

LIST = "/admin/mongo_sessions/session/"
JSON = {"accept": "application/json"}


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
    users = [User.objects.create_user(f"user{n}") for n in range(3)]
    clients = {user.username: Client() for user in [root, *users]}
    for user in [root, *users]:
        clients[user.username].force_login(user)
        clients[user.username].get("/account/sessions/")
    client = clients["root"]
    with CaptureQueriesContext(connection) as captured:
        page = client.get(LIST)
        queries = len(captured)
    gone, kept, other = (UserSessions(user) for user in users)
    (session,) = gone
    deleted = client.post(f"{LIST}{session.id}/delete/", {"post": "yes"})
    (session,) = kept
    # Both would exit.
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)
    call_command("migrate", database="mongo", check_unapplied=True, verbosity=0)
    print(json.dumps({
        "page": page.status_code,
        "names": [user.username in page.content.decode() for user in users],
        "queries": queries,
        "found": len(client.get(LIST, {"q": "user1"}).context["cl"].result_list),
        "deleted": deleted.status_code,
        "of the first": gone.count(),
        "logged in": [
            each.get("/account/sessions/", headers=JSON).status_code for each in clients.values()
        ],
        "own page": clients["user1"].get("/account/sessions/").status_code,
        "ended": clients["user1"].post(
            f"/account/sessions/{session.id}/end/", headers=JSON
        ).json(),
        "by id": UserSessions(users[2].pk).revoke_all(),
        "log": [str(entry) for entry in LogEntry.objects.all()],
        "permissions": sorted(
            Permission.objects.filter(content_type__app_label="mongo_sessions").values_list(
                "codename", flat=True
            )
        ),
        "tables": [name for name in connection.introspection.table_names() if "session" in name],
        "dumped": "mongo_sessions" in output("dumpdata", exclude=["contenttypes", "auth"]),
        "dumped of mongo": output("dumpdata", database="mongo").strip(),
    }))
finally:
    connections["mongo"].client.drop_database(connections["mongo"].settings_dict["NAME"])
"""


def test_the_stock_admin_and_users_who_are_rows(connection):
    found = run(PROJECT, connection)
    (log,) = found.pop("log")
    assert log.startswith("Deleted “user0, ")
    assert found == {
        "page": 200,
        "names": [True, True, True],
        # The user of the request, and those of the page.
        "queries": 2,
        "found": 1,
        "deleted": 302,
        "of the first": 0,
        "logged in": [200, 403, 200, 200],
        "own page": 200,
        "ended": {"ended": 1},
        "by id": 1,
        "permissions": ["delete_session", "view_session"],
        "tables": [],
        "dumped": False,
        "dumped of mongo": "[]",
    }


BARE = """
import json, os

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="only for tests",
    USE_TZ=True,
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
        "mongo": json.loads(os.environ["MONGO_ENTRY"]),
    },
    DATABASE_ROUTERS=["mongo_contrib.routers.DocumentRouter"],
    SESSION_ENGINE="mongo_contrib.sessions.backends.mongo",
    INSTALLED_APPS=["mongo_contrib", "mongo_contrib.sessions"],
    MIDDLEWARE=["mongo_contrib.sessions.middleware.SessionMiddleware"],
    ROOT_URLCONF="__main__",
    ALLOWED_HOSTS=["*"],
)
django.setup()

from django.core.management import call_command
from django.db import connections
from django.http import JsonResponse
from django.test import Client
from django.urls import path


def visit(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return JsonResponse({"visits": request.session["visits"]})


urlpatterns = [path("", visit)]

call_command("check", fail_level="WARNING")
call_command("migrate", verbosity=0)
call_command("migrate", database="mongo", verbosity=0)
try:
    call_command("check", databases=["default", "mongo"], fail_level="WARNING")
    # Both would exit.
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)
    call_command("migrate", database="mongo", check_unapplied=True, verbosity=0)
    client = Client()
    visits = [client.get("/").json()["visits"] for _ in range(3)]
    call_command("clearsessions")
    print(json.dumps({
        "visits": visits,
        "collections": sorted(connections["mongo"].database.list_collection_names()),
        "tables": connections["default"].introspection.table_names(),
        "apps": sorted(config.label for config in django.apps.apps.get_app_configs()),
    }))
finally:
    connections["mongo"].client.drop_database(connections["mongo"].settings_dict["NAME"])
"""


def test_nothing_else_of_django_need_be_installed(connection):
    assert run(BARE, connection) == {
        "visits": [1, 2, 3],
        "collections": ["django_session", "django_session_device"],
        "tables": [],
        "apps": ["mongo_contrib", "mongo_sessions"],
    }
