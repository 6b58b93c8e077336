"""Which alias Django is told for documents, for SQL models, and for neither."""

import pytest
from django.contrib.auth.models import Group
from django.db import connections, router

from mongo_contrib.routers import DocumentRouter
from tests.testapp.models import Address, Author, Book

MONGO = {"ENGINE": "mongo_contrib.db"}
SQLITE = {"ENGINE": "django.db.backends.sqlite3"}
PROJECTS = {
    "alone": {"default": MONGO},
    "two": {"default": MONGO, "archive": MONGO},
    "mixed": {"default": SQLITE, "mongo": MONGO},
    "turned": {"default": MONGO, "sql": SQLITE, "other": SQLITE},
    "none": {"default": SQLITE},
}


@pytest.fixture
def project(monkeypatch):
    """Let DATABASES be one of PROJECTS, as far as the router looks."""

    def project(name):
        monkeypatch.setattr(connections, "settings", PROJECTS[name])
        return DocumentRouter()

    return project


@pytest.fixture
def archived(monkeypatch):
    monkeypatch.setattr(Book, "_using", "archive", raising=False)
    return Book


@pytest.mark.parametrize(
    ("name", "document", "row"),
    [
        ("alone", "default", None),
        ("two", "default", None),
        ("mixed", "mongo", None),
        ("turned", "default", "sql"),
    ],
)
def test_reading_and_writing(project, name, document, row):
    routes = project(name)
    for method in (routes.db_for_read, routes.db_for_write):
        assert method(Author) == document
        assert method(Group) == row


def test_a_class_may_name_its_alias(project, archived):
    routes = project("two")
    assert routes.db_for_read(archived) == "archive"
    assert routes.db_for_read(archived, instance=Author()) == "archive"


def test_a_related_document_is_looked_for_beside_the_one_at_hand(project):
    routes = project("two")
    near = Author()
    near._state.db = "archive"
    assert routes.db_for_read(Book, instance=near) == "archive"
    row = Group()
    row._state.db = "sql"
    assert project("turned").db_for_read(Book, instance=row) == "default"


@pytest.mark.parametrize(
    ("name", "alias", "document", "row"),
    [
        ("alone", "default", True, False),
        ("two", "default", True, False),
        ("two", "archive", False, False),
        ("mixed", "default", False, None),
        ("mixed", "mongo", True, False),
        ("turned", "default", True, False),
        ("turned", "sql", False, None),
        ("none", "default", False, None),
    ],
)
def test_what_a_database_may_hold(project, name, alias, document, row):
    routes = project(name)
    assert routes.allow_migrate(alias, "testapp", "author", model=Author) is document
    assert routes.allow_migrate(alias, "auth", "group", model=Group) is row
    assert routes.allow_migrate(alias, "testapp", "address", model=Address) is False


def test_a_class_belongs_to_its_alias_alone(project, archived):
    routes = project("two")
    assert routes.allow_migrate("archive", "testapp", "book", model=archived) is True
    assert routes.allow_migrate("default", "testapp", "book", model=archived) is False


def test_migrations_have_no_business_in_mongodb(project):
    """RunPython and RunSQL come without a model, checks of the history with its name only."""
    routes = project("mixed")
    assert routes.allow_migrate("mongo", "testapp") is False
    assert routes.allow_migrate("mongo", "testapp", "Author") is False
    assert routes.allow_migrate("default", "testapp") is None
    assert routes.allow_migrate("default", "testapp", "Author") is False
    assert routes.allow_migrate("default", "auth", "Group") is None
    assert routes.allow_migrate("default", "gone", "Gone") is None


def test_documents_refer_to_documents_only(project):
    routes = project("mixed")
    assert routes.allow_relation(Author(), Book()) is True
    assert routes.allow_relation(Author(), Group()) is False
    assert routes.allow_relation(Group(), Author()) is False
    assert routes.allow_relation(Group(), Group()) is None


def test_django_asks_it():
    assert router.db_for_write(Author) == "default"
    assert router.allow_migrate_model("default", Author) is True
    assert router.allow_migrate_model("default", Group) is False
