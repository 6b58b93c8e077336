"""Under Django's FileField and ImageField, of models that live in SQL or anywhere."""

from io import BytesIO

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.test.utils import isolate_apps

from mongo_contrib.storage import GridFSStorage


@pytest.fixture
def model(db):
    """A plain model, of which no test here touches the database of its rows."""
    with isolate_apps("mongo_contrib.storage"):

        class Photo(models.Model):
            file = models.FileField(storage=GridFSStorage(base_url="/media/"), upload_to="files")
            short = models.FileField(storage=GridFSStorage(), max_length=12)
            image = models.ImageField(
                storage=GridFSStorage(), width_field="width", height_field="height"
            )
            width = models.IntegerField(null=True)
            height = models.IntegerField(null=True)

            class Meta:
                app_label = "mongo_storage"

        yield Photo


def test_a_field_saves_reads_and_deletes(model):
    photo = model()
    photo.file.save("a.txt", ContentFile(b"content"), save=False)
    assert photo.file.name == "files/a.txt"
    assert photo.file.url == "/media/files/a.txt"
    assert photo.file.size == 7
    again = model(file=photo.file.name)
    with again.file.open() as file:
        assert file.read(3) == b"con"
        assert file.read() == b"tent"
        assert list(file.chunks(chunk_size=4)) == [b"cont", b"ent"]
    again.file.delete(save=False)
    assert not model._meta.get_field("file").storage.exists("files/a.txt")


def test_a_field_numbers_duplicates_within_its_length(model):
    photos = [model() for _ in range(3)]
    for photo in photos:
        photo.short.save("filename.txt", ContentFile(b""), save=False)
    assert [photo.short.name for photo in photos] == [
        "filename.txt",
        "filena_1.txt",
        "filena_2.txt",
    ]


def test_a_field_writes_and_opens_again(model):
    photo = model()
    photo.file.save("a.txt", ContentFile(b"content"), save=False)
    photo = model(file=photo.file.name)
    with photo.file as file:
        file.open("wb")
        file.write(b"updated")
    photo = model(file=photo.file.name)
    assert photo.file.read() == b"updated"
    photo.file.close()
    photo.file.open()
    assert photo.file.read() == b"updated"
    photo.file.close()


def test_an_upload_is_stored_when_the_model_is(model):
    photo = model(file=SimpleUploadedFile("a.txt", b"content"))
    field = model._meta.get_field("file")
    assert not field.storage.exists("files/a.txt")
    field.pre_save(photo, add=True)
    assert photo.file.name == "files/a.txt"
    assert field.storage.exists("files/a.txt")


def test_the_file_of_one_field_is_content_for_another(model):
    photo = model()
    photo.file.save("a.txt", ContentFile(b"content"), save=False)
    other = model()
    other.short.save("b.txt", model(file=photo.file.name).file, save=False)
    with model(short=other.short.name).short.open() as file:
        assert file.read() == b"content"


def test_the_dimensions_of_an_image(model):
    image = pytest.importorskip("PIL.Image")
    buffer = BytesIO()
    image.new("RGB", (300, 200), "red").save(buffer, "PNG")
    photo = model()
    photo.image.save("a.png", ContentFile(buffer.getvalue(), "a.png"), save=False)
    assert (photo.width, photo.height) == (300, 200)
    again = model(image=photo.image.name)
    assert (again.image.width, again.image.height) == (300, 200)
    with again.image.open() as file:
        assert image.open(file).size == (300, 200)
