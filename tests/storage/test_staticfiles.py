"""collectstatic into GridFS, and static files out of it."""

import asyncio
import json
import os
import threading
import time

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.template import Context, Template
from django.test import AsyncClient

from mongo_contrib.storage import GridFSStorage
from mongo_contrib.storage.staticfiles import (
    GridFSManifestStaticFilesStorage,
    GridFSStaticFilesStorage,
)

pytestmark = [pytest.mark.urls("tests.storage.static_urls"), pytest.mark.django_db]

PLAIN = "mongo_contrib.storage.staticfiles.GridFSStaticFilesStorage"
MANIFEST = "mongo_contrib.storage.staticfiles.GridFSManifestStaticFilesStorage"

SITE = {
    "css/site.css": "@import url('more.css'); body { background: url(../img/a.png) }",
    "css/more.css": "p { color: red }",
    "js/app.js": "import './part.js';\n",
    "js/part.js": "export const größe = 1\n",
    "img/a.png": "\x89PNG no image",
    "img/a.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
}


class Modules(GridFSManifestStaticFilesStorage):
    support_js_module_import_aggregation = True


@pytest.fixture
def site(tmp_path):
    """A directory with the sources of static files."""
    for name, content in SITE.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
        os.utime(path, (time.time() - 1000,) * 2)
    return tmp_path


@pytest.fixture
def configure(settings, site):
    """Make a class the storage of static files, with these options."""

    def configure(backend=MANIFEST, **options):
        settings.STATICFILES_DIRS = [site]
        settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
        settings.STORAGES = {
            "default": {"BACKEND": "mongo_contrib.storage.GridFSStorage"},
            "staticfiles": {"BACKEND": backend, "OPTIONS": options},
        }
        return storages["staticfiles"]

    return configure


def collect(**options):
    """Run collectstatic and return what it says."""
    from io import StringIO

    out = StringIO()
    call_command("collectstatic", interactive=False, verbosity=1, stdout=out, **options)
    return out.getvalue().strip()


def change(path, content):
    path.write_text(content)
    later = time.time() + 1000
    os.utime(path, (later, later))


def render(name):
    page = Template("{% load static %}{% static '" + name + "' %}")
    return page.render(Context())


def text(storage, name):
    with storage.open(name) as file:
        return file.read().decode()


def test_files_are_collected_and_those_that_are_unmodified_are_not(configure, site):
    storage = configure(PLAIN)
    assert collect() == "6 static files copied."
    assert storage.listdir("css") == ([], ["more.css", "site.css"])
    assert text(storage, "css/more.css") == SITE["css/more.css"]
    assert render("css/site.css") == "/static/css/site.css"
    assert collect() == "0 static files copied, 6 unmodified."
    change(site / "css/more.css", "p { color: blue }")
    assert collect() == "1 static file copied, 5 unmodified."
    assert text(storage, "css/more.css") == "p { color: blue }"
    assert storage.listdir("css") == ([], ["more.css", "site.css"])


def test_a_dry_run_stores_nothing(configure, stored):
    configure()
    assert collect(dry_run=True).endswith("6 static files copied.")
    assert stored("static") == (0, 0)


def test_clearing_takes_away_what_no_longer_is(configure, site):
    storage = configure(PLAIN)
    storage.save("old/gone.txt", ContentFile(b"1"))
    collect(clear=True)
    assert storage.listdir("")[0] == ["css", "img", "js"]
    collect(clear=True, dry_run=True)
    assert storage.exists("css/site.css")


def test_static_files_lie_apart_from_those_of_visitors(configure, repository):
    configure(PLAIN)
    GridFSStorage().save("css/site.css", ContentFile(b"of a visitor"))
    collect()
    assert repository("fs.files").count() == 1
    assert configure(PLAIN, bucket="assets").bucket == "assets"
    assert configure(PLAIN, collection="assets").bucket == "assets"


def test_names_have_hashes_and_files_name_each_other_by_them(configure):
    storage = configure()
    assert "post-processed" in collect()
    assert render("css/more.css").startswith("/static/css/more.")
    name = storage.hashed_files["css/site.css"]
    assert name != "css/site.css"
    content = text(storage, name)
    assert storage.hashed_files["css/more.css"].removeprefix("css/") in content
    assert storage.hashed_files["img/a.png"].removeprefix("img/") in content


def test_the_manifest_is_a_file_of_the_bucket_and_is_read_by_others(configure):
    storage = configure()
    collect()
    written = json.loads(text(storage, "staticfiles.json"))
    assert written["paths"] == storage.hashed_files
    another = GridFSManifestStaticFilesStorage()
    assert another.hashed_files == storage.hashed_files
    assert another.manifest_hash == storage.manifest_hash == written["hash"]


def test_making_the_storage_asks_no_server(configure, assert_num_commands):
    configure()
    with assert_num_commands(0):
        storage = GridFSManifestStaticFilesStorage()
    with assert_num_commands(2):  # the file under its name, and beside it
        assert storage.hashed_files == {}
        assert storage.manifest_hash == ""
    with assert_num_commands(0):
        assert storage.hashed_files == {}


def test_a_manifest_that_is_none_is_said(configure):
    storage = configure()
    storage.save("staticfiles.json", ContentFile(b"no JSON"))
    with pytest.raises(ValueError, match="Couldn't load manifest"):
        storage.url("css/site.css")


