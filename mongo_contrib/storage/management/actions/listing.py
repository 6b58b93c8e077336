"""`gridfs list`."""

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, CommandParser

from mongo_contrib.storage import FileInfo
from mongo_contrib.storage.maintenance.walking import Folder, entries, newest, walk

from .base import Action, as_record, moment, shown

__all__ = ["List"]


class List(Action):
    """The files of a folder, one on a line, as they are found."""

    name = "list"
    help = "Lists a folder in the order of names: the folders and the files in it."
    examples = {
        "list": "what lies at the top",
        "list photos/2024 -l": "size, date (UTC), type and the start of the SHA-256, too",
        "list -R --json": "every file of the bucket, a JSON object on each line",
    }

    @classmethod
    def add_arguments(cls, parser: CommandParser) -> None:
        parser.add_argument(
            "folder", nargs="?", default="", help="A folder, or the name of a file."
        )
        parser.add_argument(
            "-l", "--long", action="store_true", help="Also size, date, type and hash."
        )
        parser.add_argument(
            "-R", "--recursive", action="store_true", help="All files below, by their whole names."
        )
        parser.add_argument(
            "--json", action="store_true", help="A JSON object on each line, for programs."
        )

    def run(self, options: Mapping[str, Any]) -> None:
        path = self.located(options["folder"].rstrip("/"))
        files = self.files
        found = False
        for entry in newest(walk(files, path)) if options["recursive"] else entries(files, path):
            found = True
            self.write(entry, options)
        # A name may be that of a file, or of one beside a folder of its name.
        info = files.find(path) if path and not options["recursive"] else None
        if info is not None:
            self.write(info, options)
        elif path and not found:
            raise CommandError(f"There is no file and no folder {shown(options['folder'])!r}.")

    def write(self, entry: FileInfo | Folder, options: Mapping[str, Any]) -> None:
        name = self.relative(entry.name)
        if isinstance(entry, Folder):
            if options["json"]:
                self.record({"type": "folder", "name": name})
            else:
                self.result(f"{'':69}" * options["long"] + f"{shown(name)}/")
        elif options["json"]:
            self.record(as_record(entry, name))
        elif options["long"]:
            kind = (entry.content_type or "-")[:24]
            self.result(
                f"{entry.length:>14} {moment(entry.uploaded)} "
                f"{kind:<24} {(entry.sha256 or '-')[:8]:<8} {shown(name)}"
            )
        else:
            self.result(shown(name))
