"""FileField and ImageField of documents and embedded documents, over GridFS."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.core import serializers
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.forms import modelform_factory
from PIL import Image

from mongo_contrib.db import get_connection
from mongo_contrib.storage import GridFSStorage
from mongo_contrib.test import CaptureCommands
from tests.testapp.models import Folder, Scan

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def storage(settings):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "mongo_contrib.storage.GridFSStorage",
            "OPTIONS": {"base_url": "/media/"},
        },
    }
    assert isinstance(storages["default"], GridFSStorage)
    return storages["default"]


def image(name="a.png", size=(4, 3)):
    file = BytesIO()
    Image.new("RGB", size).save(file, "PNG")
    return SimpleUploadedFile(name, file.getvalue(), "image/png")


def stored_files():
    return sorted(file["filename"] for file in get_connection().database["fs.files"].find())


def test_an_upload_is_stored_with_the_document(storage):
    folder = Folder(file=SimpleUploadedFile("a.txt", b"content"))
    assert stored_files() == []
    folder.save()
    assert stored_files() == ["files/a.txt"]
    assert Folder.objects.collection.find_one()["file"] == "files/a.txt"
    read = Folder.objects.get(file="files/a.txt")
    assert (read.file.read(), read.file.size, read.file.url) == (
        b"content",
        7,
        "/media/files/a.txt",
    )
    with CaptureCommands() as sent:
        read.save()
    assert not len(sent)


def test_a_file_is_replaced_and_deleted():
    folder = Folder.objects.create(file=SimpleUploadedFile("a.txt", b"one"))
    folder.file.save("b.txt", ContentFile(b"two"))
    assert Folder.objects.get().file.read() == b"two"
    # As with Django's other storages, what was replaced is the project's to delete.
    assert stored_files() == ["files/a.txt", "files/b.txt"]
    folder.file.delete()
    assert Folder.objects.get().file.name == ""
    assert not Folder.objects.get().file
    assert stored_files() == ["files/a.txt"]


def test_an_image_knows_its_size_without_being_opened():
    folder = Folder.objects.create(image=image())
    assert (folder.width, folder.height) == (4, 3)
    stored = Folder.objects.collection.find_one()
    assert (stored["image"], stored["width"], stored["height"]) == ("images/a.png", 4, 3)
    with CaptureCommands() as sent:
        read = Folder.objects.get()
        assert (read.width, read.height) == (4, 3)
    assert sent.names == ["find"]
    read.image = image("b.png", (7, 8))
    assert (read.width, read.height) == (7, 8)
    read.save()
    assert Folder.objects.get(width=7).image.height == 8
    read.image.delete()
    assert (Folder.objects.get().width, Folder.objects.get().height) == (None, None)


def test_files_inside_embedded_documents():
    folder = Folder(
        scan=Scan(file=SimpleUploadedFile("s.txt", b"scan"), note="one"),
        scans=[Scan(file=SimpleUploadedFile("t.txt", b"more"))],
    )
    folder.save()
    assert stored_files() == ["scans/s.txt", "scans/t.txt"]
    read = Folder.objects.get(scan__file="scans/s.txt")
    assert read.scan.file.read() == b"scan"
    assert read.scans[0].file.read() == b"more"
    with CaptureCommands() as sent:
        read.save()
    assert "update" not in sent.names
    read.scan.file.save("u.txt", ContentFile(b"new"), save=False)
    read.scans[0].file.delete(save=False)
    read.save()
    again = Folder.objects.get()
    assert again.scan.file.read() == b"new"
    assert not again.scans[0].file


def test_a_form_uploads_keeps_and_clears():
    Form = modelform_factory(Folder, fields=["name", "file", "image", "scan"])
    form = Form(
        {"name": "x", "scan-note": "n"},
        {
            "file": SimpleUploadedFile("a.txt", b"one"),
            "image": image(),
            "scan-file": SimpleUploadedFile("s.txt", b"scan"),
        },
    )
    assert form.is_valid(), form.errors
    folder = form.save()
    assert folder.scan.file.name == "scans/s.txt"
    assert Folder.objects.get().image.width == 4
    form = Form({"name": "y", "scan-note": "n"}, {}, instance=Folder.objects.get())
    form.save()
    read = Folder.objects.get()
    assert (read.name, read.file.read(), read.scan.file.read()) == ("y", b"one", b"scan")
    Form({"name": "y", "file-clear": "on", "scan-note": "n"}, {}, instance=read).save()
    assert not Folder.objects.get().file
    wrong = Form({}, {"image": SimpleUploadedFile("a.png", b"no image")})
    assert "image" in wrong.errors


@pytest.mark.parametrize("format", ["json", "xml"])
def test_fixtures_name_the_files(format):
    folder = Folder.objects.create(
        file=SimpleUploadedFile("a.txt", b"one"),
        scan=Scan(file=SimpleUploadedFile("s.txt", b"scan")),
        scans=[Scan(note="no file")],
    )
    before = Folder.objects.collection.find_one()
    text = serializers.serialize(format, [Folder.objects.get()])
    folder.delete()
    assert len(stored_files()) == 2
    for loaded in serializers.deserialize(format, text):
        loaded.save()
    assert Folder.objects.collection.find_one() == before
    assert Folder.objects.get().scan.file.read() == b"scan"


def test_files_of_many_documents_are_created_in_bulk():
    Folder.objects.bulk_create(
        [Folder(file=SimpleUploadedFile(f"{n}.txt", b"x")) for n in range(3)]
    )
    assert stored_files() == ["files/0.txt", "files/1.txt", "files/2.txt"]
    assert Folder.objects.get(file="files/1.txt").file.read() == b"x"
