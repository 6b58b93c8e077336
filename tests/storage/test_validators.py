"""What a storage does not take, in forms and in views."""

import pytest
from django import forms
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation, ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.db.migrations.writer import MigrationWriter
from django.http import HttpResponse
from django.test import Client
from django.test.utils import isolate_apps
from django.urls import path
from rest_framework import serializers

from mongo_contrib.storage import GridFSStorage
from mongo_contrib.storage.validators import StorageLimits

from .serving import BACKEND

PNG = b"\x89PNG\r\n\x1a\n"


def save(request):
    default_storage.save("a.png", request.FILES["file"])
    return HttpResponse("saved")


def suspicious(request):
    raise SuspiciousOperation("secret")


urlpatterns = [path("save/", save), path("suspicious/", suspicious)]
handler400 = "mongo_contrib.storage.refusals.bad_request"


@pytest.fixture(autouse=True)
def storages_setting(settings):
    options = {"max_size": 100, "allowed_content_types": ["image/*"]}
    settings.STORAGES = {
        "default": {"BACKEND": BACKEND, "OPTIONS": options},
        "other": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    }


@pytest.fixture
def model():
    with isolate_apps("mongo_contrib.storage"):

        class Photo(models.Model):
            file = models.FileField(
                storage=GridFSStorage(max_size=100, allowed_content_types=["image/*"]),
                validators=[StorageLimits()],
            )

            class Meta:
                app_label = "mongo_storage"

        yield Photo


CASES = [
    (PNG + b"x" * 92, None),
    (PNG + b"x" * 93, "The file 'a.png' has more than the 100 bytes that are allowed."),
    (b"<html>", "The file 'a.png' is of the type 'text/html', and those that are allowed are"),
]


@pytest.mark.parametrize(("content", "sentence"), CASES)
def test_a_form_of_a_model_shows_the_error_at_the_field(model, content, sentence):
    form_class = forms.modelform_factory(model, fields=["file"])
    form = form_class({}, {"file": SimpleUploadedFile("a.png", content, "image/png")})
    if sentence is None:
        assert form.is_valid(), form.errors
        assert form.instance.file.read() == content  # from its beginning
    else:
        assert form.errors["file"][0].startswith(sentence)
        assert form.errors.as_data()["file"][0].code == "refused"


@pytest.mark.parametrize(("content", "sentence"), CASES)
def test_a_serializer_of_a_model_shows_it_as_well(model, content, sentence):
    class PhotoSerializer(serializers.ModelSerializer):
        class Meta:
            fields = ["file"]

    PhotoSerializer.Meta.model = model
    found = PhotoSerializer(data={"file": SimpleUploadedFile("a.png", content)})
    assert found.is_valid() is (sentence is None)
    if sentence is not None:
        assert found.errors["file"][0].startswith(sentence)


@pytest.mark.parametrize(("content", "sentence"), CASES)
def test_a_form_names_its_storage(content, sentence):
    class Upload(forms.Form):
        file = forms.FileField(validators=[StorageLimits("default")])

    form = Upload({}, {"file": SimpleUploadedFile("a.png", content)})
    assert form.is_valid() is (sentence is None)
    if sentence is None:
        assert form.cleaned_data["file"].read() == content
    else:
        assert form.errors["file"][0].startswith(sentence)


def test_what_is_stored_already_is_not_asked(model, db):
    photo = model(file="there/is-none.png")
    model._meta.get_field("file").clean(photo.file, photo)


def test_a_storage_that_is_not_ours_is_said():
    for validator in (StorageLimits(), StorageLimits("other")):
        with pytest.raises(ImproperlyConfigured, match="StorageLimits is for files of a GridFS"):
            validator(SimpleUploadedFile("a.png", PNG))


def test_text_and_files_in_memory():
    StorageLimits("default")(ContentFile(PNG, "a.png"))
    with pytest.raises(ValidationError, match="text/plain"):
        StorageLimits("default")(ContentFile("text", "a.png"))


def test_it_can_be_written_into_a_migration():
    written, imports = MigrationWriter.serialize(StorageLimits("default"))
    assert written == "mongo_contrib.storage.validators.StorageLimits('default')"
    assert imports == {"import mongo_contrib.storage.validators"}
    assert StorageLimits("a") == StorageLimits("a") != StorageLimits()
    assert len({StorageLimits("a"), StorageLimits("a")}) == 1


@pytest.mark.urls(__name__)
def test_a_view_that_saves_it_answers_400_with_the_reason(db):
    client = Client()
    for content, sentence in CASES:
        response = client.post("/save/", {"file": SimpleUploadedFile("a.png", content)})
        if sentence is None:
            assert response.status_code == 200
        else:
            assert response.status_code == 400
            # The first one took the name, so these would get numbers.
            assert response.text.replace("a_1.png", "a.png").startswith(sentence)
            assert response["Content-Type"] == "text/plain; charset=utf-8"
    response = client.get("/suspicious/")
    assert response.status_code == 400
    assert "secret" not in response.text
