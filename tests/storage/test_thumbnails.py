"""Thumbnails: made once, for whoever may see the picture, and gone with it."""

import asyncio
import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO

import pytest
from django.core.files.base import ContentFile
from django.test import AsyncRequestFactory, RequestFactory
from PIL import Image

from mongo_contrib.bridge import native
from mongo_contrib.storage import GridFSStorage
from mongo_contrib.storage import thumbnails as module
from mongo_contrib.storage.exceptions import NoPicture, ThumbnailsBusy
from mongo_contrib.storage.thumbnails import Thumbnails, checked_sizes, name_of, sweep
from mongo_contrib.storage.views import AsyncFileView, FileView

SIZES = {"small": (64, 64), "wide": (120, 60)}


def picture(format="PNG", size=(200, 100), colour=(200, 10, 20), **options):
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, format, **options)
    return out.getvalue()


@pytest.fixture
def storage(db):
    return GridFSStorage(base_url="/media/", thumbnails=SIZES)


@pytest.fixture
def info(storage, save):
    """A stored picture."""
    return storage.get_info(save("photos/red.png", picture()))


@pytest.fixture
def get(storage):
    """``get("a.png?thumbnail=small")`` is what the view answers, its content in `content`."""

    def get(address, view=FileView, **headers):
        class View(view):
            def get_storage(self):
                return storage

        name, _, query = address.partition("?")
        request = RequestFactory().get(f"/media/{name}?{query}", headers=headers)
        response = View.as_view()(request, name=name)
        if response.streaming:
            response.all = b"".join(response)
        return response

    return get


@pytest.fixture
def made(repository):
    """The names of the thumbnails that there are."""
    return lambda: sorted(each["filename"] for each in repository("fs.thumbnails.files").find())


def opened(data):
    return Image.open(BytesIO(data))


# Sizes


@pytest.mark.parametrize(
    "wrong",
    [
        ["small"],
        {"": (1, 1)},
        {"a b": (1, 1)},
        {"a": 160},
        {"a": (0, 10)},
        {"a": (10, 5000)},
        {"a": (True, 10)},
        {"a": (1.5, 10)},
        {"a": (10, 10, 10)},
        {1: (10, 10)},
    ],
)
def test_wrong_sizes_are_told(wrong):
    with pytest.raises(ValueError, match="thumbnails"):
        GridFSStorage(thumbnails=wrong)


def test_sizes_are_pairs():
    assert checked_sizes({"a": [1, 4096]}) == {"a": (1, 4096)}
    assert checked_sizes(None) == {}


# Made on request


def test_a_thumbnail_fits_into_its_size_and_is_made_once(storage, save, get, made, info):
    first = get("photos/red.png?thumbnail=wide")
    assert first.status_code == 200
    assert first["Content-Type"] == "image/webp"
    assert first["X-Content-Type-Options"] == "nosniff"
    assert opened(first.all).size == (120, 60)
    assert made() == [f"{info.id}/120x60.webp"]
    kept = storage.thumbnail_storage.get_info(made()[0])
    second = get("photos/red.png?thumbnail=wide")
    assert second.all == first.all
    assert storage.thumbnail_storage.get_info(made()[0]).id == kept.id


def test_it_is_served_as_any_file(get, info):
    first = get("photos/red.png?thumbnail=small")
    again = get("photos/red.png?thumbnail=small", if_none_match=first["ETag"])
    assert again.status_code == 304
    part = get("photos/red.png?thumbnail=small", range="bytes=0-3")
    assert (part.status_code, part.all) == (206, b"RIFF")
    assert get("photos/red.png?thumbnail=small")["ETag"] != get("photos/red.png")["ETag"]


def test_a_second_request_asks_for_both_documents_and_its_chunk(
    get, info, django_assert_num_queries
):
    get("photos/red.png?thumbnail=small")
    with django_assert_num_queries(3):
        get("photos/red.png?thumbnail=small")


@pytest.mark.parametrize("size", ["huge", "", "64x64", "../small", "small\x01"])
def test_only_declared_sizes_are_made(get, info, made, size):
    from django.http import Http404

    with pytest.raises(Http404):
        get(f"photos/red.png?thumbnail={size}")
    assert made() == []


def test_the_address(storage, settings):
    assert storage.thumbnail_url("a b.png", "small") == "/media/a%20b.png?thumbnail=small"
    with pytest.raises(ValueError, match="small, wide"):
        storage.thumbnail_url("a.png", "medium")


async def test_under_asgi(storage, info):
    class View(AsyncFileView):
        def get_storage(self):
            return storage

    request = AsyncRequestFactory().get("/media/photos/red.png?thumbnail=small")
    response = await View.as_view()(request, name="photos/red.png")
    assert response.status_code == 200
    assert opened(b"".join([part async for part in response])).size == (64, 32)


