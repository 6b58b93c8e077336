"""`gridfs verify`."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from mongo_contrib.management.printable import amount
from mongo_contrib.storage.maintenance import Finding, Verification, totals

from .base import Action, shown
from .durations import hours

__all__ = ["Verify"]


class Verify(Action):
    """Compares chunks, contents and records with each other."""

    name = "verify"
    help = (
        "Finds missing, damaged and orphan chunks, contents that differ from their SHA-256, and "
        "records of what is not there. It exits with 1 if it finds something, and only reads."
    )
    examples = {
        "verify": "the whole bucket, every byte",
        "verify --quick": "without reading the contents: the server tells how long chunks are",
        "verify photos/2024 --json": "one folder, a JSON object for each finding",
        "verify --add-hashes": "gives files of other programs the hash of what they hold now",
    }

    @classmethod
    def add_arguments(cls, parser: CommandParser) -> None:
        parser.add_argument(
            "path",
            nargs="?",
            default="",
            help="A folder or a file; then what belongs to no file is not looked at.",
        )
        parser.add_argument(
            "--quick", action="store_true", help="Only lengths and records, no contents."
        )
        parser.add_argument(
            "--older-than",
            type=hours,
            default=timedelta(hours=24),
            metavar="HOURS",
            help="Chunks of no file that are younger are those of a running upload (24).",
        )
        parser.add_argument(
            "--add-hashes", action="store_true", help="Store a SHA-256 where there is none."
        )
        parser.add_argument(
            "--json", action="store_true", help="A JSON object on each line, for programs."
        )

    def run(self, options: Mapping[str, Any]) -> None:
        if options["quick"] and options["add_hashes"]:
            raise CommandError("--add-hashes has to read the contents: not with --quick.")
        path = self.located(options["path"].rstrip("/")) if options["path"] else ""
        files = self.files
        count, size = totals(files, path)
        total, unit = (count, "files") if options["quick"] else (size, "bytes")
        label = f"Verifying {path or files.bucket}"
        found = 0
        with self.progress(label, total, unit) as progress:
            verification = Verification(
                files,
                path,
                quick=options["quick"],
                age=options["older_than"],
                add_hashes=options["add_hashes"],
                advance=progress.advance,
            )
            for finding in verification:
                progress.clear()
                self.write(finding, as_json=options["json"])
                found += not finding.problem.is_note
        if path and not verification.files:
            raise CommandError(f"There is no file and no folder {shown(options['path'])!r}.")
        summary = {
            "files": verification.files,
            "bytes": verification.bytes,
            "findings": found,
            "damaged_files": verification.damaged,
            "without_hash": verification.unhashed,
            "hashes_added": verification.hashed,
            "young_chunks": verification.young,
        }
        if options["json"]:
            self.record({"summary": summary})
        else:
            self.summarize(summary)
        if found:
            raise CommandError(f"{found} finding(s); {verification.damaged} damaged file(s).")

    def write(self, finding: Finding, *, as_json: bool) -> None:
        if as_json:
            self.record(finding.as_record())
            return
        what = f"id {finding.id}" if finding.name is None else finding.name
        note = "note: " if finding.problem.is_note else ""
        self.result(f"{finding.problem!s:<11} {shown(what)}: {note}{shown(finding.text)}")

    def summarize(self, summary: Mapping[str, int]) -> None:
        self.tell(
            f"Looked at {summary['files']:,} file(s), {amount(summary['bytes'])}: "
            f"{summary['findings'] or 'no'} finding(s)."
        )
        if summary["without_hash"]:
            self.tell(f"{summary['without_hash']:,} file(s) have no hash to be compared with.")
        if summary["hashes_added"]:
            self.tell(f"{summary['hashes_added']:,} file(s) have got a hash.")
        if summary["young_chunks"]:
            self.tell(f"{summary['young_chunks']:,} chunk(s) are of uploads that may be going on.")
