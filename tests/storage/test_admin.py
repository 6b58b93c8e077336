"""The files in the admin: ours, and the stock site beside it."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.staticfiles import finders
from django.core import checks
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from mongo_contrib.auth.models import User
from mongo_contrib.storage import admin as module
from mongo_contrib.storage.models import FileDocument
from mongo_contrib.storage.previews import LARGE, SMALL
from mongo_contrib.test import CaptureCommands

pytestmark = pytest.mark.urls("tests.storage.admin_urls")

GRIDFS = "mongo_contrib.storage.GridFSStorage"
STATICFILES = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def options(settings):
    """Of the default storage; ``options(querystring_auth=True)`` adds some."""

    def options(**more):
        given = {"base_url": "/media/", "thumbnails": {"small": (96, 96), "wide": (640, 640)}}
        settings.STORAGES = {
            "default": {"BACKEND": GRIDFS, "OPTIONS": {**given, **more}},
            "staticfiles": STATICFILES,
        }

    options()
    return options


@pytest.fixture(params=["admin", "stock"])
def url(request):
    """The list in each site."""
    return f"/{request.param}/mongo_storage/filedocument/"


LIST = "/admin/mongo_storage/filedocument/"


@pytest.fixture
def root(db):
    return User.objects.create_superuser("root")


@pytest.fixture
def client(root):
    """A browser in which an administrator is logged in."""
    client = Client()
    client.force_login(root)
    return client


@pytest.fixture
def put(db):
    """``put("a.txt", b"...", album="Prag")`` stores a file; its document."""

    def put(name, content=b"content", **metadata):
        file = ContentFile(content, name=name)
        file.metadata = metadata
        name = FileDocument.get_storage().save(name, file)
        return FileDocument.objects.get(name=name)

    return put


def picture():
    out = BytesIO()
    Image.new("RGB", (300, 200), (200, 10, 20)).save(out, "PNG")
    return out.getvalue()


def page(response):
    assert response.status_code == 200, response
    return response.content.decode()


def told(response):
    return [str(message) for message in response.context["messages"]]


# The list


def test_a_list_shows_what_files_are(client, url, put, root):
    put("photos/red.png", picture(), uploader=root)
    put("notes.txt", b"x" * 2048, uploader="a program")
    text = page(client.get(url))
    assert 'src="/media/photos/red.png?thumbnail=small"' in text
    assert 'href="/media/photos/red.png?download=1"' in text
    for shown in ("photos/red.png", "image/png", "2.0\xa0KB", ">root<", "a program"):
        assert shown in text
    assert text.count("<img class") == 1


def test_a_list_of_any_length_costs_the_same(client, put, root):
    def queries():
        with CaptureCommands() as commands:
            page(client.get(LIST))
        return [command.name for command in commands]

    put("0.png", picture(), uploader=root)
    few = queries()
    for number in range(1, 8):
        put(f"{number}.png", picture(), uploader=root)
    assert queries() == few
    # The user and the session, the count (twice), the files, the uploaders.
    assert len(few) <= 6


ALL = ["a/red.png", "b.txt", "c.txt", "d.bin"]
FOUND = {
    "family=image": ["a/red.png"],
    "family=text": ["b.txt", "c.txt"],
    "family=other": ["d.bin"],
    "family=nonsense": ALL,
    "bytes=small": ["c.txt"],
    "bytes=tiny": ["a/red.png", "b.txt", "d.bin"],
    "q=a/": ["a/red.png"],
    "q=HOLIDAY": ["b.txt"],
    "q=b": ["b.txt", "d.bin"],
    "q=.*": [],
    "q=" + "x" * 200: [],
    "uploaded__gte=2000-01-01T00:00Z": ALL,
    "uploaded__lt=2000-01-01T00:00Z": [],
}


def test_filters_and_search(client, put):
    put("a/red.png", picture())
    put("b.txt", b"x", original_name="My Holiday.txt")
    put("c.txt", b"x" * 20_000)
    put("d.bin", b"\x00\x01\x02")
    for query, names in FOUND.items():
        response = client.get(f"{LIST}?{query}")
        assert sorted(map(str, response.context["cl"].result_list)) == names, query


def test_hostile_queries(client, put):
    put("a.txt")
    for query in ("name__regex=a", "uploader=x", "nonsense=1", "o=99", "p=999", "bytes[$gt]=0"):
        assert client.get(f"{LIST}?{query}").status_code in (200, 302, 400), query


def test_hostile_names_are_escaped(client, url, put):
    file = put(
        f"{HOSTILE}.png",
        picture(),
        original_name=f"{HOSTILE}\r\nX: y",
        uploader=HOSTILE,
        album={HOSTILE: HOSTILE},
    )
    text = put("t.txt", HOSTILE.encode())
    for address in (url, f"{url}{file.pk}/change/", f"{url}{text.pk}/change/", f"{url}?q=<img"):
        assert "<img src=x" not in page(client.get(address))
    confirmed = client.post(url, {"action": "delete_selected", "_selected_action": [file.pk]})
    assert "<img src=x" not in page(confirmed)


def test_previews_keep_their_size_where_inline_styles_are_off(client, put):
    """With `Content-Security-Policy: default-src 'self'` a browser leaves them out."""
    file = put("red.png", picture())
    style = Path(finders.find("mongo_storage/admin.css")).read_text()
    for address, kind, side in (
        (LIST, "small", SMALL),
        (f"{LIST}{file.pk}/change/", "large", LARGE),
    ):
        [shown] = re.findall(r'<img class="file-preview[^>]*>', page(client.get(address)))
        assert f'class="file-preview file-preview-{kind}"' in shown and "style=" not in shown
        assert re.search(rf"img\.file-preview-{kind} {{ max-height: {side}px; max-width", style)


def test_previews_of_private_files_are_signed(client, put, options):
    options(querystring_auth=True)
    file = put("red.png", picture())
    for address in (LIST, f"{LIST}{file.pk}/change/"):
        text = page(client.get(address))
        for found in re.findall(r'(?:src|href)="(/media/[^"]+)"', text):
            assert "signature=" in found
            shown = Client().get(found.replace("&amp;", "&"))
            assert shown.status_code == 200


def test_without_thumbnails_small_pictures_are_shown_themselves(client, put, options):
    options(thumbnails=None)
    put("small.png", picture())
    put("large.png", picture() + b"0" * 200_000)
    text = page(client.get(LIST))
    assert 'src="/media/small.png"' in text
    assert 'src="/media/large.png"' not in text


def test_without_an_address_there_is_nothing_to_load(client, put, settings):
    settings.STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        "staticfiles": STATICFILES,
    }
    file = put("red.png", picture())
    for address in (LIST, f"{LIST}{file.pk}/change/"):
        assert "/media/" not in page(client.get(address))


# One file


def test_a_page_shows_the_beginning_of_a_text(client, put):
    file = put("t.html", b"<p>" + "ä".encode() * 5000)
    text = page(client.get(f"{LIST}{file.pk}/change/"))
    assert "&lt;p&gt;ää" in text
    assert text.count("ä") < 1100


def test_a_page_shows_pictures_sound_and_films(client, put):
    for name, content, tag in (
        ("a.mp3", b"ID3\x04\x00" + b"\0" * 50, "<audio"),
        ("a.mp4", b"\0\0\0\x18ftypmp42" + b"\0" * 50, "<video"),
        ("a.png", picture(), 'thumbnail=wide"'),
    ):
        file = put(name, content)
        assert tag in page(client.get(f"{LIST}{file.pk}/change/"))


def test_a_damaged_file_has_a_page(client, put, repository):
    file = put("a.txt")
    repository("fs.chunks").delete_many({})
    assert "damaged" in page(client.get(f"{LIST}{file.pk}/change/"))


def test_what_is_told_of_a_file_is_edited(client, url, put, root):
    file = put("a.txt", b"content", album="Prag", uploader=root)
    change = f"{url}{file.pk}/change/"
    shown = client.get(change).context["adminform"].form.initial
    assert (shown["content_type"], shown["fields"]) == ("text/plain", {"album": "Prag"})
    new = {"content_type": "text/html", "original_name": "b.txt", "fields": '{"year": 1999}'}
    assert client.post(change, new).status_code == 302
    info = FileDocument.get_storage().get_info("a.txt")
    assert (info.id, info.content_type, info.original_name) == (file.pk, "text/html", "b.txt")
    assert (info.fields, info.uploader) == ({"year": 1999}, root.pk)
    for wrong in ({"content_type": "nonsense"}, {"fields": '{"sha256": "x"}'}, {"fields": "["}):
        response = client.post(change, {**new, **wrong})
        assert response.status_code == 200, wrong
        assert response.context["errors"], wrong


def test_other_content_takes_the_place(client, put, root):
    file = put("a.txt", b"old", album="Prag", uploader="somebody")
    change = f"{LIST}{file.pk}/change/"
    told = {"content_type": "text/plain", "original_name": "b.txt", "fields": '{"album": "Prag"}'}
    upload = SimpleUploadedFile("new.png", picture())
    response = client.post(change, {**told, "content": upload, "_continue": "1"})
    new = FileDocument.objects.get()
    assert (new.name, new.content_type, new.uploader) == ("a.txt", "image/png", root.pk)
    assert (new.fields, new.original_name, new.read()) == ({"album": "Prag"}, "new.png", picture())
    assert response.url == f"{LIST}{new.pk}/change/"
    assert new.pk != file.pk
    assert client.get(change).status_code == 302  # the old one is no more


def test_verify(client, put, repository, monkeypatch):
    file = put("a.txt")
    verify = f"{LIST}{file.pk}/verify/"
    assert client.get(verify).status_code == 405
    assert told(client.post(verify, follow=True)) == ["1 file is as it was stored."]
    other = put("b.txt")
    repository("fs.chunks").update_one({"files_id": other.pk}, {"$set": {"data": b"changed"}})
    both = {"action": "verify_selected", "_selected_action": [file.pk, other.pk]}
    messages = told(client.post(LIST, both, follow=True))
    assert any("'b.txt' is damaged" in each for each in messages)
    assert "1 file is as it was stored." in messages
    monkeypatch.setattr(module, "MOST_VERIFIED", 10)
    assert any("gridfs verify" in each for each in told(client.post(LIST, both, follow=True)))


# New files


def test_a_file_is_added(client, url, root):
    page(client.get(f"{url}add/"))
    upload = SimpleUploadedFile("My red.png", picture())
    response = client.post(f"{url}add/", {"wanted": "photos/", "content": upload})
    assert response.status_code == 302, response.context["errors"]
    file = FileDocument.objects.get()
    assert (file.name, file.content_type) == ("photos/My_red.png", "image/png")
    assert (file.uploader, file.original_name) == (root.pk, "My red.png")
    assert LogEntry.objects.get().object_id == str(file.pk)
    upload.seek(0)
    client.post(f"{url}add/", {"wanted": "photos/My_red.png", "content": upload})
    assert FileDocument.objects.filter(name="photos/My_red_1.png").exists()


def test_adding_replaces_nothing(client, put, options):
    """Whoever may add files need not have the permission to change others'."""
    options(allow_overwrite=True)
    old = put("a.txt", b"somebody's")
    client.post(f"{LIST}add/", {"wanted": "a.txt", "content": SimpleUploadedFile("z", b"new")})
    assert old.read() == b"somebody's"
    assert FileDocument.objects.get(name="a_1.txt").read() == b"new"
    assert FileDocument.get_storage().allow_overwrite is True


