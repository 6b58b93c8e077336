"""Fields of files in the admin, of documents and of SQL models, in forms and in inlines."""

import pytest
from django.contrib.admin.widgets import AdminFileWidget
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from django.db import models
from django.test.utils import isolate_apps

from mongo_contrib.admin import EmbeddedTabularInline, MongoAdminSite, MongoModelAdmin
from mongo_contrib.storage import GridFSStorage
from mongo_contrib.storage.resumable import ResumableUploads
from mongo_contrib.storage.tus.admin import AdminResumableFileInput, ResumableUploadsMixin
from mongo_contrib.storage.tus.forms import ResumableFileField, ResumableImageField
from mongo_contrib.storage.tus.owners import owner_of
from mongo_contrib.storage.tus.tokens import token_of
from tests.testapp.models import Folder, Scan

pytestmark = pytest.mark.urls("tests.storage.tus.urls")

CONTENT = b"content of a file"


class ScanInline(ResumableUploadsMixin, EmbeddedTabularInline):
    model = Scan
    field = "scans"


class FolderAdmin(ResumableUploadsMixin, MongoModelAdmin):
    fields = ["name", "file", "image"]
    inlines = [ScanInline]


@pytest.fixture
def request_(rf, user):
    request = rf.post("/")
    request.user = user
    return request


@pytest.fixture
def token(storage, request_):
    uploads = ResumableUploads(storage.files)
    upload = uploads.create("a.txt", len(CONTENT), owner=owner_of(request_), held=True)
    uploads.append(upload, 0, [CONTENT], size=len(CONTENT))
    return token_of(storage, upload.id)


def form_of(request, admin=FolderAdmin):
    return admin(Folder, MongoAdminSite()).get_form(request)


def test_a_document_is_saved_with_an_upload(request_, token, storage):
    form = form_of(request_)({"name": "x", "file-upload": token}, {})
    assert form.is_valid(), form.errors
    folder = form.save()
    assert folder.file.name == "files/a.txt"
    assert Folder.objects.get().file.read() == CONTENT
    assert storage.get_info("files/a.txt").original_name == "a.txt"


def test_each_field_has_its_kind(request_):
    fields = form_of(request_).base_fields
    assert type(fields["file"]) is ResumableFileField
    assert type(fields["image"]) is ResumableImageField
    assert isinstance(fields["image"].widget, AdminResumableFileInput)


def test_the_admins_own_input_is_inside(request_, storage):
    folder = Folder(file=storage.save("files/old.txt", ContentFile(b"old")))
    html = str(form_of(request_)(instance=folder)["file"])
    assert 'class="file-upload"' in html  # as the admin has it
    assert "files/old.txt" in html
    assert 'name="file-clear"' in html
    assert 'name="file-upload"' in html


def test_inlines_have_it_too(request_, token):
    formset_class = ScanInline(Folder, MongoAdminSite()).get_formset(request_)
    assert isinstance(formset_class.form.base_fields["file"].widget, AdminResumableFileInput)
    html = str(formset_class(instance=Folder(), prefix="scans").empty_form["file"])
    assert 'name="scans-__prefix__-file-upload"' in html


def test_a_sql_model_has_it_and_other_storages_do_not(request_, settings):
    with isolate_apps("mongo_contrib.storage"):

        class Film(models.Model):
            film = models.FileField(storage=GridFSStorage)
            elsewhere = models.FileField(storage=GridFSStorage(bucket="elsewhere"))
            memory = models.FileField(storage=InMemoryStorage())

            class Meta:
                app_label = "mongo_storage"

    class FilmAdmin(FolderAdmin):
        pass

    def widget(name, admin=FilmAdmin):
        field = Film._meta.get_field(name)
        return admin(Film, MongoAdminSite()).formfield_for_dbfield(field, request_).widget

    assert isinstance(widget("film"), AdminResumableFileInput)
    for name in ("elsewhere", "memory"):
        assert type(widget(name)) is AdminFileWidget

    class Elsewhere(FolderAdmin):
        upload_url = "/elsewhere/"

    assert widget("elsewhere", Elsewhere).url == "/elsewhere/"
    assert type(widget("memory", Elsewhere)) is AdminFileWidget
