"""`gridfs get`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import SuspiciousFileOperation
from django.core.management.base import CommandError, CommandParser

from mongo_contrib.storage import FileInfo
from mongo_contrib.storage.maintenance import newest, walk
from mongo_contrib.storage.maintenance.downloading import compared, download
from mongo_contrib.storage.maintenance.paths import inside_folder, path_parts

from .base import Action, shown

__all__ = ["Get"]

STDOUT = "-"


class Get(Action):
    """Writes stored files to this machine."""

    name = "get"
    help = (
        "Writes stored files to this machine: each is there when it is whole and its SHA-256 has "
        "been compared. The last of several arguments is where to, a file or a folder."
    )
    examples = {
        "get papers/2024.pdf": "as 2024.pdf into this folder",
        "get papers/2024.pdf /tmp/paper.pdf": "under another name",
        "get a.pdf b.pdf downloads/": "several into a folder",
        "get -r papers /tmp": "a folder with all that is below it, as /tmp/papers",
        "get -r / /tmp/all": "everything",
        "get backup.tar - | tar x": "into a pipe",
    }

    @classmethod
    def add_arguments(cls, parser: CommandParser) -> None:
        parser.add_argument(
            "arguments",
            nargs="+",
            metavar="NAME... [DEST]",
            help="Names, or folders with -r; and a file, a folder, or - for the standard output.",
        )
        parser.add_argument(
            "-r", "--recursive", action="store_true", help="Folders, with all that is below."
        )
        parser.add_argument(
            "--force", action="store_true", help="In the place of files that are there."
        )

    def run(self, options: Mapping[str, Any]) -> None:
        names, target = self.split(options["arguments"])
        if options["recursive"] and target == STDOUT:
            raise CommandError("A folder cannot go to the standard output.", returncode=2)
        failures = 0
        for name in names:
            found = False
            for info, parts in self.all_files(name, recursive=options["recursive"]):
                found = True
                try:
                    self.get(info, parts, target, options)
                except (OSError, SuspiciousFileOperation) as exc:
                    if isinstance(exc, BrokenPipeError):
                        raise
                    failures += 1
                    self.refused(self.relative(info.name), exc)
            if not found:
                failures += 1
                self.stderr.write(f"{shown(name)}: There is no such file.{self.hint(name)}")
        if failures:
            raise CommandError(f"{failures} file(s) could not be got.")

    def hint(self, name: str) -> str:
        found = next(walk(self.files, self.located(name.rstrip("/"))), None)
        return " It is a folder: -r gets all that is below it." if found else ""

    @staticmethod
    def split(arguments: list[str]) -> tuple[list[str], str]:
        if len(arguments) == 1:
            return arguments, "./"
        *names, target = arguments
        if len(names) > 1 and target == STDOUT:
            raise CommandError("Only one file can go to the standard output.", returncode=2)
        if len(names) > 1 and not target.endswith("/") and not Path(target).is_dir():
            raise CommandError(
                f"Several files go into a folder, and {shown(target)} is none: write "
                f"{shown(target)}/ to make it.",
                returncode=2,
            )
        return names, target

    def all_files(self, name: str, *, recursive: bool) -> Iterator[tuple[FileInfo, str]]:
        """The files, and of each what its path is below the target."""
        if not recursive:
            info = self.files.find(self.located(name))
            if info is not None:
                yield info, info.name.rpartition("/")[2]
            return
        folder = name.strip("/")
        path = self.located(folder)
        base = path.rpartition("/")[0] if folder else path
        for info in newest(walk(self.files, path)):
            yield info, info.name[len(base) + 1 :] if base else info.name

    def get(self, info: FileInfo, inner: str, target: str, options: Mapping[str, Any]) -> None:
        if target == STDOUT:
            out = self.stdout.buffer
            for data in compared(self.files, info):
                out.write(data)
            out.flush()
            return
        into = options["recursive"] or target.endswith("/") or Path(target).is_dir()
        path = inside_folder(Path(target), path_parts(inner)) if into else Path(target)
        with self.progress(info.name, info.length) as progress:
            download(self.files, info, path, overwrite=options["force"], advance=progress.advance)