async def test_a_loop_goes_on_while_a_thumbnail_is_made(storage, info, monkeypatch):
    async def turn():
        turned.set()

    turned = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(data, size):
        # Runs in a thread: here the loop answers, or this never ends.
        asyncio.run_coroutine_threadsafe(turn(), loop).result(30)
        return b"made"

    monkeypatch.setattr(module.images, "smaller", slow)
    await native(storage.get_thumbnail, info, "small")
    assert turned.is_set()


# What is no picture


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1_000_000)
    parts = [(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


HOSTILE = {
    "empty.png": b"",
    "text.png": b"no picture at all",
    "short.png": picture()[:60],
    "cut.jpg": picture("JPEG", (400, 400))[:400],
    "bomb.png": bomb(100_000, 100_000),
    "large.png": bomb(8_000, 8_000),
    "negative.bmp": b"BM" + struct.pack("<IHHI", 60, 0, 0, 54) + b"\xff" * 40,
    "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "page.html": b"<!doctype html><img src=x onerror=alert(1)>",
    "zip.png": b"PK\x03\x04" + picture(),
    "head.gif": b"GIF89a<script>alert(1)</script>",
}


def test_what_is_no_picture_is_404_and_remembered(storage, save, get, made, monkeypatch):
    from django.http import Http404

    for name, content in HOSTILE.items():
        save(name, content)
        with pytest.raises(Http404):
            get(f"{name}?thumbnail=small")
        kept = name_of(storage.get_info(name).id, SIZES["small"])
        assert storage.thumbnail_storage.get_info(kept).length == 0, name
    assert len(made()) == len(HOSTILE)
    monkeypatch.setattr(Thumbnails, "make", None)
    for name in HOSTILE:
        with pytest.raises(Http404):
            get(f"{name}?thumbnail=small")


def test_what_was_no_picture_is_looked_at_again_some_day(storage, save, monkeypatch):
    info = storage.get_info(save("a.png", b"nothing"))
    for _ in range(2):
        with pytest.raises(NoPicture):
            storage.get_thumbnail(info, "small")
    monkeypatch.setattr(module.images, "smaller", lambda data, size: b"made")
    monkeypatch.setattr(module.images, "FORMATS", {info.content_type: "any"})
    with pytest.raises(NoPicture):
        storage.get_thumbnail(info, "small")
    monkeypatch.setattr(module, "REFUSED", timedelta(0))
    assert storage.get_thumbnail(info, "small").length == 4


def test_a_file_beyond_the_bound_is_not_read(storage, save, monkeypatch):
    info = storage.get_info(save("a.png", picture()))
    monkeypatch.setattr(module.images, "LARGEST_FILE", info.length - 1)
    monkeypatch.setattr("mongo_contrib.storage.files.GridFSFiles.read", None)
    with pytest.raises(NoPicture):
        storage.get_thumbnail(info, "small")


def test_a_damaged_file_has_none(storage, save, repository):
    info = storage.get_info(save("a.png", picture()))
    repository("fs.chunks").delete_many({})
    with pytest.raises(NoPicture):
        storage.get_thumbnail(info, "small")


def test_a_picture_that_says_to_be_something_else(storage, save):
    """The name's extension and what somebody has set as its type change nothing."""
    name = save("picture.txt", picture())
    assert opened_of(storage, name).size == (64, 32)


def opened_of(storage, name, size="small"):
    found = storage.get_thumbnail(storage.get_info(name), size)
    return opened(b"".join(storage.thumbnail_storage.files.read(found)))


# Many at once


def test_concurrent_requests_leave_one(storage, info, made):
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: storage.get_thumbnail(info, "small").id, range(6)))
    assert len(set(found)) == 1
    assert len(made()) == 1
    assert storage.thumbnail_storage.files.chunks.count_documents({}) == 1


def test_who_finds_no_place_in_time_is_told(storage, info, get, monkeypatch, made):
    monkeypatch.setattr(module, "PLACES", module.Places(1))
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    with module.PLACES.taken():
        with pytest.raises(ThumbnailsBusy):
            storage.get_thumbnail(info, "small")
        response = get("photos/red.png?thumbnail=small")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert made() == []  # and nothing is remembered of it
    assert get("photos/red.png?thumbnail=small").status_code == 200


def test_a_queue_has_an_end(monkeypatch):
    monkeypatch.setattr(module, "WAITING", 0)
    with pytest.raises(ThumbnailsBusy), module.Places(1).taken():
        pass