def test_names_that_no_file_can_have(client):
    for wanted in ("../a.txt", "/etc/passwd", "a\x00b", "a/../b", ".", "x" * 300):
        upload = SimpleUploadedFile("a.txt", b"content")
        response = client.post(f"{LIST}add/", {"wanted": wanted, "content": upload})
        assert "wanted" in response.context["adminform"].form.errors, wanted
    assert FileDocument.objects.count() == 0


def test_what_the_storage_does_not_take_is_an_error_of_the_form(client, options):
    options(max_size=10, allowed_content_types=["text/plain"])
    for upload in (SimpleUploadedFile("a.txt", b"x" * 11), SimpleUploadedFile("a.txt", b"GIF89a")):
        response = client.post(f"{LIST}add/", {"content": upload})
        assert "allowed" in str(response.context["errors"])
    response = client.post(f"{LIST}add/", {})
    assert response.context["errors"]
    assert FileDocument.objects.count() == 0


# No longer there


def test_files_are_deleted_with_their_content(client, url, put, stored):
    for name in ("a.txt", "b.txt", "c.txt"):
        put(name)
    first, second, _third = FileDocument.objects.order_by("name")
    assert client.post(f"{url}{first.pk}/delete/", {"post": "yes"}).status_code == 302
    assert stored() == (2, 2)
    action = {"action": "delete_selected", "_selected_action": [second.pk], "post": "yes"}
    assert client.post(url, action).status_code == 302
    assert [each.name for each in FileDocument.objects.all()] == ["c.txt"]
    assert stored() == (1, 1)
    assert client.get(f"{url}{first.pk}/change/").status_code == 302