def test_the_manifest_may_lie_elsewhere(configure, stored):
    elsewhere = GridFSStorage(bucket="manifests")
    storage = configure(manifest_storage=elsewhere)
    collect()
    collect()
    assert elsewhere.listdir("") == ([], ["staticfiles.json"])
    assert not storage.exists("staticfiles.json")
    assert GridFSManifestStaticFilesStorage(manifest_storage=elsewhere).hashed_files


def test_collecting_again_never_takes_a_file_away(configure, site, repository):
    storage = configure()
    collect()
    before = {file["filename"]: file["_id"] for file in repository("static.files").find()}
    change(site / "css/more.css", "p { color: blue }")
    collect()
    after = {file["filename"]: file["_id"] for file in repository("static.files").find()}
    # What has a hash in its name stays the very file that it was; old ones stay for old pages.
    hashed = [name for name in before if before[name] == after.get(name)]
    assert len(hashed) >= 5
    assert set(before) < set(after)
    assert after["staticfiles.json"] != before["staticfiles.json"]
    assert text(storage, storage.hashed_files["css/more.css"]) == "p { color: blue }"


def test_readers_find_a_manifest_and_files_while_others_collect(configure, transactional_db):
    storage = configure()
    collect()
    names = list(storage.hashed_files.values())
    missing, stop, rounds = [], threading.Event(), []

    def read():
        from django.db import connections

        reader = GridFSManifestStaticFilesStorage()
        while not stop.is_set():
            rounds.append(1)
            missing.extend(n for n in ["staticfiles.json", *names] if not reader.exists(n))
        connections.close_all()

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for _ in range(4):
            collect()
    finally:
        stop.set()
        thread.join()
    assert rounds
    assert missing == []


def test_an_unprocessed_name_is_an_error_unless_it_is_not_strict(configure):
    storage = configure()
    collect()
    with pytest.raises(ValueError, match="Missing staticfiles manifest entry"):
        storage.url("nope.css")


def test_modules_import_each_other_by_hashed_names(configure):
    storage = configure(f"{__name__}.Modules")
    collect()
    part = storage.hashed_files["js/part.js"].removeprefix("js/")
    assert f'import"./{part}"' in text(storage, storage.hashed_files["js/app.js"])


def test_a_project_without_a_static_url_is_told(configure, settings):
    storage = configure(PLAIN)
    settings.STATIC_URL = None
    with pytest.raises(ImproperlyConfigured, match="STATIC_URL"):
        storage.url("a.css")
    assert GridFSStaticFilesStorage(base_url="https://cdn.example/").url("a") == (
        "https://cdn.example/a"
    )


def test_the_storage_of_django_is_ours(configure):
    storage = configure()
    assert staticfiles_storage.bucket == storage.bucket == "static"
    path, args, options = GridFSStaticFilesStorage(chunk_size=10).deconstruct()
    assert (path, args, options) == (PLAIN, (), {"chunk_size": 10})


# Serving


def test_what_has_a_hash_is_kept_for_a_year_and_all_else_is_asked_for(configure, client):
    storage = configure()
    collect()
    hashed = client.get(storage.url("css/site.css"))
    assert hashed.status_code == 200
    assert hashed["Cache-Control"] == "public, max-age=31536000, immutable"
    plain = client.get("/static/css/site.css")
    assert plain["Cache-Control"] == "no-cache"
    again = client.get("/static/css/site.css", headers={"if-none-match": plain["ETag"]})
    assert again.status_code == 304
    assert again["Cache-Control"] == "no-cache"
    assert client.get("/static/css/nope.css").status_code == 404


def test_a_name_without_a_hash_is_never_said_to_stay(configure, client):
    class NoHash(GridFSManifestStaticFilesStorage):
        def file_hash(self, name, content=None):
            return None

    storage = NoHash()
    found = {"a.css": (ContentSource({"a.css": b"p {}"}), "a.css")}
    list(storage.post_process(found))
    assert not storage.is_immutable(storage.get_info("a.css"))


class ContentSource:
    """What a finder gives: files by their names."""

    def __init__(self, files):
        self.files = files

    def open(self, name):
        return ContentFile(self.files[name], name)


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("css/site.css", "text/css; charset=utf-8"),
        ("js/app.js", "text/javascript; charset=utf-8"),
        ("img/a.svg", "image/svg+xml; charset=utf-8"),
    ],
)
def test_a_browser_may_use_a_file_as_what_it_is(configure, client, name, content_type):
    configure(PLAIN)
    collect()
    response = client.get(f"/static/{name}")
    assert response["Content-Type"] == content_type
    assert response["Content-Disposition"].startswith("inline")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "Content-Security-Policy" not in response.headers
    assert b"".join(response.streaming_content) == SITE[name].encode()


def test_files_of_visitors_are_not_served_like_that(configure, client):
    configure()
    with pytest.raises(ImproperlyConfigured, match=r"STORAGES\['default'\] is a GridFSStorage"):
        client.get("/visitors/a.html")


@pytest.mark.parametrize("prefix", ["/static/", "/async/"])
def test_an_asynchronous_page_and_server(configure, transactional_db, prefix):
    configure(base_url=prefix)
    collect()

    async def get():
        storage = GridFSManifestStaticFilesStorage(base_url=prefix)
        url = storage.url("css/site.css")  # as a template does it that a coroutine renders
        response = await AsyncClient().get(url)
        return response, b"".join([part async for part in response])

    response, content = asyncio.run(get())
    assert response.status_code == 200
    assert response["Cache-Control"].endswith("immutable")
    assert b"@import" in content