async def test_who_goes_away_keeps_the_place_until_the_thread_has_ended(
    storage, info, monkeypatch
):
    """Or as many pictures would be decoded at once as somebody begins to ask for."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(data, size):
        begun.set()
        assert go_on.wait(30)
        return b"made"

    monkeypatch.setattr(module, "PLACES", module.Places(1))
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    monkeypatch.setattr(module.images, "smaller", slow)
    task = asyncio.create_task(native(storage.get_thumbnail, info, "small"))
    try:
        assert await asyncio.to_thread(begun.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(ThumbnailsBusy):
            await native(storage.get_thumbnail, info, "wide")
    finally:
        go_on.set()
    monkeypatch.setattr(module, "PATIENCE", 30)
    assert (await native(storage.get_thumbnail, info, "wide")).length == 4


async def test_a_place_is_free_after_what_was_no_picture(storage, info, monkeypatch):
    def fails(data, size):
        raise NoPicture("No.")

    monkeypatch.setattr(module, "PLACES", module.Places(1))
    monkeypatch.setattr(module, "PATIENCE", 5)
    monkeypatch.setattr(module.images, "smaller", fails)
    for size in SIZES:
        with pytest.raises(NoPicture):
            await native(storage.get_thumbnail, info, size)


# Gone with their originals


def test_deleting_a_file_deletes_its_thumbnails(storage, save, get, made, info):
    other = storage.get_info(save("photos/blue.png", picture(colour=(0, 0, 255))))
    for each in SIZES:
        get(f"photos/red.png?thumbnail={each}")
        get(f"photos/blue.png?thumbnail={each}")
    storage.delete("photos/red.png")
    assert all(name.startswith(str(other.id)) for name in made())
    assert len(made()) == 2
    assert storage.thumbnail_storage.files.chunks.count_documents({}) == 2


def test_a_new_file_in_the_place_of_another_has_its_own(storage, get, made, info):
    get("photos/red.png?thumbnail=small")
    with storage.open("photos/red.png", "wb") as file:
        file.write(picture(colour=(0, 0, 255)))
    new = get("photos/red.png?thumbnail=small")
    red, _, blue = opened(new.all).convert("RGB").getpixel((5, 5))
    assert blue > 200 > red
    storage.delete("photos/red.png")
    assert made() == []


def test_one_that_is_made_while_its_file_is_deleted_does_not_stay(
    storage, info, made, monkeypatch
):
    def meanwhile(data, size):
        storage.delete("photos/red.png")
        return b"made"

    monkeypatch.setattr(module.images, "smaller", meanwhile)
    with pytest.raises(NoPicture, match="deleted"):
        storage.get_thumbnail(info, "small")
    assert made() == []


def test_what_a_kill_leaves_is_swept(storage, save, made, info, repository):
    storage.get_thumbnail(info, "small")
    lost = storage.get_info(save("lost.png", picture()))
    storage.get_thumbnail(lost, "small")
    # Somebody dies between deleting the file and its thumbnail.
    repository("fs.files").delete_many({"_id": lost.id})
    theirs = {"filename": f"{info.id}/of/others", "_id": 1}
    repository("fs.thumbnails.files").insert_one(theirs)
    assert sweep(storage.files) == 1
    assert made() == [f"{info.id}/64x64.webp", f"{info.id}/of/others"]
    assert sweep(storage.files) == 0
    storage.delete("photos/red.png")
    assert made() == [f"{info.id}/of/others"]


def test_files_of_other_programs_have_any_id(storage, save, repository):
    data = picture()
    info = storage.get_info(save("a.png", data))
    document = repository("fs.files").find_one({"_id": info.id})
    repository("fs.files").insert_one({**document, "_id": "../x", "filename": "b.png"})
    repository("fs.chunks").insert_one({"files_id": "../x", "n": 0, "data": data})
    assert opened_of(storage, "b.png").size == (64, 32)
    storage.delete("b.png")
    assert storage.thumbnail_storage.listdir("")[0] == []


# Private files


@pytest.fixture
def private(db):
    return GridFSStorage(base_url="/media/", thumbnails=SIZES, querystring_auth=True)


def test_thumbnails_of_private_files_are_signed_for_themselves_alone(private, save):
    from django.core.exceptions import PermissionDenied

    private.save("a.png", ContentFile(picture()))

    class View(FileView):
        def get_storage(self):
            return private

    def status(address):
        request = RequestFactory().get(address)
        try:
            return View.as_view()(request, name="a.png").status_code
        except PermissionDenied:
            return 403

    url = private.thumbnail_url("a.png", "small")
    assert status(url) == 200
    assert status(url.replace("small", "wide")) == 403
    assert status(url.replace("thumbnail=small&", "")) == 403
    assert status("/media/a.png?thumbnail=small") == 403
    # Who may have the file may have its thumbnails.
    assert status(private.url("a.png") + "&thumbnail=wide") == 200


def test_who_may_not_see_the_file_makes_no_thumbnail(db, made):
    from django.core.exceptions import PermissionDenied

    storage = GridFSStorage(
        base_url="/media/", thumbnails=SIZES, permission=lambda request, info: False
    )
    storage.save("a.png", ContentFile(picture()))

    class View(FileView):
        def get_storage(self):
            return storage

    request = RequestFactory().get("/media/a.png?thumbnail=small")
    with pytest.raises(PermissionDenied):
        View.as_view()(request, name="a.png")
    assert made() == []
