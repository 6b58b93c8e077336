"""`gridfs stat`."""

import json
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import SuspiciousFileOperation
from django.core.management.base import CommandError, CommandParser

from mongo_contrib.management.printable import amount
from mongo_contrib.storage import FileInfo
from mongo_contrib.storage.maintenance.ownership import group_of

from .base import Action, as_record, moment, plain, shown

__all__ = ["Stat"]


class Stat(Action):
    """Everything that is known of files."""

    name = "stat"
    help = "Shows everything that is known of files, and counts their chunks."
    examples = {
        "stat a.txt": "a line for each thing that is known",
        "stat a.txt b.txt --json": "a JSON object for each file",
    }

    @classmethod
    def add_arguments(cls, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="+", metavar="NAME", help="Names of files.")
        parser.add_argument(
            "--json", action="store_true", help="A JSON object on each line, for programs."
        )

    def run(self, options: Mapping[str, Any]) -> None:
        missing = 0
        for name in options["names"]:
            info = self.files.find(self.located(name))
            if info is None:
                missing += 1
                self.stderr.write(f"{shown(name)}: There is no such file.")
            elif options["json"]:
                self.record(self.describe(info))
            else:
                self.write(self.describe(info))
        if missing:
            raise CommandError(f"{missing} file(s) could not be found.")

    def describe(self, info: FileInfo) -> dict[str, Any]:
        group = group_of(self.files, info.content_id)
        name = self.relative(info.name)
        return {
            **as_record(info, name),
            "content_id": info.content_id,
            "encoding": info.encoding,
            "stored_size": info.stored_length,
            "chunk_size": info.chunk_size,
            "chunks": group.count if group else 0,
            "chunks_expected": -(-info.stored_length // info.chunk_size),
            "original_name": info.original_name,
            "uploader": info.uploader,
            "fields": info.fields,
            "url": self.url(name),
            "bucket": self.files.bucket,
        }

    def url(self, name: str) -> str | None:
        try:
            return self.storage.url(name)
        except (ValueError, SuspiciousFileOperation):  # it has none
            return None

    def write(self, described: Mapping[str, Any]) -> None:
        for key, value in described.items():
            if value is None or value == {} or key == "type":
                continue
            if key in ("size", "stored_size", "chunk_size"):
                text = f"{value:,} ({amount(value)})"
            elif key == "uploaded":
                text = f"{moment(value)} UTC"
            elif isinstance(value, (dict, list)):
                text = json.dumps(value, default=plain)
            else:
                text = shown(value)
            self.result(f"{key.replace('_', ' '):<16} {text}")
        self.result("")
