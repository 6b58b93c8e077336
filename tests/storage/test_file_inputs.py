"""Previews beside the file fields of any ModelAdmin."""

from io import BytesIO

import pytest
from bson import ObjectId
from django.contrib import admin
from django.contrib.admin.widgets import AdminFileWidget
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from django.db import models
from django.test import RequestFactory
from django.test.utils import isolate_apps
from PIL import Image

from mongo_contrib.storage import GridFSStorage
from mongo_contrib.storage.file_inputs import FilePreviewMixin
from mongo_contrib.storage.resumable import ResumableUploads
from mongo_contrib.storage.tus.admin import ResumableUploadsMixin
from mongo_contrib.storage.tus.owners import owner_of
from mongo_contrib.storage.tus.tokens import token_of

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


@pytest.fixture
def sent(rf, model):
    """``sent("a.txt")``: the admin's form again, which was sent with an upload of this name."""

    def sent(name, content=b"sent"):
        class PhotoAdmin(FilePreviewMixin, ResumableUploadsMixin, admin.ModelAdmin):
            upload_url = "/uploads/held/"

        request = rf.post("/")
        request.user = get_user_model()(pk=ObjectId())
        storage = model._meta.get_field("file").storage
        uploads = ResumableUploads(storage.files)
        begun = uploads.create(name, len(content), owner=owner_of(request), held=True)
        uploads.append(begun, 0, [content], size=len(content))
        form = PhotoAdmin(model, admin.AdminSite()).get_form(request)
        form = form({"title": "much too long", "file-upload": token_of(storage, begun.id)}, {})
        assert not form.is_valid()
        return str(form["file"])

    return sent


def test_what_was_sent_is_no_file_that_is_stored(model, sent):
    """Its name is whatever the sender likes: also that of a file which is not theirs."""
    storage = model._meta.get_field("file").storage
    secret = storage.save("secret.txt", ContentFile(b"x" * 2048))
    html = sent(secret)
    assert "href=" not in html and "2.0\xa0KB" not in html
    assert "secret.txt" in html and "4\xa0bytes, text/plain" in html
    assert "data-resumable" in html


def test_what_was_sent_is_not_missing(sent):
    html = sent("<i>new.png", picture())
    assert "no longer there" not in html
    assert "image/png" in html and "<i>" not in html


def test_a_file_that_is_not_saved_yet_is_not_looked_up(model, form, django_assert_num_queries):
    """A row that could not be saved has the name that somebody sent."""
    with django_assert_num_queries(0):
        assert "file-facts" not in str(form(ContentFile(b"x", name="secret.txt"))["file"])


def test_with_uploads_in_pieces(model, form, settings):
    class Resumable(ResumableUploadsMixin):
        upload_url = "/uploads/held/"

    name = model._meta.get_field("file").storage.save("red.png", ContentFile(picture()))
    html = str(form(name, Resumable)["file"])
    assert "thumbnail=small" in html and "data-resumable" in html
