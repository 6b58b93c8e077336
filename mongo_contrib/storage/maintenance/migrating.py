"""Files of another storage, copied under the same names.

It can be ended and begun again at any time: a file is there as a whole or not at all, and what is
there already is not copied again.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.core.files.storage import Storage
from django.db import InterfaceError, OperationalError

from .. import metadata
from ..backend import GridFSStorage
from ..exceptions import DamagedFile
from ..layout import FileInfo
from .downloading import compared
from .sources import ANYTHING, Source, content_type_of, is_same_place, known_of

__all__ = ["Copied", "Migration", "Outcome"]

#: Where it is kept what the source knew of a file: a field of the file's metadata.
RECORD = "source"

PIECE = 1024 * 1024


class Outcome(Enum):
    """What became of a file; `is_failure` says whether somebody has to look."""

    COPIED = "copied"
    REPLACED = "replaced"  # another content of this name was there
    SAME = "same"  # it was there already
    DIFFERS = "differs"  # another content is there, and stays
    FAILED = "failed"

    def __str__(self) -> str:
        return self.value

    @property
    def is_failure(self) -> bool:
        return self in (Outcome.DIFFERS, Outcome.FAILED)


@dataclass(frozen=True, slots=True)
class Copied:
    """One file and what became of it, with the reason if it is a failure."""

    name: str
    outcome: Outcome
    size: int = 0
    reason: str = ""


class NotCopied(Exception):
    """Why a file was not copied."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        self.outcome = outcome
        super().__init__(reason)


def nothing(count: int) -> None:
    """Where nobody wants to know how far it is."""


