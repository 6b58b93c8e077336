"""`gridfs rm`."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import SuspiciousFileOperation
from django.core.management.base import CommandError, CommandParser

from mongo_contrib.management.printable import amount
from mongo_contrib.storage import FileInfo
from mongo_contrib.storage.maintenance import newest, totals, walk

from .base import Action, shown

__all__ = ["Remove"]

SHOWN = 10


class Remove(Action):
    """Deletes stored files."""

    name = "rm"
    help = "Deletes stored files, after it has shown which and asked."
    examples = {
        "rm a.txt b.txt": "two files",
        "rm -r photos/2024": "a folder, which is all files below it",
        "rm -r / --noinput": "everything, without a question",
    }

    @classmethod
    def add_arguments(cls, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="+", metavar="NAME", help="Files, or folders with -r.")
        parser.add_argument(
            "-r", "--recursive", action="store_true", help="Folders, with all that is below."
        )
        parser.add_argument(
            "--noinput", "--no-input", action="store_false", dest="interactive", help="Don't ask."
        )

    def run(self, options: Mapping[str, Any]) -> None:
        names, recursive = options["names"], options["recursive"]
        missing = [name for name in names if not self.is_there(name, recursive=recursive)]
        if missing:
            listed = ", ".join(repr(shown(name)) for name in missing)
            folders = "" if recursive else " (folders need -r)"
            raise CommandError(f"There is no file {listed}{folders}; nothing was deleted.")
        if options["interactive"]:
            self.ask(names, recursive=recursive)
        deleted = 0
        with self.progress("Deleting", unit="files") as progress:
            for name in names:
                for info in self.all_files(name, recursive=recursive):
                    deleted += self.delete(info)
                    progress.advance(1)
        self.tell(f"Deleted {deleted:,} file(s).", level=2)

    def all_files(self, name: str, *, recursive: bool) -> Iterator[FileInfo]:
        path = self.located(name.rstrip("/") if recursive else name)
        if recursive:
            yield from newest(walk(self.files, path))
        elif (info := self.files.find(path)) is not None:
            yield info

    def is_there(self, name: str, *, recursive: bool) -> bool:
        return next(self.all_files(name, recursive=recursive), None) is not None

    def ask(self, names: list[str], *, recursive: bool) -> None:
        """Show what would go; CommandError unless the answer is yes."""
        count = size = 0
        for name in names:
            files, stored = totals(self.files, self.located(name.rstrip("/")))
            if not recursive:
                info = self.files.find(self.located(name))
                files, stored = 1, info.stored_length if info else 0
            count, size = count + files, size + stored
        listed = (info for name in names for info in self.all_files(name, recursive=recursive))
        for number, info in enumerate(listed):
            if number == SHOWN:
                self.stderr.write(f"  ... and {count - SHOWN:,} more", str)
                break
            self.stderr.write(f"  {shown(self.relative(info.name))}", str)
        try:
            answer = input(f"Delete {count:,} file(s), {amount(size)}? Type 'yes' to continue: ")
        except EOFError:
            answer = ""
        if answer != "yes":
            raise CommandError("Nothing was deleted; --noinput deletes without asking.")

    def delete(self, info: FileInfo) -> bool:
        name = self.relative(info.name)
        try:
            if self.storage.name_in_bucket(name) == info.name:
                self.storage.delete(name)  # with all that a project has added to that
                return True
        except SuspiciousFileOperation:
            pass  # a name that another program has made
        return self.files.delete(info.name)
