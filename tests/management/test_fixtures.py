"""dumpdata, loaddata and flush on documents."""

import datetime
import json
from decimal import Decimal
from io import StringIO

import pytest
from bson import ObjectId
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from tests.testapp.models import Address, Author, Book, Publisher, Remark


def dump(*args, **options):
    out = StringIO()
    call_command("dumpdata", *args, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def library(db):
    """Documents with everything that a fixture has to carry."""
    publisher = Publisher.objects.create(
        name="Åce & Søn", founded=datetime.date(1890, 1, 2), home=Address(city="Köln")
    )
    author = Author.objects.create(name="Ada", email="ada@example.com")
    Author.objects.create(name="Nobody")
    Book.objects.create(
        title='A "quoted" title',
        pages=12,
        price=Decimal("9.90"),
        added=datetime.datetime(2020, 2, 3, 4, 5, 6, 789000, tzinfo=datetime.UTC),
        tags=["x", "y"],
        remarks=[Remark(author="Bob", stars=3, address=Address(city="Rom"))],
        extra={"deep": [1, {"er": None}]},
        author=author,
        publisher=publisher,
    )
    Book.objects.create(title="Alone")


def stored(database):
    names = ("testapp_publisher", "testapp_author", "testapp_book")
    return {name: list(database[name].find().sort("_id")) for name in names}


@pytest.mark.parametrize("form", ["json", "jsonl", "xml"])
def test_what_was_dumped_can_be_loaded(library, database, tmp_path, form):
    before = stored(database)
    assert sum(map(len, before.values())) == 5
    path = tmp_path / f"library.{form}"
    path.write_text(dump("testapp", format=form))
    call_command("flush", interactive=False, verbosity=0)
    assert sum(map(len, stored(database).values())) == 0
    out = StringIO()
    call_command("loaddata", path, stdout=out)
    assert out.getvalue() == "Installed 5 object(s) from 1 fixture(s)\n"
    assert stored(database) == before


def test_loading_twice_changes_nothing(library, database, tmp_path):
    before = stored(database)
    path = tmp_path / "library.json"
    path.write_text(dump("testapp"))
    for _ in range(2):
        call_command("loaddata", path, verbosity=0)
    assert stored(database) == before


def test_a_dump_of_everything_has_documents_only(library):
    models = {one["model"] for one in json.loads(dump())}
    assert {"testapp.author", "testapp.book", "testapp.publisher"} <= models
    assert not models & {"auth.group", "contenttypes.contenttype", "testapp.address"}


def test_a_dump_may_be_of_one_class_or_of_some_documents(library):
    assert {one["model"] for one in json.loads(dump("testapp.Author"))} == {"testapp.author"}
    ada = Author.objects.get(name="Ada")
    [one] = json.loads(dump("testapp.Author", primary_keys=str(ada.pk)))
    assert one == {
        "model": "testapp.author",
        "pk": str(ada.pk),
        "fields": {"name": "Ada", "email": "ada@example.com"},
    }


def test_references_may_come_before_what_they_refer_to(db, tmp_path):
    author, book = ObjectId(), ObjectId()
    path = tmp_path / "backwards.json"
    fixture = [
        {
            "model": "testapp.book",
            "pk": str(book),
            "fields": {"title": "A", "author": str(author)},
        },
        {"model": "testapp.author", "pk": str(author), "fields": {"name": "Ada"}},
    ]
    path.write_text(json.dumps(fixture))
    call_command("loaddata", path, verbosity=0)
    assert Book.objects.get(pk=book).author.name == "Ada"


@pytest.mark.needs("transactions")
def test_a_fixture_is_loaded_as_a_whole_or_not_at_all(db, tmp_path):
    twice = [
        {"model": "testapp.author", "fields": {"name": name, "email": "same@example.com"}}
        for name in ("Ada", "Bob")
    ]
    path = tmp_path / "twice.json"
    path.write_text(json.dumps(twice))
    with pytest.raises(IntegrityError, match="email"):
        call_command("loaddata", path, verbosity=0)
    assert Author.objects.count() == 0


@pytest.mark.parametrize(
    "fields",
    [{"title": "A", "pages": "many"}, {"title": "A", "price": "dear"}, {"no_such_field": 1}],
)
def test_a_wrong_fixture_is_refused_by_its_name(db, tmp_path, fields):
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps([{"model": "testapp.book", "fields": fields}]))
    with pytest.raises(Exception, match=r"wrong\.json"):
        call_command("loaddata", path, verbosity=0)
    assert Book.objects.count() == 0


def test_flush_asks_first(library, database, monkeypatch):
    answers = iter(["no", "yes"])
    monkeypatch.setattr("builtins.input", lambda text: next(answers))
    out = StringIO()
    call_command("flush", stdout=out)
    assert "Flush cancelled." in out.getvalue()
    assert Author.objects.count() == 2
    call_command("flush", stdout=out)
    assert Author.objects.count() == 0
    assert "email_1" in database["testapp_author"].index_information()


def test_flush_without_a_server_says_so(alone):
    nowhere = alone(MONGODB_URI="mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200")
    output = nowhere("flush", "--noinput", code=1)
    assert "no MongoDB server answered in time: 127.0.0.1:9" in output


def test_an_unknown_app_is_refused(db):
    with pytest.raises(CommandError, match="No installed app with label 'nonsense'"):
        dump("nonsense")