# Who may do what


def with_permissions(*names):
    user = User.objects.create_user("".join(names) or "nobody", is_staff=True)
    user.user_permissions = [f"mongo_storage.{name}_filedocument" for name in names]
    user.save()
    client = Client()
    client.force_login(user)
    return client


def test_permissions_are_djangos(put, url):
    file = put("a.txt")
    change = f"{url}{file.pk}/change/"
    nobody, viewer = with_permissions(), with_permissions("view")
    for address in (url, change, f"{url}add/"):
        assert nobody.get(address).status_code == 403
    assert nobody.post(f"{url}{file.pk}/verify/").status_code == 403
    assert viewer.get(url).status_code == viewer.get(change).status_code == 200
    assert 'name="content"' not in page(viewer.get(change))
    assert viewer.get(f"{url}add/").status_code == 403
    assert viewer.post(f"{url}{file.pk}/verify/").status_code == 302
    data = {"content_type": "text/html", "original_name": "x", "fields": "{}"}
    assert viewer.post(change, data).status_code == 403
    assert viewer.post(f"{url}{file.pk}/delete/", {"post": "yes"}).status_code == 403
    changer = with_permissions("view", "change")
    assert changer.post(change, data).status_code == 302
    assert changer.post(f"{url}{file.pk}/delete/", {"post": "yes"}).status_code == 403
    assert FileDocument.objects.get().content_type == "text/html"


def test_it_is_registered_by_being_installed():
    assert admin.site.is_registered(FileDocument)
    assert checks.run_checks(app_configs=None, tags=["admin"]) == []
