"""A new file in the place of an old one: readers find the old or the new, and never none.

Where the server has transactions, taking the old file's document out and putting the new one's in
is one. Where it has none, the new document first gets a name beside the old one (`layout.staged`),
where everybody looks who does not find a name; then both documents are renamed by one command.
Either way the old chunks stay for those who are reading them, and a record in
``<bucket>.replaced`` says, before anything happens, that they may go one day. If the old file
shares its content (see `contents`), the record gets its use from whoever deletes the document, and
whoever deletes the record gives it back; until then it frees nothing.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import OperationalError
from pymongo import UpdateOne

from mongo_contrib.bridge import in_bridge, wait
from mongo_contrib.exceptions import DuplicateKeyError, WriteConflict

from . import contents, layout

if TYPE_CHECKING:
    from .files import GridFSFiles

__all__ = ["Replacement", "purge", "sweep"]

# The pauses of those who meet at one name, in seconds.
FIRST_PAUSE = 0.002
LONGEST_PAUSE = 0.2
PATIENCE = 30.0

# Without transactions a file may be taken for an old one while it looks for another name.
SHORTEST_GRACE = timedelta(minutes=1)

# How many old files one writer tidies up.
SWEPT = 100


class Replacement:
    """One file on its way into the place of all others of its name."""

    def __init__(
        self,
        files: "GridFSFiles",
        document: Mapping[str, Any],
        claim: Callable[[Any], None] | None = None,
    ) -> None:
        """The document is complete, with the name under `filename`; see Upload for `claim`."""
        self._files = files
        self._claim = claim or (lambda session: None)
        self._document = dict(document)
        self._name: str = document["filename"]
        self._id = document["_id"]
        #: Whether the file is in its place, or may be: nothing of it is to be discarded any more.
        self.settled = False
        # Those that we have tried to take the names of, by the ones that they get.
        self._removed: dict[str, _Old] = {}

    def run(self) -> None:
        """Put the file in its place, and tidy up after earlier ones."""
        pause, end = FIRST_PAUSE, time.monotonic() + PATIENCE
        with self._files.errors():
            while not self._attempt():
                if time.monotonic() > end:
                    raise OperationalError(
                        f"The file {self._name!r} could not be replaced: for {PATIENCE:.0f} "
                        "seconds others were doing so, or are in the middle of it."
                    )
                _sleep(random.uniform(0, pause))
                pause = min(pause * 2, LONGEST_PAUSE)
            sweep(self._files)

    def _attempt(self) -> bool:
        """Whether the file is in its place now; if not, others were there at the same moment."""
        try:
            others = self._others()
            if not others and not self.settled:
                self._claim(None)
                with self._files.errors():
                    self._files.files.insert_one(self._document)
                self.settled = True
                return True
            if others:
                now = datetime.now(UTC)
                self._files.replaced.bulk_write(
                    [UpdateOne({"_id": o.id}, self._record(o, now), upsert=True) for o in others]
                )
            # What was left by somebody without transactions is put right without one.
            if self._files.has_transactions and {old.name for old in others} == {self._name}:
                return self._transaction(others)
            self._steps(others)
            return True
        except DuplicateKeyError as exc:
            if exc.fields and tuple(exc.fields) != ("filename",):
                raise  # another unique index of the project
        except WriteConflict:
            pass
        return False

    def _others(self) -> "list[_Old]":
        """All that are in the way."""
        filter = {**layout.named_or_staged(self._name), "_id": {"$ne": self._id}}
        return [
            _Old(each["_id"], each["filename"], layout.shared_content(each))
            for each in self._files.files.find(filter, layout.SHARED)
        ]

    def _record(self, old: "_Old", now: datetime) -> dict[str, Any]:
        fields = {"filename": self._name, "replaced": now}
        return {"$set": fields | ({} if old.content is None else {"shared": True})}

    def _keep_use(self, old: "_Old", session: Any = None) -> None:
        """Give the use of a shared content to the record: its document was deleted by us."""
        fields = {"filename": self._name, "replaced": datetime.now(UTC)}
        use = {"shared": True, "content": old.content}
        self._files.replaced.update_one(
            {"_id": old.id}, {"$set": use, "$setOnInsert": fields}, upsert=True, session=session
        )

    def _transaction(self, others: "list[_Old]") -> bool:
        files = self._files.files
        ids = [old.id for old in others]
        with self._files.database.client.start_session() as session, self._files.errors():
            session.start_transaction(write_concern=files.write_concern)
            self._claim(session)
            removed = files.delete_many({"_id": {"$in": ids}}, session=session)
            if removed.deleted_count < len(ids):  # leaving the session ends the transaction
                return False
            for old in others:
                if old.content is not None:
                    self._keep_use(old, session)
            files.insert_one(self._document, session=session)
            self.settled = True
            try:
                with self._files.errors():
                    session.commit_transaction()
            except WriteConflict:
                self.settled = False
                raise
        return True

    def _steps(self, others: "list[_Old]") -> None:
        files = self._files.files
        staged = layout.staged(self._name, self._id)
        with self._files.errors():
            if not self.settled:
                self._claim(None)
                files.insert_one({**self._document, "filename": staged})
                self.settled = True
            elif files.find_one({"_id": self._id, "filename": staged}, {"_id": 1}) is None:
                # Replaced meanwhile, and perhaps by one of the others, which then has to stay.
                # Looked for after the others: who has the name by now does not end this one later.
                others = []
            # One command, so that other programs find hardly a moment between the two. A file
            # that has another name by now has been replaced already, or has replaced this one.
            # Of two that are staged the later one ends the earlier, lest they end each other.
            earlier = [old for old in others if old.name < staged]
            self._removed.update((layout.removed(old.id), old) for old in earlier)
            files.bulk_write(
                [
                    *(
                        UpdateOne(
                            {"_id": old.id, "filename": old.name}, _rename(layout.removed(old.id))
                        )
                        for old in earlier
                    ),
                    UpdateOne({"_id": self._id, "filename": staged}, _rename(self._name)),
                ]
            )
            own = [name for name, old in self._removed.items() if old.content is None]
            ids = [self._removed[name].id for name in own]
            files.delete_many({"_id": {"$in": ids}, "filename": {"$in": own}})
            self._delete_shared()

    def _delete_shared(self) -> None:
        shared = {name: old for name, old in self._removed.items() if old.content is not None}
        if shared:
            contents.touch(self._files, [old.content for old in shared.values()])
        for name, old in shared.items():
            if self._files.files.delete_one({"_id": old.id, "filename": name}).deleted_count:
                self._keep_use(old)


@dataclass(frozen=True, slots=True)
class _Old:
    """A file that is in the way of another: its _id, which may be of any type, and its name."""

    id: Any
    name: str
    #: If it shares its content, that.
    content: Any


def sweep(files: "GridFSFiles", now: datetime | None = None) -> int:
    """Delete what has been replaced long enough ago, some at a time; how many files that were."""
    due = (now or datetime.now(UTC)) - grace(files)
    with files.errors():
        found = list(files.replaced.find({"replaced": {"$lte": due}}).limit(SWEPT))
        _delete(files, found)
    return len(found)


def grace(files: "GridFSFiles") -> timedelta:
    """For how long the content of a replaced file stays."""
    kept = timedelta(seconds=files.keep_replaced)
    return kept if files.has_transactions else max(kept, SHORTEST_GRACE)


def purge(files: "GridFSFiles", names: Iterable[str]) -> None:
    """Delete at once what earlier files of these names have left.

    Without transactions not yet what may be a file that looks for another name: its own content
    would go. Of a content that files share it has a use of its own.
    """
    filter: dict[str, Any] = {"filename": {"$in": list(names)}}
    if not files.has_transactions:
        settled = {"replaced": {"$lte": datetime.now(UTC) - SHORTEST_GRACE}}
        filter = {"$and": [filter, {"$or": [{"shared": True}, settled]}]}
    with files.errors():
        _delete(files, list(files.replaced.find(filter)))


def _delete(files: "GridFSFiles", records: list[Any]) -> None:
    if not records:
        return
    documents = list(
        files.files.find({"_id": {"$in": [record["_id"] for record in records]}}, layout.SHARED)
    )
    # Looked for once more, after the documents: where somebody has died before a document went,
    # it may have gone right now, for one whose record has a time of its own to wait for.
    same = [{"_id": record["_id"], "replaced": record["replaced"]} for record in records]
    records = list(files.replaced.find({"$or": same}))
    own, dead = [], []
    for record in records:
        # By comparison: an _id may be of a type that is no key.
        document = next((each for each in documents if each["_id"] == record["_id"]), None)
        is_dead = document is None or document["filename"] == layout.removed(record["_id"])
        if is_dead:
            dead.append(record["_id"])
        # One that is there after all stays: who wanted to replace it has died before.
        if record.get("shared") or (document and layout.shared_content(document) is not None):
            _give_back(files, record, document if is_dead else None)
        else:
            own.append((record, is_dead))
    gone = [record["_id"] for record, is_dead in own if is_dead]
    if gone:
        files.files.delete_many({"_id": {"$in": gone}})
        # Once more: no record may ever free what others have.
        files.chunks.delete_many({"files_id": {"$in": contents.owned(files, gone)}})
    files.forget(dead)
    if own:
        # A record that is newer by now is somebody else's.
        known = [{"_id": record["_id"], "replaced": record["replaced"]} for record, _ in own]
        files.replaced.delete_many({"$or": known})


def _give_back(
    files: "GridFSFiles", record: Mapping[str, Any], document: Mapping[str, Any] | None
) -> None:
    """Delete the record of a file that shared its content, and its document if it is left."""
    if document is not None:
        contents.delete(files, [document])
    content = record.get("content")
    if content is not None:
        contents.touch(files, [content])
    same = {"_id": record["_id"], "replaced": record["replaced"], "content": content}
    if files.replaced.delete_one(same).deleted_count and content is not None:
        contents.release(files, content)


def _rename(name: str) -> dict[str, Any]:
    return {"$set": {"filename": name}}


def _sleep(seconds: float) -> None:
    if in_bridge():
        wait(asyncio.sleep(seconds))
    else:
        time.sleep(seconds)
