"""Files that a storage does not take."""

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile

from mongo_contrib.storage import (
    ContentTypeRefused,
    FileRefused,
    FileTooLarge,
    GridFSStorage,
)

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def small(db):
    return GridFSStorage(chunk_size=10, max_size=100)


@pytest.fixture
def images(db):
    return GridFSStorage(allowed_content_types=["image/*", "text/csv"])


def test_the_largest_file_that_is_allowed(small):
    assert small.save("a.txt", ContentFile(b"x" * 100)) == "a.txt"


def test_one_byte_more_is_refused_and_nothing_stays(small, stored):
    with pytest.raises(
        FileTooLarge, match=r"The file 'dir/a.txt' has more than the 100 bytes that are allowed"
    ):
        small.save("dir/a.txt", ContentFile(b"x" * 101))
    assert stored() == (0, 0)


def test_a_file_without_end_is_refused_on_its_way(small, stored, monkeypatch):
    monkeypatch.setattr("mongo_contrib.storage.layout.WINDOW_BYTES", 10)
    taken = []

    class Endless(ContentFile):
        def chunks(self):
            while True:
                taken.append(stored()[1])
                yield b"x" * 30

    with pytest.raises(FileTooLarge):
        small.save("a.txt", Endless(b""))
    assert len(taken) == 4  # the fourth would have been too much
    assert taken[-1] > 0
    assert stored() == (0, 0)


@pytest.mark.parametrize("content", [PNG, b"\xff\xd8\xff", b"GIF89a" + b"x" * 5000])
def test_a_type_that_is_allowed(images, content):
    assert images.save("a.txt", ContentFile(content)) == "a.txt"


def test_a_type_that_is_not_is_refused_and_nothing_stays(images, stored):
    for name, content in [("a.png", b"<html>"), ("a.png", b"MZ\0"), ("a.png", b""), ("a", b"a")]:
        content = ContentFile(content)
        content.content_type = "image/png"  # as the browser has it
        with pytest.raises(ContentTypeRefused, match=r"allowed are image/\*, text/csv\.$"):
            images.save(name, content)
    assert stored() == (0, 0)


def test_a_type_is_refused_before_the_rest_is_read(images):
    class Watched(ContentFile):
        def chunks(self):
            yield b"%PDF-"
            yield b"x" * 10_000
            pytest.fail("It went on reading.")

    with pytest.raises(ContentTypeRefused, match="'application/pdf'"):
        images.save("a.png", Watched(b""))


def test_a_type_that_was_given_by_the_caller_is_not_what_counts(images):
    content = ContentFile(b"<html>")
    content.metadata = {"content_type": "image/png"}
    with pytest.raises(ContentTypeRefused):
        images.save("a.png", content)


@pytest.mark.parametrize(("name", "content"), [("a.png", b"x" * 101), ("a.png", b"<html>")])
def test_a_file_that_was_refused_does_not_come_back_by_closing_it(db, stored, name, content):
    storage = GridFSStorage(max_size=100, allowed_content_types=("image/*",))
    file = storage.open(name, "wb")
    file.write(PNG[:3])
    with pytest.raises(FileRefused):
        file.write(content)
        file.close()
    if not file.closed:
        with pytest.raises(FileRefused):
            file.close()
    assert stored() == (0, 0)


def test_an_error_that_django_answers_by_400(client, small):
    assert issubclass(FileRefused, SuspiciousFileOperation)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"max_size": 0}, "max_size is a number of bytes above 0, or None, not 0"),
        ({"max_size": "1 MB"}, "max_size is a number of bytes above 0, or None, not '1 MB'"),
        ({"max_size": True}, "max_size is a number of bytes"),
        ({"allowed_content_types": "image/*"}, "allowed_content_types is a list of types"),
        ({"allowed_content_types": []}, "allowed_content_types is a list of types"),
        (
            {"allowed_content_types": ["image"]},
            r"families like 'image/\*', and cannot have 'image'",
        ),
        ({"allowed_content_types": ["*/*"]}, r"cannot have '\*/\*'"),
        ({"allowed_content_types": ["IMAGE/PNG"]}, "cannot have 'IMAGE/PNG'"),
        ({"allowed_content_types": [5]}, "cannot have 5"),
    ],
)
def test_options_that_cannot_be(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        GridFSStorage(**options)
