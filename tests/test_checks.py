"""Each check finds what it is for, and nothing in a sound project."""

import pytest
from django.core import checks as django_checks
from django.core.management import call_command
from django.db import connections, models
from django.test.utils import isolate_apps

from mongo_contrib import checks
from mongo_contrib.db import validation
from mongo_contrib.db.schema import CollectionSpec, IndexSpec
from mongo_contrib.documents import Document
from tests.testapp.models import Author

SQLITE = {**connections.settings["default"], "ENGINE": "django.db.backends.sqlite3"}


def found(messages):
    return [(message.id, message.msg, message.hint) for message in messages]


@pytest.fixture
def declare(monkeypatch):
    """Let the contenttypes app declare collections of its own."""
    from django.apps import apps

    def declare(*specs):
        config = apps.get_app_config("contenttypes")
        monkeypatch.setattr(config, "mongo_collections", lambda alias: specs, raising=False)

    return declare


def compared(connection):
    """What comparing with the server finds, but for search indexes, which few servers have."""
    return [
        message
        for message in connection.validation.check()
        if "is left without search indexes" not in message.msg
    ]


def test_our_own_project_is_sound(connection):
    for check in (
        checks.check_databases_setting,
        checks.check_router,
        checks.check_collections,
        checks.check_references,
        checks.check_sql_models,
    ):
        assert check() == []
    assert compared(connection) == []


def test_nothing_is_asked_of_a_server_unless_told(monkeypatch):
    monkeypatch.setattr(validation, "compare", lambda connection: pytest.fail("asked"))
    call_command("check")


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ({"HOST": "postgres://somewhere/"}, "HOST"),
        ({"HOST": "mongodb://a:b:c@d/"}, "HOST"),
        ({"NAME": ""}, "NAME"),
        ({"NAME": "a b"}, "NAME"),
        ({"OPTIONS": {"noSuchOption": 1}}, "OPTIONS"),
    ],
)
def test_a_wrong_entry_is_found_without_a_server(monkeypatch, entry, named):
    wrong = {**connections.settings["default"], **entry}
    monkeypatch.setattr(connections, "settings", {"default": wrong})
    monkeypatch.setattr(
        checks, "connections", {"default": type(connections["default"])(wrong, "default")}
    )
    [(id, message, _)] = found(checks.check_databases_setting())
    assert id == "mongo_contrib.E001"
    assert "DATABASES['default']" in message
    assert named in message


def test_a_missing_router_is_found(settings):
    settings.DATABASE_ROUTERS = []
    [(id, message, hint)] = found(checks.check_router())
    assert id == "mongo_contrib.E002"
    assert message.startswith(
        "DATABASES['default'] is MongoDB, but Django would look for tables of SQL models in it: "
    )
    assert "contenttypes.ContentType" in message
    assert hint.endswith('DATABASE_ROUTERS = ["mongo_contrib.routers.DocumentRouter"]')


def test_documents_in_an_sql_project_are_found(settings, monkeypatch):
    monkeypatch.setattr(connections, "settings", {"default": SQLITE})
    settings.DATABASE_ROUTERS = []
    [(id, message, hint)] = found(checks.check_router())
    assert id == "mongo_contrib.E003"
    assert message.startswith("Documents cannot be stored, as no entry of DATABASES is MongoDB: ")
    assert "mongo_contrib.db" in hint


def test_a_router_alone_makes_no_database(monkeypatch):
    monkeypatch.setattr(connections, "settings", {"default": SQLITE})
    [(id, message, _)] = found(checks.check_router())
    assert id == "mongo_contrib.E003"
    assert "as no entry of DATABASES is MongoDB" in message


@isolate_apps("tests.testapp")
def test_an_sql_model_that_nothing_can_hold_is_found(monkeypatch):
    class Stray(models.Model):
        class Meta:
            app_label = "testapp"

    class Unmanaged(models.Model):
        class Meta:
            app_label = "testapp"
            managed = False

    monkeypatch.setattr(checks, "apps", Stray._meta.apps)
    [(id, message, hint)] = found(checks.check_sql_models())
    assert id == "mongo_contrib.W004"
    assert message.startswith("testapp.Stray is an SQL model")
    assert "mongo_contrib.documents.Document" in hint
    monkeypatch.setattr(connections, "settings", {**connections.settings, "sql": SQLITE})
    assert checks.check_sql_models() == []


