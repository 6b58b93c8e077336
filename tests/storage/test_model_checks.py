"""What is wrong with a class of files, told at start-up."""

import pytest
from django.db import models
from django.test.utils import isolate_apps

from mongo_contrib.storage.checks import check_storages
from mongo_contrib.storage.models import AbstractFileDocument, FileDocument

GRIDFS = "mongo_contrib.storage.GridFSStorage"


@pytest.fixture(autouse=True)
def storages(settings):
    settings.STORAGES = {
        "default": {"BACKEND": GRIDFS},
        "photos": {"BACKEND": GRIDFS, "OPTIONS": {"bucket": "photos"}},
        "memory": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    }


@pytest.fixture
def found():
    """``found(db_table="photos.files")`` is what the check of such a class says."""

    def found(storage=None, field=None, **meta):
        with isolate_apps("mongo_contrib.storage"):
            options = type("Meta", (), {"app_label": "mongo_storage", **meta})
            attrs = {"__module__": "mongo_contrib.storage.models", "Meta": options}
            attrs |= {"storage": storage} if storage else {}
            attrs |= {"extra": field} if field else {}
            messages = type(AbstractFileDocument)("Scan", (AbstractFileDocument,), attrs).check()
        return [(each.id, each.msg) for each in messages]

    return found


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"storage": "photos"},
        {"db_table": "photos.files"},
        {"storage": "photos", "db_table": "photos.files"},
        {"db_table": "others.files"},
    ],
)
def test_one_bucket_by_either_name(found, options):
    assert found(**options) == []
    assert FileDocument.check() == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"db_table": "photos"}, "of no bucket's files"),
        ({"storage": "nowhere"}, "has no storage: .*nowhere"),
        ({"storage": "memory"}, "has no storage: .*InMemoryStorage"),
        ({"storage": "photos", "db_table": "fs.files"}, "'fs.files', and .* bucket 'photos'"),
    ],
)
def test_no_bucket_or_two(found, options, sentence):
    import re

    ((id, message),) = found(**options)
    assert id == "mongo_storage.E011"
    assert re.search(sentence, message)


@pytest.mark.parametrize("column", ["album", "metadata", "metadata.a.b", "length"])
def test_fields_are_metadata(found, column):
    ids = [id for id, _ in found(field=models.CharField(max_length=9, db_column=column))]
    assert "mongo_storage.E012" in ids


def test_own_fields_need_no_column(found):
    assert found(field=models.CharField(max_length=9)) == []
    assert found(field=models.CharField(max_length=9, db_column="metadata.album")) == []


def test_thumbnails_without_pillow(settings, monkeypatch):
    settings.STORAGES = {
        "default": {"BACKEND": GRIDFS, "OPTIONS": {"thumbnails": {"small": (9, 9)}}}
    }
    assert check_storages(None) == []
    monkeypatch.setattr("mongo_contrib.storage.checks.lacking", lambda: "Pillow is not there.")
    (message,) = check_storages(None)
    assert (message.id, message.msg) == (
        "mongo_storage.W002",
        "STORAGES['default'] has thumbnails, which can't be made: Pillow is not there.",
    )


def test_sizes_that_cannot_be(settings):
    settings.STORAGES = {"default": {"BACKEND": GRIDFS, "OPTIONS": {"thumbnails": {"a": 5}}}}
    (message,) = check_storages(None)
    assert message.id == "mongo_storage.E002"
    assert "thumbnails['a'] is a pair of whole numbers" in message.msg
