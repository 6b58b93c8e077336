"""Forms that send the token of an upload in the place of a file."""

from datetime import timedelta

import pytest
from django import forms
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.validators import FileExtensionValidator
from django.utils.datastructures import MultiValueDict

from mongo_contrib.bridge import native
from mongo_contrib.storage import FileTooLarge, GridFSStorage, images
from mongo_contrib.storage.claimed import StoredUpload
from mongo_contrib.storage.exceptions import UploadNotFound, UploadUsed
from mongo_contrib.storage.resumable import ResumableUploads
from mongo_contrib.storage.tus.forms import (
    ResumableFileField,
    ResumableFormMixin,
    ResumableImageField,
)
from mongo_contrib.storage.tus.owners import owner_of
from mongo_contrib.storage.tus.tokens import id_of, token_of

pytestmark = pytest.mark.urls("tests.storage.tus.urls")

CONTENT = bytes(range(256)) * 10
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c636000000002000148afa4710000000049454e44ae426082"
)


class FilmForm(ResumableFormMixin, forms.Form):
    title = forms.CharField(max_length=9)
    film = ResumableFileField()


class OptionalForm(ResumableFormMixin, forms.Form):
    film = ResumableFileField(required=False)


@pytest.fixture
def request_of(rf):
    def request_of(user):
        request = rf.post("/")
        request.user = user
        return request

    return request_of


@pytest.fixture
def request_(request_of, user):
    return request_of(user)


@pytest.fixture
def upload(storage, request_):
    """``upload()`` gives the token of a complete upload."""

    def upload(content=CONTENT, *, name="film.bin", to=storage, stop=None, metadata=None):
        uploads = ResumableUploads(to.files)
        owner = owner_of(request_)
        begun = uploads.create(name, len(content), owner=owner, held=True, metadata=metadata)
        uploads.append(begun, 0, [content[:stop]], size=len(content[:stop]))
        return token_of(to, begun.id)

    return upload


def bound(form, request, files=None, **data):
    return form({"title": "x", **data}, MultiValueDict(files or {}), request=request)


def test_a_token_is_a_file(storage, upload, request_):
    token = upload(metadata={"uploader": 7})
    form = bound(FilmForm, request_, **{"film-upload": token})
    assert form.is_valid(), form.errors
    film = form.cleaned_data["film"]
    assert (film.name, film.size, film.content_type) == (
        "film.bin",
        len(CONTENT),
        "application/octet-stream",
    )
    assert film.read(5) == CONTENT[:5]
    film.seek(2000)
    assert film.read() == CONTENT[2000:]
    assert b"".join(film.chunks(1000)) == CONTENT
    film.close()
    with film.open() as again:
        assert again.read() == CONTENT
    assert storage.listdir("") == ([], [])


def test_saving_it_copies_no_byte(storage, upload, request_, capture_commands):
    token = upload(metadata={"uploader": 7})
    form = bound(FilmForm, request_, **{"film-upload": token})
    assert form.is_valid()
    before = len(list(capture_commands))
    assert storage.save("films/a.bin", form.cleaned_data["film"]) == "films/a.bin"
    commands = [str(command) for command in list(capture_commands)[before:]]
    assert not any("insert" in command and "chunks" in command for command in commands)
    info = storage.get_info("films/a.bin")
    assert (info.original_name, info.uploader, info.length) == ("film.bin", 7, len(CONTENT))
    with storage.open("films/a.bin") as file:
        assert file.read() == CONTENT


async def test_saving_it_on_an_event_loop(storage, upload, request_):
    form = bound(FilmForm, request_, **{"film-upload": await native(upload)})
    assert await native(form.is_valid)
    name = await storage.asave("a.bin", form.cleaned_data["film"])
    assert (await storage.aget_info(name)).length == len(CONTENT)


def test_a_taken_name_is_numbered_and_overwriting_overwrites(storage, upload, request_):
    def film():
        form = bound(FilmForm, request_, **{"film-upload": upload()})
        assert form.is_valid()
        return form.cleaned_data["film"]

    assert storage.save("a.bin", film()) == "a.bin"
    assert storage.save("a.bin", film()) == "a_1.bin"
    overwriting = GridFSStorage(chunk_size=1000, allow_overwrite=True)
    assert overwriting.save("a.bin", film()) == "a.bin"
    inner = GridFSStorage(location="inner")
    assert inner.save("a.bin", film()) == "a.bin"
    assert storage.listdir("") == (["inner"], ["a.bin", "a_1.bin"])


def test_another_storage_copies_it(upload, request_, settings):
    form = bound(FilmForm, request_, **{"film-upload": upload()})
    assert form.is_valid()
    for other in (storages["other"], GridFSStorage(bucket="others")):
        name = other.save("a.bin", form.cleaned_data["film"])
        with other.open(name) as file:
            assert file.read() == CONTENT


