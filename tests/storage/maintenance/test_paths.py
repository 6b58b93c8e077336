"""Names that others have chosen, as paths of this machine."""

import pytest
from django.core.exceptions import SuspiciousFileOperation

from mongo_contrib.storage.maintenance.paths import inside_folder, path_parts

HOSTILE = [
    *("", "/", "/etc/passwd", "..", "../a", "a/../b", "a/..", ".", "./a", "a/./b", "a//b", "a/"),
    *("a\\b", "..\\a", "C:\\a", "\\\\server\\share", "a\0b", "a\nb", "a\x1b[2J", "\x85", "\ud800"),
]
WINDOWS = [
    *("C:", "C:a", "a:stream", "con", "CON", "aux.txt", "nul.tar.gz", "com1", "LPT9.txt", "com¹"),
    *("a.", "a ", "a?", "a*", "<a>", 'a"', "a|b", "dir/prn", "con .txt", "CONIN$"),
]
FINE = ["a", "a/b/c", "...", "..a", "a..b", ".hidden", "ä ö/ü", "con1", "console", "a b.txt"]


@pytest.mark.parametrize("windows", [True, False])
def test_names_that_lead_elsewhere(windows):
    for name in HOSTILE:
        with pytest.raises(SuspiciousFileOperation, match="can be no path here"):
            path_parts(name, windows=windows)


def test_names_that_windows_has_for_something_else():
    for name in WINDOWS:
        assert path_parts(name, windows=False) == name.split("/")
        with pytest.raises(SuspiciousFileOperation, match="Windows"):
            path_parts(name, windows=True)


def test_names_that_are_fine():
    for name in FINE:
        assert path_parts(name, windows=False) == name.split("/")
        if not name.endswith("."):
            assert path_parts(name, windows=True) == name.split("/")


def test_folders_are_made(tmp_path):
    folder = tmp_path / "new"
    assert inside_folder(folder, ["a", "b", "c.txt"]) == folder / "a" / "b" / "c.txt"
    assert (folder / "a" / "b").is_dir()
    assert inside_folder(folder, ["a", "b", "c.txt"]) == folder / "a" / "b" / "c.txt"


def test_links_are_not_followed(tmp_path):
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir(), folder.mkdir()
    (folder / "link").symlink_to(outside)
    (folder / "broken").symlink_to(tmp_path / "nowhere")
    for name in ("link", "broken"):
        with pytest.raises(SuspiciousFileOperation, match="is a link"):
            inside_folder(folder, [name, "sub", "a.txt"])
    assert list(outside.iterdir()) == []
    # Where the user said so, a link is fine.
    assert inside_folder(folder / "link", ["a.txt"]) == folder / "link" / "a.txt"
    (folder / "file").write_text("")
    with pytest.raises(OSError):
        inside_folder(folder, ["file", "a.txt"])
