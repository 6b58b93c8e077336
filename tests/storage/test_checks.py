"""The checks of the settings, and what `migrate` is told to make."""

import re

import pytest
from django.apps import apps

from mongo_contrib.storage.checks import check_storages

BACKEND = "mongo_contrib.storage.GridFSStorage"


@pytest.fixture
def configure(settings):
    """Put one GridFSStorage with these options into STORAGES."""

    def configure(**options):
        settings.STORAGES = {
            "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
            "photos": {"BACKEND": BACKEND, "OPTIONS": options},
        }

    return configure


def test_good_options_are_fine(configure):
    configure(alias="default", bucket="photos", location="a/b", chunk_size=1024)
    assert check_storages(None) == []


def test_an_alias_that_is_not_there(configure):
    configure(alias="nowhere")
    (message,) = check_storages(None)
    assert message.id == "mongo_storage.E001"
    assert message.msg == "STORAGES['photos'] has the alias 'nowhere', which is not in DATABASES."


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"bucket": "a$b"}, "cannot be made: A bucket is the start of two collections' names"),
        ({"chunk_size": 0}, "cannot be made: chunk_size is a number of bytes"),
        ({"location": "../up"}, "cannot be made: Detected path traversal attempt"),
        ({"max_size": "1 MB"}, "cannot be made: max_size is a number of bytes above 0"),
        ({"allowed_content_types": "a/b"}, "cannot be made: allowed_content_types is a list"),
        ({"compression": "zip"}, "cannot be made: .*unexpected keyword argument 'compression'"),
    ],
)
def test_options_that_cannot_be(configure, options, sentence):
    configure(**options)
    (message,) = check_storages(None)
    assert message.id == "mongo_storage.E002"
    assert message.msg.startswith("STORAGES['photos'] cannot be made: ")
    assert re.search(sentence, message.msg)


def test_a_bucket_that_is_that_of_thumbnails(settings):
    options = {
        "default": {},
        "mine": {"bucket": "fs.thumbnails"},
        "own": {"bucket": "a.thumbnails"},
    }
    settings.STORAGES = {
        name: {"BACKEND": BACKEND, "OPTIONS": each} for name, each in options.items()
    }
    (message,) = check_storages(None)
    assert message.id == "mongo_storage.E013"
    assert message.msg.startswith("STORAGES['mine'] has the bucket 'fs.thumbnails', in which ")


def test_the_collections_of_configured_buckets_are_declared(configure):
    configure(bucket="photos")
    config = apps.get_app_config("mongo_storage")
    specs = {spec.name: spec for spec in config.mongo_collections("default")}
    assert set(specs) >= {"photos.files", "photos.chunks"}
    unique = [index.paths for index in specs["photos.files"].indexes if index.unique]
    assert unique == [("filename",)]
    assert config.mongo_collections("other") == []


def test_the_first_write_makes_the_same_indexes(configure, db, database):
    from django.core.files.base import ContentFile
    from django.core.files.storage import storages

    configure(bucket="fresh")
    storages["photos"].save("a.txt", ContentFile(b"1"))
    config = apps.get_app_config("mongo_storage")
    for spec in config.mongo_collections("default"):
        if spec.name in ("fresh.files", "fresh.chunks", "fresh.replaced"):
            there = set(database[spec.name].index_information())
            assert there >= {index.name for index in spec.indexes}
