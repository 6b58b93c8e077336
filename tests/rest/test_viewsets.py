"""What a visitor of the API can do, and what nobody can make it do."""

import json
import threading

import pytest
from bson import ObjectId
from django.core.exceptions import ValidationError
from django.db import connections
from django.db.models.signals import pre_save
from rest_framework.test import APIClient

from mongo_contrib.exceptions import QueryTimeout
from mongo_contrib.rest import DocumentViewSet
from mongo_contrib.test import CaptureCommands
from tests.testapp.models import Address, Author, Book, Every, Loan, Publisher, Remark, Ticket

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.rest.urls")]


def url(document, prefix=None):
    return f"/{prefix or document._meta.model_name + 's'}/{document.pk}/"


def updates(commands):
    """What the commands told the server to change."""
    return [event.command["updates"][0]["u"] for event in commands if event.name == "update"]


# Create, read, update, delete


def test_a_document_is_created_read_changed_and_deleted(api):
    made = api.post("/authors/", {"name": "Ann", "email": None})
    assert made.status_code == 201
    key = made.json()["id"]
    assert ObjectId.is_valid(key)
    assert api.get(f"/authors/{key}/").json() == {"id": key, "name": "Ann", "email": None}
    assert api.put(f"/authors/{key}/", {"name": "Eve"}).status_code == 200
    assert api.get("/authors/").json()["results"] == [{"id": key, "name": "Eve", "email": None}]
    assert api.delete(f"/authors/{key}/").status_code == 204
    assert api.get(f"/authors/{key}/").status_code == 404
    assert not Author.objects.exists()


def test_the_key_that_a_visitor_sends_is_ignored(api):
    mine = str(ObjectId())
    made = api.post("/authors/", {"id": mine, "_id": mine, "pk": mine, "name": "Ann"})
    assert made.status_code == 201
    assert made.json()["id"] != mine


def test_a_key_that_is_declared_is_chosen_once(api):
    ticket = {"code": "A1", "expires": "2030-01-01T00:00:00Z"}
    assert api.post("/tickets/", ticket).status_code == 201
    assert api.post("/tickets/", ticket).json() == {
        "code": ["ticket with this code already exists."]
    }
    assert api.put("/tickets/A1/", ticket).status_code == 200
    refused = api.put("/tickets/A1/", {**ticket, "code": "B2"})
    assert refused.status_code == 400
    assert "A1" in refused.json()["code"][0]
    assert list(Ticket.objects.values_list("code", flat=True)) == ["A1"]


def test_patch_sends_only_what_changed(api, book):
    with CaptureCommands() as commands:
        response = api.patch(url(book), {"title": "Momo", "pages": 301})
    assert response.status_code == 200
    assert updates(commands) == [{"$set": {"pages": 301}}]
    assert response.json()["tags"] == ["time"]


def test_patch_of_nothing_writes_nothing(api, book):
    with CaptureCommands() as commands:
        assert api.patch(url(book), {}).status_code == 200
    assert updates(commands) == []


def test_patch_within_an_embedded_document_sends_only_its_part(api):
    publisher = Publisher.objects.create(
        name="Piper", home=Address(street="Georgenstr. 4", city="Munich", zip_code="80799")
    )
    with CaptureCommands() as commands:
        response = api.patch(url(publisher), {"home": {"city": "Berlin"}})
    assert response.json()["home"]["street"] == "Georgenstr. 4"
    assert updates(commands) == [{"$set": {"home.town": "Berlin"}}]


def test_put_replaces_a_list_of_embedded_documents(api, book):
    response = api.patch(
        url(book), {"remarks": [{"author": "Eve"}, {"author": "Bob", "stars": 3}]}
    )
    assert [r["author"] for r in response.json()["remarks"]] == ["Eve", "Bob"]
    assert Book.objects.get(pk=book.pk).remarks[1] == Remark(author="Bob", stars=3)


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_a_key_that_is_none_is_not_found(api, book, method):
    for key in ("nope", "0" * 23, "0" * 24, "%00", "$ne", '{"$ne": 1}', "é", "1" * 500):
        assert getattr(api, method)(f"/books/{key}/").status_code == 404, key
    assert Book.objects.count() == 1


