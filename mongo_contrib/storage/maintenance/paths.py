"""Names from a bucket as paths of this machine: where they lead out of a folder, they are refused.

Others choose these names. No server needed.
"""

import os
import stat
import unicodedata
from pathlib import Path

from django.core.exceptions import SuspiciousFileOperation

__all__ = ["inside_folder", "path_parts"]

# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICES = {
    *("con", "prn", "aux", "nul", "conin$", "conout$"),
    *(f"{port}{number}" for port in ("com", "lpt") for number in "0123456789\u00b9\u00b2\u00b3"),
}


def path_parts(name: str, *, windows: bool = os.name == "nt") -> list[str]:
    """The parts of a name, each of which can be the name of a file or of a folder here.

    SuspiciousFileOperation for a name that leads out of the folder that it is put into.
    """
    parts = name.split("/")
    for part in parts:
        if part in ("", ".", ".."):
            raise _refused(name, f"the part {part!r} leads elsewhere")
        if "\\" in part:
            raise _refused(name, "there is a backslash in it, which is a separator elsewhere")
        if any(unicodedata.category(char) in ("Cc", "Cs") for char in part):
            raise _refused(name, "there is a character in it that no file's name should have")
        if windows:
            _check_windows(name, part)
    return parts


def _check_windows(name: str, part: str) -> None:
    # A colon is a drive's or an alternate stream's.
    if set(part) & set('<>:"|?*') or part[-1] in ". ":
        raise _refused(name, f"Windows has no file {part!r}")
    if part.partition(".")[0].rstrip(" ").lower() in _DEVICES:
        raise _refused(name, f"{part!r} is a device of Windows")


def inside_folder(folder: Path, parts: list[str]) -> Path:
    """The path of these parts below `folder`, all of whose folders are there now.

    SuspiciousFileOperation where a link, or what is no folder, is in the way.
    """
    path = folder
    path.mkdir(parents=True, exist_ok=True)
    for part in parts[:-1]:
        path /= part
        path.mkdir(exist_ok=True) if not path.is_symlink() else None
        if not stat.S_ISDIR(path.lstat().st_mode):
            raise SuspiciousFileOperation(
                f"{str(path)!r} is a link: what is below it could lie anywhere."
            )
    return path / parts[-1]


def _refused(name: str, why: str) -> SuspiciousFileOperation:
    return SuspiciousFileOperation(f"The name {name!r} can be no path here: {why}.")