class Migration:
    """The copying of files from one storage to another."""

    def __init__(
        self,
        source: Storage,
        target: GridFSStorage,
        *,
        overwrite: bool = False,
        verify: bool = True,
        dry_run: bool = False,
        delete_source: bool = False,
        advance: Callable[[int], None] = nothing,
    ) -> None:
        """With `verify`, each copy is read back and compared with what was read of its source;
        nobody sees it before.

        With `overwrite`, another content of the same name is replaced. `delete_source` deletes
        each file whose copy has been compared; ValueError without `verify`.
        """
        if delete_source and not verify:
            raise ValueError("What has not been compared with its copy is not deleted.")
        self.source, self.target = source, target
        self.overwrite, self.verify, self.dry_run = overwrite, verify, dry_run
        self.delete_source = delete_source
        self._advance = advance

    def run(self, names: Iterable[str]) -> Iterator[Copied]:
        """Copy the files of these names, one after the other, and say of each what became of it.

        An error of one file is its outcome. Where the target's server is gone, it is raised.
        ValueError where the source is the target.
        """
        if is_same_place(self.source, self.target):
            raise ValueError(
                f"The source is the bucket {self.target.bucket!r} itself, which this would copy "
                "into."
            )
        for name in names:
            try:
                yield self._one(name)
            except NotCopied as exc:
                yield Copied(name, exc.outcome, reason=str(exc))
            except (OperationalError, InterfaceError):
                raise
            except ANYTHING as exc:
                yield Copied(name, Outcome.FAILED, reason=f"{type(exc).__name__}: {exc}")

    def _one(self, name: str) -> Copied:
        stored = self.target.name_in_bucket(name)
        if stored != self._plain(name):
            raise NotCopied(Outcome.FAILED, "a storage would have another name for it")
        files = self.target.files
        known = known_of(self.source, name)
        there = files.find(stored)
        if there is not None:
            if self._is_there(name, known, there):
                if not self.dry_run:
                    self._keep_record(there, known)
                    self._delete_source(name, known, there.id)
                return Copied(name, Outcome.SAME, there.length)
            if not self.overwrite:
                reason = "there is a file of this name with another content"
                raise NotCopied(Outcome.DIFFERS, reason)
        outcome = Outcome.COPIED if there is None else Outcome.REPLACED
        if self.dry_run:
            return Copied(name, outcome, known.size or 0)
        id, found, size = self._copy(name, stored, known)
        if self.verify:
            self._compare_shared(id, found)
        self._delete_source(name, known, id)
        return Copied(name, outcome, size)

    def _plain(self, name: str) -> str:
        location = self.target.location
        return f"{location}/{name}" if location else name

    def _copy(self, name: str, stored: str, known: Source) -> tuple[Any, str, int]:
        """The `_id` of the copy, and what was read: its hash and its length."""
        read, size = hashlib.sha256(), 0
        with self.source.open(name, "rb") as file:
            fields = self._metadata(name, known, file)
            upload = self.target.files.start(stored, metadata=fields)
            try:
                for data in _pieces(file):
                    read.update(data)
                    size += len(data)
                    upload.write(data)
                    self._advance(len(data))
                found = read.hexdigest()
                if known.size is not None and size != known.size:
                    reason = f"{size} bytes were read of {known.size}: does somebody write to it?"
                    raise NotCopied(Outcome.FAILED, reason)
                if known.sha256 is not None and found != known.sha256:
                    raise NotCopied(Outcome.FAILED, "the source is damaged: its hash differs")
                if self.verify:
                    # Before anybody sees it, and what it may take the place of is gone.
                    document = {**upload.complete(), "filename": stored}
                    problem = self._difference(FileInfo.from_document(document), found)
                    if problem is not None:
                        raise NotCopied(Outcome.FAILED, f"the copy differs: {problem}")
                if self.overwrite:
                    upload.replace(stored)
                else:
                    upload.publish([stored])
            except FileExistsError:
                upload.discard()
                reason = "somebody has stored a file of this name meanwhile"
                raise NotCopied(Outcome.DIFFERS, reason) from None
            except BaseException:
                upload.discard()
                raise
        return upload.id, found, size

    def _metadata(self, name: str, known: Source, file: Any) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "original_name": name,
            **self.target.get_metadata(name),
            **known.fields,
            RECORD: known.as_record(),
        }
        content_type = known.content_type or content_type_of(file)
        if content_type is not None:
            fields["content_type"] = content_type
        return metadata.stored_fields(fields)

    # What is there already

    def _is_there(self, name: str, known: Source, there: FileInfo) -> bool:
        """Whether the file of this name has the content of the source."""
        if known.size is not None and known.size != there.length:
            return False
        # Before something is deleted nothing is believed but the two contents.
        if not self.delete_source:
            if known.sha256 is not None and there.sha256 is not None:
                return known.sha256 == there.sha256
            if known.is_same(there.metadata.get(RECORD)):
                return True
        stored = there.sha256
        if stored is None or self.delete_source:
            stored = self._hash_of(there)
        with self.source.open(name, "rb") as file:
            return _hash(_pieces(file)) == stored

    def _hash_of(self, info: FileInfo) -> str:
        return _hash(self.target.files.read(info))

    def _keep_record(self, there: FileInfo, known: Source) -> None:
        """Next time nothing has to be read."""
        if not known.is_same(there.metadata.get(RECORD)) and known.as_record():
            self.target.files.set_metadata_of(there.id, {RECORD: known.as_record()})

    # The other way round

    def _difference(self, copy: FileInfo, found: str) -> str | None:
        """What is stored instead of what was read; None: that is it."""
        try:
            read = _hash(compared(self.target.files, copy))
        except DamagedFile as exc:
            return str(exc)
        return None if read == found else f"its SHA-256 is {read} and not {found}"

    def _compare_shared(self, id: Any, found: str) -> None:
        """Compare a copy for which content was taken that others had stored before."""
        copy = self.target.files.find_id(id)
        if copy is None:
            raise NotCopied(Outcome.FAILED, "somebody has deleted the copy meanwhile")
        if copy.content_id != id and (problem := self._difference(copy, found)) is not None:
            self.target.files.delete_ids([id])
            raise NotCopied(Outcome.FAILED, f"the copy differs and was deleted again: {problem}")

    def _delete_source(self, name: str, known: Source, id: Any) -> None:
        """Delete what was copied: if the copy is there, and the source as it was before."""
        if not self.delete_source:
            return
        copy = self.target.files.find_id(id)
        if copy is None:
            raise NotCopied(Outcome.FAILED, "somebody has deleted the copy meanwhile")
        if copy.id == known.id:
            reason = "its copy has the same _id and may be the file itself, which stays"
            raise NotCopied(Outcome.FAILED, reason)
        if known_of(self.source, name) != known or not self._tells_changes(name, known, copy):
            raise NotCopied(Outcome.FAILED, "somebody has changed the source, which stays")
        self.source.delete(name)

    def _tells_changes(self, name: str, known: Source, copy: FileInfo) -> bool:
        """Whether the source would have told of a change, or has the content of the copy."""
        if known.modified is not None or known.sha256 is not None:
            return True
        with self.source.open(name, "rb") as file:
            return _hash(_pieces(file)) == self._hash_of(copy)


def _pieces(file: Any) -> Iterator[bytes]:
    for data in file.chunks(PIECE):
        yield data.encode() if isinstance(data, str) else data


def _hash(pieces: Iterable[bytes]) -> str:
    found = hashlib.sha256()
    for data in pieces:
        found.update(data)
    return found.hexdigest()