def test_a_file_that_is_saved_twice_is_two(storage, upload, request_):
    form = bound(FilmForm, request_, **{"film-upload": upload()})
    assert form.is_valid()
    film = form.cleaned_data["film"]
    names = [storage.save("a.bin", film) for _ in range(2)]
    assert names == ["a.bin", "a_1.bin"]
    film.once = True
    with pytest.raises(UploadUsed):
        storage.save("a.bin", film)
    storage.delete("a.bin")
    with storage.open("a_1.bin") as file:
        assert file.read() == CONTENT


def test_limits_of_the_storage_it_is_saved_in_hold(upload, request_, storage):
    form = bound(FilmForm, request_, **{"film-upload": upload()})
    assert form.is_valid()
    with pytest.raises(FileTooLarge):
        GridFSStorage(chunk_size=1000, max_size=99).save("a.bin", form.cleaned_data["film"])
    assert storage.listdir("") == ([], [])
    assert storage.save("a.bin", form.cleaned_data["film"]) == "a.bin"  # it was kept


def test_a_plain_file_works_as_ever(request_):
    file = SimpleUploadedFile("a.txt", b"plain")
    form = bound(FilmForm, request_, {"film": [file]})
    assert form.is_valid()
    assert form.cleaned_data["film"] is file
    form = bound(FilmForm, request_)
    assert form.errors["film"] == ["This field is required."]


def test_a_plain_file_counts_before_a_token(upload, request_):
    file = SimpleUploadedFile("a.txt", b"plain")
    form = bound(FilmForm, request_, {"film": [file]}, **{"film-upload": upload()})
    assert form.is_valid()
    assert form.cleaned_data["film"] is file


def error(form):
    assert not form.is_valid()
    [found] = form.errors.as_data()["film"]
    return found.code


@pytest.mark.parametrize("token", ["x", "6" * 24, "$ne", "\0", "a:b", "ü"])
def test_a_token_that_was_made_up_is_an_error(db, request_, token):
    form = bound(FilmForm, request_, **{"film-upload": token})
    assert error(form) == "upload_unknown"


def test_a_token_of_somebody_else_is_an_error(upload, request_of, user):
    other = type(user).objects.create_user("berta")
    form = bound(FilmForm, request_of(other), **{"film-upload": upload()})
    assert error(form) == "upload_unknown"


def test_a_token_of_another_bucket_is_an_error(upload, request_):
    token = upload(to=GridFSStorage(bucket="others"))
    assert error(bound(FilmForm, request_, **{"film-upload": token})) == "upload_unknown"


def test_a_token_is_good_in_its_bucket_only(upload, storage):
    token = upload()
    assert token == token_of(storage, id_of(storage, token))
    with pytest.raises(UploadNotFound):
        id_of(GridFSStorage(bucket="others"), token)


def test_a_token_of_an_unfinished_upload_is_an_error(upload, request_):
    token = upload(stop=2000)
    assert error(bound(FilmForm, request_, **{"film-upload": token})) == "upload_unfinished"


def test_a_token_is_good_for_once(upload, request_, storage):
    token = upload()
    form = bound(FilmForm, request_, **{"film-upload": token})
    assert form.is_valid()
    storage.save("a.bin", form.cleaned_data["film"])
    assert error(bound(FilmForm, request_, **{"film-upload": token})) == "upload_used"


def test_saving_it_again_copies_what_it_became_and_nothing_else(upload, request_, storage):
    form = bound(FilmForm, request_, **{"film-upload": upload()})
    assert form.is_valid()
    film = form.cleaned_data["film"]
    assert storage.save("a.bin", film) == "a.bin"
    assert storage.save("b.bin", film) == "b.bin"
    with storage.open("b.bin") as file:
        assert file.read() == CONTENT
    storage.delete("a.bin")
    storage.save("a.bin", ContentFile(b"of somebody else"))
    with pytest.raises(UploadUsed):
        storage.save("c.bin", film)
    assert storage.listdir("") == ([], ["a.bin", "b.bin"])


@pytest.mark.parametrize("kept", [False, True])
def test_it_is_read_also_after_others_share_its_content(upload, request_, kept):
    storage = GridFSStorage(chunk_size=1000, deduplicate=True)
    storage.save("first.bin", ContentFile(CONTENT))
    token = upload(to=storage)
    claims = [bound(FilmForm, request_, **{"film-upload": token}) for _ in range(2)]
    assert all(form.is_valid() for form in claims)
    film, other = [form.cleaned_data["film"] for form in claims]
    assert film.read(5) == CONTENT[:5]
    storage.save("film.bin", film)
    assert storage.files.chunks.count_documents({}) == 3
    if kept:
        film = other  # of another form, which knows nothing of it
        film.close()
    with film.open() as file:
        assert file.read() == CONTENT
    with film.open() as file:
        elsewhere = GridFSStorage(bucket="others")
        elsewhere.save("copy.bin", file)
    with elsewhere.open("copy.bin") as file:
        assert file.read() == CONTENT


def test_a_token_that_has_expired_is_an_error(upload, request_, storage):
    token = upload()
    collection = ResumableUploads(storage.files).collection
    [document] = collection.find()
    past = {"expires": document["created"] - timedelta(days=1)}
    collection.update_one({"_id": document["_id"]}, {"$set": past})
    form = bound(FilmForm, request_, **{"film-upload": token})
    assert error(form) == "upload_expired"
    assert "choose the file again" in str(form.errors)


