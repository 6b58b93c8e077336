"""`gridfs migrate-from`."""

import json
from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.files.storage import InvalidStorageError, Storage, storages
from django.core.management.base import CommandError, CommandParser
from django.utils.module_loading import import_string

from mongo_contrib.management.printable import amount
from mongo_contrib.storage.maintenance.migrating import Migration, Outcome
from mongo_contrib.storage.maintenance.sources import is_same_place, names_below, names_in_models

from .base import Action, shown

__all__ = ["MigrateFrom"]

GO_ON = "Run the same command again to go on: what was copied is not copied again."


class MigrateFrom(Action):
    """Copies another storage."""

    name = "migrate-from"
    help = (
        "Copies every file of another Django storage under the same name. It can be broken off "
        "and run again: what is there already is skipped, by hash, or by size and time as they "
        "were recorded. Another content of the same name stays, and is told."
    )
    examples = {
        "migrate-from old": "STORAGES['old'] into STORAGES['default']",
        "migrate-from old --prefix photos --dry-run -v 2": "what it would do with one folder",
        'migrate-from storages.backends.s3.S3Storage --options \'{"bucket_name": "media"}\'': (
            "a storage that is not in STORAGES"
        ),
        "migrate-from old --from-models": "the files that file fields name in the database",
    }

    @classmethod
    def add_arguments(cls, parser: CommandParser) -> None:
        parser.add_argument(
            "source", help="An alias in STORAGES, or the dotted path of a storage's class."
        )
        parser.add_argument(
            "--options",
            type=json_object,
            metavar="JSON",
            dest="source_options",
            help="OPTIONS for a dotted path.",
        )
        parser.add_argument(
            "--prefix", default="", metavar="FOLDER", help="Only what lies below this folder."
        )
        parser.add_argument(
            "--from-models",
            action="store_true",
            help="Take the names from the file fields of installed models, and list nothing.",
        )
        parser.add_argument(
            "--overwrite", action="store_true", help="Replace another content of the same name."
        )
        parser.add_argument(
            "--no-verify",
            action="store_false",
            dest="verify",
            help="Don't read each copy back to compare it.",
        )
        parser.add_argument(
            "--delete-source",
            action="store_true",
            help="Delete each file of the source whose copy has been compared.",
        )
        parser.add_argument("--dry-run", action="store_true", help="Copy nothing, only tell.")

    def run(self, options: Mapping[str, Any]) -> None:
        if options["delete_source"] and not options["verify"]:
            raise CommandError(
                "--delete-source needs the comparison that --no-verify leaves out.", returncode=2
            )
        source = self.get_source(options["source"], options["source_options"])
        counts: Counter[Outcome] = Counter()
        size = 0
        try:
            with self.progress(f"Copying from {options['source']}") as progress:
                migration = Migration(
                    source,
                    self.storage,
                    overwrite=options["overwrite"],
                    verify=options["verify"],
                    dry_run=options["dry_run"],
                    delete_source=options["delete_source"],
                    advance=progress.advance,
                )

                def failed(name: str, problem: Exception) -> None:
                    progress.clear()
                    counts[Outcome.FAILED] += 1
                    self.stderr.write(f"failed   {shown(name)}: {shown(problem)}")

                for copied in migration.run(self.names(source, options, failed)):
                    counts[copied.outcome] += 1
                    size += copied.size * (copied.outcome in (Outcome.COPIED, Outcome.REPLACED))
                    line = f"{copied.outcome!s:<8} {shown(copied.name)}"
                    if copied.outcome.is_failure:
                        progress.clear()
                        self.stderr.write(f"{line}: {shown(copied.reason)}")
                    elif self.verbosity >= 2:
                        progress.clear()
                        self.result(line)
        except NotImplementedError as exc:
            raise CommandError(
                f"{options['source']} cannot list its files, as a {type(source).__name__}; "
                "--from-models takes their names from the file fields of your models."
            ) from exc
        except KeyboardInterrupt:
            self.summarize(counts, size, dry_run=options["dry_run"])
            raise CommandError(f"Interrupted. {GO_ON}", returncode=130) from None
        self.summarize(counts, size, dry_run=options["dry_run"])
        failures = sum(count for outcome, count in counts.items() if outcome.is_failure)
        if failures:
            raise CommandError(f"{failures} file(s) were not copied, see above. {GO_ON}")

    def names(self, source: Storage, options: Mapping[str, Any], failed: Any) -> Iterable[str]:
        prefix = options["prefix"].strip("/")
        if not options["from_models"]:
            return names_below(source, prefix, failed)
        names = names_in_models((source, self.storage))
        return (name for name in names if not prefix or name.startswith(f"{prefix}/"))

    def summarize(self, counts: Mapping[Outcome, int], size: int, *, dry_run: bool) -> None:
        if self.verbosity:
            told = ", ".join(
                f"{counts[outcome]:,} {outcome}" for outcome in Outcome if counts.get(outcome)
            )
            would = "Would be: " if dry_run else ""
            self.result(f"{would}{told or 'no files'}; {amount(size)}.")

    def get_source(self, name: str, options: dict[str, Any] | None) -> Storage:
        """The storage of an alias or a dotted path; CommandError for none, and for the target."""
        try:
            if "." in name and name not in storages.backends:
                made = import_string(name)
                source = made(**(options or {})) if callable(made) else made
            elif options:
                raise CommandError("--options are for a dotted path.", returncode=2)
            else:
                source = storages[name]
        except (ImportError, InvalidStorageError, TypeError, ValueError) as exc:
            raise CommandError(f"There is no storage {name!r}: {exc}", returncode=2) from exc
        if not isinstance(source, Storage):
            raise CommandError(f"{name!r} is no storage.", returncode=2)
        target = self.storage
        if is_same_place(source, target):
            raise CommandError(
                f"{name!r} is the bucket {target.bucket!r} itself, which this would copy into; "
                "name another target with --storage.",
                returncode=2,
            )
        return source


def json_object(text: str) -> dict[str, Any]:
    """Options as a JSON object."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ArgumentTypeError(f'a JSON object like {{"location": "/srv/media"}}, not {text!r}')
    return found
