"""Previews beside the file fields of any ModelAdmin."""

from io import BytesIO

import pytest
from django.contrib import admin
from django.contrib.admin.widgets import AdminFileWidget
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from django.db import models
from django.test import RequestFactory
from django.test.utils import isolate_apps
from PIL import Image

from mongo_contrib.storage import GridFSStorage
from mongo_contrib.storage.file_inputs import FilePreviewMixin
from mongo_contrib.storage.tus.admin import ResumableUploadsMixin

OPTIONS = {"base_url": "/media/", "thumbnails": {"small": (160, 160)}}


@pytest.fixture
def model(db):
    """A plain model, of which no test here touches the database of its rows."""
    with isolate_apps("mongo_contrib.storage"):

        class Photo(models.Model):
            file = models.FileField(storage=GridFSStorage(**OPTIONS))
            image = models.ImageField(storage=GridFSStorage(**OPTIONS), blank=True)
            elsewhere = models.FileField(storage=InMemoryStorage(), blank=True)
            title = models.CharField(max_length=10)

            class Meta:
                app_label = "mongo_storage"

        yield Photo


@pytest.fixture
def form(model):
    """``form("a.png")`` is the admin's form of a row that has this file."""

    def form(name=None, *mixins):
        class PhotoAdmin(FilePreviewMixin, *mixins, admin.ModelAdmin):
            pass

        options = PhotoAdmin(model, admin.AdminSite())
        return options.get_form(RequestFactory().get("/"))(instance=model(file=name))

    return form


def picture():
    out = BytesIO()
    Image.new("RGB", (300, 200)).save(out, "PNG")
    return out.getvalue()


def test_a_picture_is_seen_with_what_it_is(model, form, django_assert_num_queries):
    storage = model._meta.get_field("file").storage
    name = storage.save("red.png", ContentFile(picture()))
    shown = form(name)
    with django_assert_num_queries(1):
        html = str(shown["file"])
    assert 'src="/media/red.png?thumbnail=small"' in html
    assert "image/png" in html and "bytes" in html
    assert 'href="/media/red.png?download=1"' in html
    assert '<input type="file" name="file"' in html
    assert "Currently" in html  # and all that Django's own input has
    assert "mongo_storage/admin.css" in str(shown.media)


def test_other_fields_keep_their_inputs(form):
    shown = form()
    assert type(shown.fields["elsewhere"].widget) is AdminFileWidget
    assert "file-beside" not in str(shown["title"])
    assert 'type="file"' in str(shown["image"])


def test_a_file_that_is_gone(form):
    assert "no longer there" in str(form("gone.png")["file"])
    assert "no longer there" in str(form("../gone.png")["file"])


def test_hostile_names_and_types(model, form):
    storage = model._meta.get_field("file").storage
    name = storage.save("<img src=x onerror=alert(1)>.png", ContentFile(picture()))
    assert "<img src=x" not in str(form(name)["file"])


def test_with_uploads_in_pieces(model, form, settings):
    class Resumable(ResumableUploadsMixin):
        upload_url = "/uploads/held/"

    name = model._meta.get_field("file").storage.save("red.png", ContentFile(picture()))
    html = str(form(name, Resumable)["file"])
    assert "thumbnail=small" in html and "data-resumable" in html