def test_a_form_that_does_not_know_its_user_says_so(upload):
    class Unbound(forms.Form):
        film = ResumableFileField()

    form = Unbound({"film-upload": upload()})
    with pytest.raises(ImproperlyConfigured, match="ResumableFormMixin"):
        form.is_valid()


def test_a_form_that_is_shown_again_keeps_the_upload(upload, request_):
    token = upload(name='<b>"film".bin')
    form = bound(FilmForm, request_, **{"film-upload": token, "title": "much too long"})
    assert not form.is_valid()
    html = form.as_p()
    assert f'value="{token}"' in html
    assert "&lt;b&gt;&quot;film&quot;.bin" in html
    assert 'type="file" name="film" id="id_film"' in " ".join(html.split())
    again = bound(FilmForm, request_, **{"film-upload": token})
    assert again.is_valid()


def test_a_form_that_is_shown_again_forgets_what_is_no_upload(db, request_):
    form = bound(FilmForm, request_, **{"film-upload": '"><script>'})
    assert "<script>" not in str(form["film"])


def test_the_widget_tells_its_script_all_it_needs(db, request_, settings):
    settings.CSRF_HEADER_NAME = "HTTP_X_TOKEN"
    html = str(FilmForm(request=request_)["film"])
    assert 'data-url="/uploads/held/"' in html
    assert 'data-csrf-header="X-TOKEN"' in html
    assert 'name="film-upload" value=""' in html
    assert "required" in html
    assert "onclick" not in html and "style=" not in html
    assert "mongo_storage/resumable.js" in str(FilmForm(request=request_).media)


def test_a_token_of_an_upload_whose_chunks_are_gone_is_an_error(upload, request_, storage):
    token = upload()
    storage.files.chunks.delete_one({"n": 0})
    assert error(bound(FilmForm, request_, **{"film-upload": token})) == "upload_unknown"


def test_clearing_and_uploading_contradict_each_other(upload, request_, storage):
    form = OptionalForm(
        {"film-upload": upload(), "film-clear": "on"}, initial={"film": "x"}, request=request_
    )
    assert error(form) == "contradiction"
    form = OptionalForm({"film-clear": "on"}, initial={"film": "x"}, request=request_)
    assert form.is_valid()
    assert form.cleaned_data["film"] is False


def test_validators_see_the_upload(upload, request_):
    class OnlyText(ResumableFormMixin, forms.Form):
        film = ResumableFileField(validators=[FileExtensionValidator(["txt"])])

    assert error(bound(OnlyText, request_, **{"film-upload": upload()})) == "invalid_extension"


def test_pictures_are_looked_at(upload, request_):
    class Pictures(ResumableFormMixin, forms.Form):
        film = ResumableImageField()

    assert error(bound(Pictures, request_, **{"film-upload": upload()})) == "invalid_image"
    form = bound(Pictures, request_, **{"film-upload": upload(PNG, name="a.png")})
    assert form.is_valid(), form.errors
    assert isinstance(form.cleaned_data["film"], StoredUpload)
    assert form.cleaned_data["film"].read() == PNG


def test_a_picture_that_is_too_large_is_not_read(upload, request_, monkeypatch):
    """Django reads what it looks at into memory."""

    class Pictures(ResumableFormMixin, forms.Form):
        film = ResumableImageField(required=False)

    def data():
        return {"film-upload": upload(PNG, name="a.png")}

    assert ResumableImageField.largest == images.LARGEST_FILE
    monkeypatch.setattr(ResumableImageField, "largest", len(PNG))
    assert bound(Pictures, request_, **data()).is_valid()
    monkeypatch.setattr(ResumableImageField, "largest", len(PNG) - 1)
    monkeypatch.setattr(StoredUpload, "read", None)
    form = bound(Pictures, request_, **data())
    assert error(form) == "image_too_large"
    assert "no more than 66\xa0bytes" in str(form.errors)
    assert bound(Pictures, request_).is_valid()


def test_a_storage_of_another_kind_is_a_mistake(request_):
    class Wrong(ResumableFormMixin, forms.Form):
        film = ResumableFileField(storage="other")

    with pytest.raises(ImproperlyConfigured, match="InMemoryStorage"):
        bound(Wrong, request_, **{"film-upload": "x"}).is_valid()


def test_of_two_who_complete_it_one_waits(upload, request_, storage):
    token = upload()
    collection = ResumableUploads(storage.files).collection
    [document] = collection.find()
    until = document["expires"] + timedelta(days=1)
    collection.update_one(
        {"_id": document["_id"]},
        {"$unset": {"sha256": ""}, "$set": {"lock": {"key": 1, "until": until}}},
    )
    assert error(bound(FilmForm, request_, **{"film-upload": token})) == "upload_unfinished"
    collection.update_one({"_id": document["_id"]}, {"$unset": {"lock": ""}})
    assert bound(FilmForm, request_, **{"film-upload": token}).is_valid()