def test_what_others_refer_to_stays_and_the_answer_says_so(api, book):
    publisher = Publisher.objects.create(name="Piper")
    Book.objects.create(title="Other", publisher=publisher)
    Loan.objects.create(book=book)
    assert api.delete(url(publisher)).status_code == 409
    refused = api.delete(url(book))
    assert refused.status_code == 409
    assert "Book" in refused.json()["detail"]
    assert Book.objects.count() == 2


def test_deletion_follows_on_delete(api, ann, book):
    assert api.delete(url(ann)).status_code == 204
    assert not Book.objects.exists()


# Duplicates


def test_a_duplicate_names_the_field(api):
    Publisher.objects.create(name="Piper")
    refused = api.post("/publishers/", {"name": "Piper"})
    assert refused.status_code == 400
    assert refused.json() == {"name": ["publisher with this name already exists."]}


def test_a_document_is_no_duplicate_of_itself(api):
    publisher = Publisher.objects.create(name="Piper")
    assert api.put(url(publisher), {"name": "Piper"}).status_code == 200


def test_many_documents_can_lack_what_is_unique(api):
    assert api.post("/authors/", {"name": "Ann", "email": None}).status_code == 201
    assert api.post("/authors/", {"name": "Bob"}).status_code == 201


def test_a_duplicate_under_a_condition_names_the_fields(api):
    publisher = Publisher.objects.create(name="Piper")
    book = {"title": "Momo", "publisher": str(publisher.pk), "pages": 300}
    assert api.post("/books/", book).status_code == 201
    assert api.post("/books/", {**book, "pages": 50}).status_code == 201
    refused = api.post("/books/", book)
    assert refused.status_code == 400
    assert refused.json() == {
        "non_field_errors": ["The fields title, publisher must make a unique set."]
    }


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_gets_the_error_of_the_field():
    # Both have been validated, and neither has written, when they meet here.
    barrier = threading.Barrier(2, timeout=30)
    answers = []

    def meet(sender, **kwargs):
        barrier.wait()

    def post():
        client = APIClient(raise_request_exception=False)
        answers.append(client.post("/publishers/", {"name": "Piper"}, format="json"))
        connections.close_all()

    pre_save.connect(meet, sender=Publisher)
    try:
        threads = [threading.Thread(target=post) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        pre_save.disconnect(meet, sender=Publisher)
    assert sorted(answer.status_code for answer in answers) == [201, 400]
    (refused,) = (answer for answer in answers if answer.status_code == 400)
    assert refused.json() == {"name": ["publisher with this name already exists."]}
    assert Publisher.objects.count() == 1


# Hostile input

OPERATOR = {"$ne": 1}
EVERY_FIELD = sorted(
    field.name for field in Every._meta.fields if field.name not in ("id", "json", "data")
)


@pytest.mark.parametrize(
    "value",
    [
        OPERATOR,
        [OPERATOR],
        [[OPERATOR]],
        {"$gt": ""},
        {"a": {"$where": "1"}},
        {"": ""},
        {"a.b": 1, "$set": {"x": 1}},
        {"type": "Point", "coordinates": OPERATOR},
        {"type": "Point", "coordinates": [OPERATOR, 1]},
        {"city": OPERATOR},
        [{"author": OPERATOR}],
        {"1": 1, "2": 2},
        [True, False],
        {"city": "a\0b"},
        "a\0b",
        ["a\0b"],
        "\ud800",
        10**400,
        -(10**400),
        [10**30, 10**30],
        [2**70],
        2**63,
        float("1e308") * 10,
        "x" * 5000,
        True,
    ],
    ids=lambda value: json.dumps(value)[:30],
)
def test_a_hostile_value_is_refused_or_stored_as_a_value(api, value):
    for field in EVERY_FIELD:
        body = json.dumps({field: value}).replace("Infinity", "1e400")
        response = api.post("/every/", body, content_type="application/json")
        if response.status_code == 400:
            assert response.json().keys() == {field}
            assert not Every.objects.exists()
            continue
        assert response.status_code == 201, field
        # What was taken can be read again, and is no document where a scalar belongs.
        assert api.get("/every/").json()["results"] == [response.json()]
        stored = Every.objects.collection.find_one_and_delete({})
        assert "$" not in json.dumps(stored, default=str)
        assert "\0" not in str(stored)


@pytest.mark.parametrize("value", [OPERATOR, {"a.b": 1}, {"": {"$set": [OPERATOR]}}, [OPERATOR]])
def test_operators_in_a_field_of_json_are_only_text(api, value):
    made = api.post("/every/", {"json": value})
    assert made.status_code == 201
    assert made.json()["json"] == value
    document = url(Every.objects.get(), "every")
    changed = api.patch(document, {"json": {"before": value}})
    assert changed.status_code == 200
    again = api.patch(document, {"json": {"before": value, "$inc": 1, "c.d": 2}})
    assert again.status_code == 200
    assert api.get(document).json()["json"] == {"before": value, "$inc": 1, "c.d": 2}


@pytest.mark.parametrize(
    "value",
    [{"a\0b": 1}, {"a": 2**64}, {"a": "\ud800"}, 2**64, {"$a\0": OPERATOR}],
    ids=lambda value: ascii(value)[:30],
)
def test_json_that_bson_cannot_hold_is_refused(api, value):
    response = api.post("/every/", json.dumps({"json": value}), content_type="application/json")
    assert response.status_code == 400
    assert not Every.objects.exists()


@pytest.mark.parametrize("depth", [99, 101, 200, 900, 5_000, 200_000])
@pytest.mark.parametrize("inside", ["json", "numbers", "unknown"])
def test_what_is_nested_too_deeply_is_refused(api, depth, inside):
    nested = "[" * depth + "]" * depth
    response = api.post("/every/", f'{{"{inside}": {nested}}}', content_type="application/json")
    assert response.status_code in ((201, 400) if depth < 100 else (400,))
    assert not isinstance(response.json(), str)


def test_what_is_nested_too_deeply_in_a_form_is_refused(api):
    response = api.post("/every/", {"json": "[" * 100_000}, format="multipart")
    assert response.status_code == 400


def test_a_body_that_is_no_object_is_refused(api):
    for body in (b"", b"{", b"[]", b"null", b"1", b'"x"', b"[{}]", b'{"a":NaN}', b"\0", b"\xff"):
        response = api.post("/publishers/", body, content_type="application/json")
        assert response.status_code == 400, body
        assert isinstance(response.json(), dict)


def test_a_body_of_another_type_is_refused(api):
    response = api.post("/publishers/", b"<name/>", content_type="text/xml")
    assert response.status_code == 415
    assert "detail" in response.json()


def test_unknown_fields_are_ignored_as_the_framework_does(api):
    sent = {"name": "A", "$set": OPERATOR, "_id": 1, "home": {"city": "B", "$x": 1}}
    made = api.post("/publishers/", sent)
    assert made.status_code == 201
    assert Publisher.objects.collection.find_one({}, {"_id": 0}) == {
        "name": "A",
        "home": {"street": "", "town": "B"},
    }


HOSTILE_QUERIES = [
    "author[$ne]=1",
    "author=%7B%22$ne%22:1%7D",
    "author=%00",
    "id=nope",
    "id__in=nope,,%00",
    "pages=1e400",
    "pages=9223372036854775808",
    "pages__gt=99999999999999999999999",
    "pages__range=1",
    "pages__range=9e40,9e41",
    "published__year=0",
    "published__year=99999",
    "published=%00",
    "title=$where",
    "tags=%00",
    "tags[]=a&tags[]=b",
    "search=%00",
    "search=(",
    "search=" + "x" * 400,
    "search=" + "a " * 200,
    "ordering=$where,-__proto__,\0",
    "ordering=_id",
    "page=1e400",
    "page=99999999999999999999999",
    "page=-1",
    "page[$gt]=1",
    "limit=99999999999999999999&offset=99999999999999999999",
    "cursor=%00",
    "$where=sleep(1000)",
    "%24expr=1",
    "remarks__author=%7B%22$gt%22:%22%22%7D",
    "remarks__address__city__startswith=.*",
]


@pytest.mark.parametrize("prefix", ["books", "filtered", "slices", "cursors"])
def test_a_hostile_query_never_fails_and_finds_nothing_more(api, book, prefix):
    for query in HOSTILE_QUERIES:
        response = api.get(f"/{prefix}/?{query}")
        assert response.status_code in (200, 400, 404), query
        # The framework's own answer, no page of Django's.
        assert response.json() is not None
    injected = '{"$ne": 1}'
    for name in ("tags", "remarks__author", "search"):
        assert api.get("/books/", {name: injected}).json()["results"] == []


def test_the_server_may_spend_only_so_long_on_a_query(api, book, settings):
    settings.MONGO_REST_MAX_TIME_MS = 1234
    with CaptureCommands() as commands:
        assert api.get("/slices/").status_code == 200
        assert api.get(url(book)).status_code == 200
    assert {event.command.get("maxTimeMS") for event in commands} == {1234}


def test_a_query_that_takes_too_long_is_no_error_of_the_site(api, db, monkeypatch):
    def too_long(self, queryset):
        raise QueryTimeout("operation exceeded time limit")

    monkeypatch.setattr(DocumentViewSet, "filter_queryset", too_long)
    answer = api.get("/books/")
    assert answer.status_code == 503
    assert "detail" in answer.json()


def test_what_a_class_refuses_to_save_is_an_error_of_the_field(api):
    def refuse(sender, instance, **kwargs):
        raise ValidationError({"name": "Not this one."})

    pre_save.connect(refuse, sender=Publisher)
    try:
        refused = api.post("/publishers/", {"name": "Piper"})
    finally:
        pre_save.disconnect(refuse, sender=Publisher)
    assert refused.status_code == 400
    assert refused.json() == {"name": ["Not this one."]}


# What the framework brings


def test_options_describe_the_fields(api):
    response = api.options("/books/")
    assert response.status_code == 200
    fields = response.json()["actions"]["POST"]
    assert fields["id"]["read_only"]
    assert fields["title"] == {
        "type": "string",
        "required": True,
        "read_only": False,
        "label": "Title",
        "max_length": 200,
    }
    assert fields["tags"]["child"]["max_length"] == 30
    assert fields["remarks"]["child"]["children"]["address"]["children"]["city"]["required"]


@pytest.mark.parametrize("path", ["", "?search=Mo&ordering=-title", "?format=api&author=x"])
def test_the_browsable_api_shows_lists_with_forms(api, book, path):
    response = api.get(f"/books/{path}", HTTP_ACCEPT="text/html")
    page = response.content.decode()
    assert response["Content-Type"].startswith("text/html")
    assert 'name="title"' in page
    assert "Momo" in page or response.status_code == 400


def test_the_browsable_api_shows_each_kind_of_field(api):
    Every.objects.create(
        json={"a": [1]},
        point=(13.4, 52.5),
        numbers=[1],
        home=Address(city="Ulm"),
        remarks=[Remark(author="Ann", address=Address(city="Bonn"))],
        reference=ObjectId(),
    )
    for path in ("/every/", url(Every.objects.get(), "every")):
        page = api.get(path, HTTP_ACCEPT="text/html").content.decode()
        assert 'name="home.city"' in page
    assert "Ulm" in page


def test_a_form_of_the_browsable_api_can_be_sent(api):
    sent = {
        "name": "Piper",
        "founded": "",
        "home.street": "",
        "home.city": "",
        "home.zip_code": "",
    }
    assert api.post("/publishers/", sent, format="multipart").status_code == 201
    publisher = Publisher.objects.get()
    assert (publisher.name, publisher.home) == ("Piper", None)
    sent["home.city"] = "Munich"
    response = api.put(url(publisher), sent, format="multipart")
    assert response.status_code == 200
    assert response.json()["home"]["city"] == "Munich"


def test_a_point_can_be_sent_back_by_the_form_that_showed_it(api):
    every = Every.objects.create(point=(13.4, 52.5))
    sent = {"point": '{"type": "Point", "coordinates": [13.5, 52.5]}'}
    assert api.put(url(every, "every"), sent, format="multipart").status_code == 200
    assert Every.objects.get().point == (13.5, 52.5)


def test_a_view_set_is_made_of_a_class_alone():
    made = DocumentViewSet.of(Book, search_fields=["title"])
    assert (made.__name__, made.search_fields, made.queryset.model) == (
        "BookViewSet",
        ["title"],
        Book,
    )
