"""`gridfs clean`."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser

from mongo_contrib.management.printable import amount
from mongo_contrib.storage.maintenance import clean

from .base import Action, shown
from .durations import hours

__all__ = ["Clean"]


class Clean(Action):
    """Deletes what nobody will ask for again."""

    name = "clean"
    help = (
        "Deletes chunks of uploads that were broken off, what was replaced long enough ago, "
        "expired resumable uploads, and thumbnails of what is gone. It may run beside everything "
        "else, from cron for example."
    )
    examples = {
        "clean --dry-run -v 2": "shows each thing that would go",
        "clean --older-than 1": "takes an upload for dead that has stored nothing for an hour",
    }

    @classmethod
    def add_arguments(cls, parser: CommandParser) -> None:
        parser.add_argument(
            "--older-than",
            type=hours,
            default=timedelta(hours=24),
            metavar="HOURS",
            help="Uploads that have stored nothing for so long are taken for dead (24).",
        )
        parser.add_argument("--dry-run", action="store_true", help="Delete nothing, only tell.")

    def run(self, options: Mapping[str, Any]) -> None:
        dry_run = options["dry_run"]
        counts: Counter[str] = Counter()
        chunks = size = 0
        with self.progress(f"Cleaning {self.files.bucket}", unit="contents looked at") as progress:
            for freed in clean(
                self.files,
                age=options["older_than"],
                dry_run=dry_run,
                advance=progress.advance,
            ):
                counts[freed.what] += freed.count
                chunks += freed.chunks
                size += freed.size
                if self.verbosity >= 2:
                    progress.clear()
                    told = f"{freed.chunks} chunk(s), {amount(freed.size)}"
                    self.result(f"{freed.what} {shown(freed.id)}: {told}")
        if self.verbosity:
            for what, count in sorted(counts.items()):
                self.result(f"{shown(what)}: {count:,}")
            verb = "Would free" if dry_run else "Freed"
            self.result(f"{verb} {chunks:,} chunk(s), {amount(size)}.")
