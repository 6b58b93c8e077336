"""Files as open() gives them."""

import gc
import io

import pytest
from django.core.files.base import ContentFile

from mongo_contrib.storage import DamagedFile


def test_reading_like_any_file(storage, save):
    save("a.txt", b"one\ntwo\nthree")
    with storage.open("a.txt") as file:
        assert file.size == len(file) == 13
        assert file.read(5) == b"one\nt"
        assert file.tell() == 5
        assert file.readline() == b"wo\n"
        assert file.seek(-2, io.SEEK_END) == 11
        assert file.read() == b"ee"
        assert file.read() == b""
        assert file.seek(1) == 1
        assert file.seek(2, io.SEEK_CUR) == 3
        assert file.read(1) == b"\n"
        assert file.seek(99) == 99
        assert file.read() == b""
        assert list(file) == [b"one\n", b"two\n", b"three"]
        assert b"".join(file.chunks(chunk_size=3)) == b"one\ntwo\nthree"
        assert not file.closed
    assert file.closed


def test_seeking_before_the_start_is_an_error(storage, save):
    save("a.txt")
    with storage.open("a.txt") as file, pytest.raises(ValueError):
        file.seek(-1)


def test_reading_and_writing_text(storage):
    with storage.open("a.txt", "w") as file:
        file.write("größe\n")
        file.write("日本")
    with storage.open("a.txt", "r") as file:
        assert file.read() == "größe\n日本"
        file.seek(0)
        assert list(file) == ["größe\n", "日本"]
    with storage.open("a.txt") as file:
        assert file.read() == "größe\n日本".encode()


def test_what_is_written_is_there_when_closed(storage):
    with storage.open("a.bin", "wb") as file:
        file.write(b"0123456789")
        assert file.size == 10
        assert not storage.exists("a.bin")
    assert storage.open("a.bin").read() == b"0123456789"


def test_writing_replaces_a_file_of_that_name(storage, save, stored):
    save("a.bin", b"the old content")
    with storage.open("a.bin", "wb") as file:
        file.write(b"new")
        assert storage.open("a.bin").read() == b"the old content"
    assert storage.open("a.bin").read() == b"new"
    assert stored() == (1, 1 + 4)  # the old content stays for those who read it


def test_an_exception_while_writing_leaves_nothing(storage, save, stored):
    save("a.bin", b"old")
    with pytest.raises(RuntimeError), storage.open("a.bin", "wb") as file:
        file.write(b"half of the ne")
        raise RuntimeError
    assert storage.open("a.bin").read() == b"old"
    assert stored() == (1, 1)


def test_what_nobody_closes_is_never_seen(storage):
    file = storage.open("a.bin", "wb")
    file.write(b"half")
    del file
    gc.collect()
    assert not storage.exists("a.bin")


def test_closing_twice_is_closing_once(storage, stored):
    file = storage.open("a.bin", "wb")
    file.close()
    file.close()
    assert stored() == (1, 0)


def test_a_closed_file_is_not_written_to(storage, stored):
    file = storage.open("a.bin", "wb")
    file.write(b"1")
    file.close()
    with pytest.raises(ValueError, match="closed file"):
        file.write(b"x" * 5_000_000)
    assert stored() == (1, 1)


def test_a_closed_file_opens_again(storage, save):
    save("a.txt", b"content")
    file = storage.open("a.txt")
    file.read()
    assert file.open().read() == b"content"
    file.close()
    assert file.open().read() == b"content"
    assert file.open("r").read() == "content"
    with file.open("wb") as writing:
        writing.write(b"new")
    assert file.open("rb").read() == b"new"
    file.close()


@pytest.mark.parametrize("mode", ["a", "ab", "r+b", "w+", "x", ""])
def test_modes_that_change_a_file_in_place_are_refused(storage, save, mode):
    save("a.txt")
    with pytest.raises(ValueError, match="opens in one of the modes rb, wb, r, rt, w, wt, not"):
        storage.open("a.txt", mode)


def test_a_damaged_file_is_an_error_and_not_shorter(storage, save, database):
    save("a.bin", b"0123456789")
    database["fs.chunks"].delete_one({"n": 1})
    with storage.open("a.bin") as file, pytest.raises(DamagedFile, match="has no chunk 1"):
        file.read()


def test_a_file_of_a_storage_is_content_for_another(storage, save):
    save("a.bin", b"0123456789")
    with storage.open("a.bin") as file:
        assert storage.save("b.bin", file) == "b.bin"
    assert storage.open("b.bin").read() == b"0123456789"


def test_saving_reads_from_the_start(storage):
    content = ContentFile(b"0123456789")
    content.read(3)
    storage.save("a.bin", content)
    assert storage.size("a.bin") == 10
