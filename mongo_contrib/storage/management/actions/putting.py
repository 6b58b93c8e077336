"""`gridfs put`."""

import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import SuspiciousFileOperation
from django.core.management.base import CommandError, CommandParser

from mongo_contrib.storage.maintenance.uploading import files_below, store
from mongo_contrib.storage.signatures import is_content_type

from .base import Action, shown

__all__ = ["Put"]

STDIN = "-"
NAMELESS = "What comes from the standard input needs a name."


class Put(Action):
    """Stores files of this machine."""

    name = "put"
    help = (
        "Stores files of this machine: each is visible when it is complete. The last of several "
        "arguments is the name, or with a slash at its end the folder, that it gets there."
    )
    examples = {
        "put a.pdf": "under its own name",
        "put a.pdf papers/2024.pdf": "under another one",
        "put a.pdf b.pdf papers/": "several into a folder",
        "put -r photos": "a folder with all that is below it",
        "tar c . | manage.py gridfs put - backup.tar": "what comes from a pipe",
    }

    @classmethod
    def add_arguments(cls, parser: CommandParser) -> None:
        parser.add_argument(
            "arguments",
            nargs="+",
            metavar="LOCAL... [NAME]",
            help="Files, folders with -r, or - for the standard input; and the name.",
        )
        parser.add_argument(
            "-r", "--recursive", action="store_true", help="Folders, with all that is below."
        )
        parser.add_argument(
            "--overwrite", action="store_true", help="In the place of files of these names."
        )
        parser.add_argument(
            "--content-type",
            type=content_type,
            metavar="TYPE",
            help="Instead of what the first bytes tell.",
        )
        parser.add_argument(
            "--original-name", help="The name that it had where it came from, for one file."
        )

    def run(self, options: Mapping[str, Any]) -> None:
        sources, target = self.split(options["arguments"])
        if options["original_name"] and len(sources) > 1:
            raise CommandError("--original-name is for one file.", returncode=2)
        failures = 0
        for name, path in self.all_files(sources, target, recursive=options["recursive"]):
            if path is None:  # it could not be read
                failures += 1
                continue
            try:
                self.put(name, path, options)
            except (OSError, SuspiciousFileOperation, ValueError) as exc:
                failures += 1
                self.refused(path, exc)
        if failures:
            raise CommandError(f"{failures} file(s) could not be stored.")

    @staticmethod
    def split(arguments: list[str]) -> tuple[list[str], str]:
        """The local files, and the name or folder (with its slash; "": none) that they get."""
        if len(arguments) == 1:
            if arguments == [STDIN]:
                raise CommandError(NAMELESS, returncode=2)
            return arguments, ""
        *sources, target = arguments
        if len(sources) > 1 and not target.endswith("/"):
            raise CommandError(
                f"Several files go into a folder: write {shown(target)}/ if that is one, or / "
                "for the top.",
                returncode=2,
            )
        if STDIN in sources and (len(sources) > 1 or target.endswith("/")):
            raise CommandError(NAMELESS, returncode=2)
        return sources, target

    def all_files(
        self, sources: list[str], target: str, *, recursive: bool
    ) -> Iterator[tuple[str, Path | None]]:
        """The name that each file gets, and its path; None for what cannot be read."""
        for source in sources:
            path = Path(source)
            into = target.endswith("/") or not target
            # "photos/." is the folder photos, and a slash alone is the top.
            own = "" if source == STDIN else path.resolve().name if into else ""
            name = f"{target.strip('/')}/{own}".strip("/") if into else target
            if source == STDIN or not path.is_dir():
                yield name, path
            elif recursive:
                errors: list[OSError] = []
                for inner, file in files_below(path, errors.append):
                    yield f"{name}/{inner}".strip("/"), file
                for error in errors:
                    self.stderr.write(f"{shown(error.filename)}: {error.strerror}")
                    yield name, None
            else:
                self.stderr.write(f"{shown(source)}: a folder; with -r it is stored.")
                yield name, None

    def put(self, name: str, path: Path, options: Mapping[str, Any]) -> None:
        original = options["original_name"]
        keywords = {
            "overwrite": options["overwrite"],
            "content_type": options["content_type"],
        }
        if str(path) == STDIN:
            with self.progress(name) as progress:
                store(
                    self.storage,
                    name,
                    sys.stdin.buffer,
                    original_name=original,
                    advance=progress.advance,
                    **keywords,
                )
            return
        with (
            path.open("rb") as file,
            self.progress(name, path.stat().st_size) as progress,
        ):
            store(
                self.storage,
                name,
                file,
                original_name=original or path.name,
                advance=progress.advance,
                **keywords,
            )


def content_type(text: str) -> str:
    """A type such as ``image/png``."""
    if not is_content_type(text):
        raise ArgumentTypeError(f"a type in lower case like 'image/png', not {text!r}")
    return text
