"""Fields of every kind in the stock admin."""

from __future__ import annotations

import datetime
from decimal import Decimal
from uuid import UUID

import pytest
from bson import ObjectId, Regex
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import path

from mongo_contrib.admin import EmbeddedTabularInline, MongoAdminSite, MongoModelAdmin
from mongo_contrib.test import CaptureCommands
from tests.testapp.models import (
    Anything,
    Folder,
    Game,
    Invoice,
    Measured,
    Measures,
    Player,
    Ranking,
    Scan,
    Site,
)

ID = ObjectId("650000000000000000000001")
RING = [(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 0.0)]

site = MongoAdminSite()


class ScanInline(EmbeddedTabularInline):
    model = Scan
    extra = 1


class PlayerInline(EmbeddedTabularInline):
    model = Player
    extra = 0


class FolderAdmin(MongoModelAdmin):
    inlines = [ScanInline]


class RankingAdmin(MongoModelAdmin):
    inlines = [PlayerInline]


class InvoiceAdmin(MongoModelAdmin):
    list_display = ["number", "text", "title"]
    readonly_fields = ["number"]
    search_fields = ["text"]
    list_filter = ["serial"]


site.register([Anything, Game, Measured, Site], MongoModelAdmin, list_display=["pk", "__str__"])
site.register(Folder, FolderAdmin)
site.register(Invoice, InvoiceAdmin)
site.register(Ranking, RankingAdmin)

urlpatterns = [path("admin/", site.urls)]


@pytest.fixture(autouse=True)
def admin_urls(settings):
    settings.ROOT_URLCONF = __name__


def documents():
    return [
        Anything(
            value=Regex("a"), data={"id": ID, "a.b": 1}, map={"x": ID}, list=[1], json={"a": 1}
        ),
        Game(
            name="x",
            scores={"alice": 3},
            prices={"a": Decimal("1.50")},
            players={"b": Player(name="Bob", born=datetime.date(2020, 1, 2))},
            moves={"x": ["up"]},
            rounds={"1": {"y": 2}},
            teams={"red": [Player(name="Cid")]},
            log=[{"at": ID}],
        ),
        Measured(
            amount=Decimal("1.50"),
            moment=datetime.datetime(2026, 1, 2, 3, 4, 5, 0, datetime.UTC),
            duration=datetime.timedelta(hours=1, microseconds=5),
            uuid=UUID("12345678123456781234567812345678"),
            amounts=[Decimal("2.00")],
            moments=[datetime.datetime(2026, 1, 2, 3, 4, 5, 0, datetime.UTC)],
            inside=Measures(amount=Decimal("3.00"), day=datetime.date(2026, 1, 2)),
        ),
        Ranking(
            few=[1, 2], numbers=[1, 2], events=[{"at": {"year": 1}}], players=[Player(name="a")]
        ),
        Site(point=(1.5, 2.0), line=[(0.0, 0.0), (1.0, 1.0)], area=[RING], areas=[[RING]]),
        Invoice(title="x"),
        Folder(name="x", scans=[Scan(note="n")]),
    ]


@pytest.mark.parametrize("number", range(7), ids=lambda n: type(documents()[n]).__name__)
def test_a_form_sent_as_it_is_changes_nothing(client, form_of, change_url, number):
    document = documents()[number]
    document.save()
    collection = type(document).objects.collection
    before = collection.find_one()
    url = change_url(document)
    data = form_of(url)
    with CaptureCommands() as sent:
        response = client.post(url, data)
    assert response.status_code == 302, response.context["errors"]
    assert "update" not in sent.names, str(sent)
    assert collection.find_one() == before
    listed = client.get(f"/admin/testapp/{document._meta.model_name}/")
    assert listed.status_code == 200
    assert "No fields changed." in client.get(change_url(document, "history")).content.decode()


def test_documents_are_added(client, form_of):
    url = "/admin/testapp/game/add/"
    data = {**form_of(url), "scores": '{"alice": 3}', "log": '[{"id": {"$oid": "%s"}}]' % ID}  # noqa: UP031
    assert client.post(url, data).status_code == 302
    game = Game.objects.get()
    assert (game.scores, game.log) == ({"alice": 3}, [{"id": ID}])


@pytest.mark.parametrize(
    ("model", "name", "value", "message"),
    [
        ("game", "scores", '{"alice": "x"}', "Key “alice”: “x” value must be an integer."),
        ("game", "scores", "{", "“{” is not valid JSON."),
        ("anything", "data", "[1]", "is not a document"),
        ("site", "area", "[[[0, 0], [1, 1], [0, 0]]]", "at least 4 positions"),
        ("ranking", "few", "1", "there must be at least 2"),
    ],
)
def test_errors_stand_beside_the_fields(client, form_of, errors_of, model, name, value, message):
    url = f"/admin/testapp/{model}/add/"
    (error,) = errors_of(client.post(url, {**form_of(url), name: value}))[0].split("\n")
    assert message in error


def test_sequences_are_shown_found_and_never_asked_for(client, form_of, change_url):
    url = "/admin/testapp/invoice/add/"
    data = form_of(url)
    assert not {"number", "serial", "text"} & data.keys()
    for title in ("a", "b"):
        assert client.post(url, {**data, "title": title}).status_code == 302
    page = client.get("/admin/testapp/invoice/?q=INV-00002").content.decode()
    assert "INV-00002" in page and "INV-00001" not in page
    assert client.get("/admin/testapp/invoice/?serial=110").context["cl"].result_count == 1


def test_files_are_uploaded_in_forms_and_inlines(client, form_of, change_url, settings):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "mongo_contrib.storage.GridFSStorage"},
    }
    url = "/admin/testapp/folder/add/"
    data = {
        **form_of(url),
        "name": "x",
        "file": SimpleUploadedFile("a.txt", b"one"),
        "scan-file": SimpleUploadedFile("s.txt", b"scan"),
        "scans-0-file": SimpleUploadedFile("t.txt", b"more"),
    }
    response = client.post(url, data)
    assert response.status_code == 302, response.context["errors"]
    folder = Folder.objects.get()
    assert folder.file.read() == b"one"
    assert folder.scan.file.read() == b"scan"
    assert folder.scans[0].file.read() == b"more"
    url = change_url(folder)
    data = {**form_of(url), "file-clear": "on"}
    assert client.post(url, data).status_code == 302
    folder = Folder.objects.get()
    assert not folder.file
    assert folder.scans[0].file.read() == b"more"