def test_two_documents_with_one_collection_are_found(declare):
    declare(CollectionSpec("testapp_author", source="other.Author"))
    [(id, message, hint)] = found(checks.check_collections())
    assert id == "mongo_contrib.E004"
    assert "'testapp_author' of 'default'" in message
    assert "testapp.Author" in message
    assert "other.Author" in message
    assert "db_table" in hint


@isolate_apps("tests.testapp")
def test_two_document_classes_with_one_collection_are_found(monkeypatch):
    class One(Document):
        class Meta:
            app_label = "testapp"
            db_table = "same"

    class Two(Document):
        class Meta:
            app_label = "testapp"
            db_table = "same"

    class Proxy(One):
        class Meta:
            app_label = "testapp"
            proxy = True

    monkeypatch.setattr("mongo_contrib.documents.schema.apps", One._meta.apps)
    [(id, message, _)] = found(checks.check_collections())
    assert id == "mongo_contrib.E004"
    assert message.endswith("is declared more than once: by testapp.One and testapp.Two.")


@isolate_apps("tests.testapp")
def test_a_row_that_refers_to_a_document_is_found(monkeypatch, settings):
    class Invoice(models.Model):
        author = models.ForeignKey(Author, on_delete=models.CASCADE)

        class Meta:
            app_label = "testapp"

    monkeypatch.setattr(checks, "apps", Invoice._meta.apps)
    assert checks.check_references() == []  # there is no database for its table
    monkeypatch.setattr(
        connections, "settings", {**connections.settings, "sql": {**SQLITE, "NAME": ":memory:"}}
    )
    [(id, message, _)] = found(checks.check_references())
    assert id == "mongo_contrib.E005"
    assert "testapp.Invoice.author" in message
    assert "the document testapp.Author" in message


def test_a_schema_that_is_not_as_declared_is_found(connection, declare):
    declare(*(CollectionSpec(f"another_{n}", source=f"x.A{n}") for n in range(5)))
    [(id, message, hint)] = found(compared(connection))
    assert id == "mongo_contrib.W002"
    assert message == (
        "DATABASES['default'] is not as declared: Create collection another_0 (x.A0); Create "
        "collection another_1 (x.A1); Create collection another_2 (x.A2); and 2 more."
    )
    assert hint == "Run `manage.py migrate --database default`."


def test_what_the_server_lacks_is_found_with_who_needs_it(connection, declare, monkeypatch):
    lacking = {**connection.server.features, "text_index": False, "index_collation": False}
    monkeypatch.setattr(connection.server, "features", lacking)
    connection.database["another"].insert_one({})
    text = IndexSpec((("title", "text"),), "search", needs="text_index")
    unique = IndexSpec((("name", 1),), "once", {"unique": True}, needs="index_collation")
    declare(CollectionSpec("another", (text, unique), source="library.Book"))
    messages = found(compared(connection))
    assert [id for id, _, _ in messages] == ["mongo_contrib.W003", "mongo_contrib.E007"]
    for (_, message, _), feature in zip(messages, ("text_index", "index_collation"), strict=True):
        assert "another (library.Book)" in message
        assert f"this server lacks {feature}; use a server that has it" in message


def test_django_runs_them(connection, declare, capsys):
    declare(CollectionSpec("another"))
    call_command("check", databases=["default"])
    assert "mongo_contrib.W002" in capsys.readouterr().err
    registered = django_checks.registry.registry.get_checks()
    for check in (
        checks.check_databases_setting,
        checks.check_router,
        checks.check_collections,
        checks.check_references,
        checks.check_sql_models,
    ):
        assert check in registered


@pytest.fixture
def isolated():
    with isolate_apps("tests.testapp") as isolated:
        yield isolated


def test_names_of_indexes_differ_within_a_collection(isolated):
    class Dated(Document):
        at = models.DateTimeField()

        class Meta:
            app_label = "testapp"
            abstract = True
            indexes = (models.Index(fields=["at"]),)
            constraints = (models.UniqueConstraint(fields=["at"], name="once"),)

    class Letter(Dated):
        class Meta(Dated.Meta):
            app_label = "testapp"
            abstract = False

    class Parcel(Dated):
        class Meta(Dated.Meta):
            app_label = "testapp"
            abstract = False

    assert {str(model._meta.indexes[0].name) for model in (Letter, Parcel)} == {"at_1"}

    def ids():
        messages = django_checks.run_checks(isolated.get_app_configs(), tags=["models"])
        return {message.id for message in messages}

    assert not ids()

    class Telegram(Dated):
        class Meta(Dated.Meta):
            app_label = "testapp"
            abstract = False
            db_table = Letter._meta.db_table

    assert ids() == {"models.E030", "models.E032"}
