"""A bucket's files as flat documents, as what reads and writes documents wants them.

GridFS keeps what applications add in `metadata`; a class of files has fields for it, stored under
dotted names (`metadata.contentType`). Queries take such names as they are; documents that were
read get them beside what they hold. What deletes or makes files is no matter of one document, so
it goes through the bucket, or is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from django.db import NotSupportedError

from mongo_contrib.repository import Repository

from . import compression, metadata
from .signatures import is_content_type

if TYPE_CHECKING:
    from .files import GridFSFiles

__all__ = ["METADATA", "FilesRepository", "added"]

#: What a field of a file's metadata is stored under begins with this.
METADATA = "metadata."

#: How many bytes a file's content has; files that are stored as they are say it in `length` only.
SIZE = "metadata.size"
# As Blocks.from_metadata() tells it: other programs may have a size of their own.
_OURS = {
    "$and": [
        {"$eq": ["$metadata.encoding", compression.GZIP]},
        {"$eq": [{"$type": "$metadata.blocks"}, "object"]},
        {"$in": [{"$type": f"${SIZE}"}, ["int", "long"]]},
    ]
}
_OR_LENGTH = {"$set": {SIZE: {"$cond": [_OURS, f"${SIZE}", "$length"]}}}

#: How many files are deleted at a time.
BATCH = 1_000


class FilesRepository(Repository):
    """The collection `<bucket>.files`: finds files, sets their metadata and deletes them whole."""

    def __init__(
        self, files: Callable[[], GridFSFiles], bucket: str, columns: Iterable[str], **options: Any
    ) -> None:
        """`files` gives the bucket when it is needed; `columns` are those of the class."""
        super().__init__(f"{bucket}.files", **options)
        self._files = files
        self._columns = frozenset(columns)

    # Reading

    def find(
        self, filter: Any = None, projection: Any = None, **options: Any
    ) -> Generator[dict[str, Any], None, None]:
        """See `Repository.find()`."""
        if mentions(SIZE, filter, options.get("sort")):
            stages, options = _as_pipeline(filter, wanted(projection), options)
            found = super().aggregate(stages, **options)
        else:
            found = super().find(filter, wanted(projection), **options)
        for document in found:
            yield self._flat(document)

    def find_one(
        self, filter: Any = None, projection: Any = None, **options: Any
    ) -> dict[str, Any] | None:
        """See `Repository.find_one()`."""
        return next(iter(list(self.find(filter, projection, **{**options, "limit": 1}))), None)

    def count(self, filter: Any = None, **options: Any) -> int:
        """See `Repository.count()`."""
        if not mentions(SIZE, filter):
            return super().count(filter, **options)
        stages, options = _as_pipeline(filter, None, options)
        row = next(iter(list(super().aggregate([*stages, {"$count": "n"}], **options))), None)
        return row["n"] if row else 0

    def distinct(self, path: str, filter: Any = None, **options: Any) -> list[Any]:
        """See `Repository.distinct()`."""
        if not mentions(SIZE, path, filter):
            return super().distinct(path, filter, **options)
        stages = [*sized([{"$match": filter or {}}]), {"$group": {"_id": f"${path}"}}]
        return [row["_id"] for row in super().aggregate(stages, **options)]

    def aggregate(
        self, pipeline: Sequence[Mapping[str, Any]], **options: Any
    ) -> Generator[dict[str, Any], None, None]:
        """See `Repository.aggregate()`."""
        stages = sized(pipeline)
        if stages and "$project" in stages[-1]:
            stages[-1] = {"$project": wanted(stages[-1]["$project"])}
        for document in super().aggregate(stages, **options):
            yield self._flat(document)

    def _flat(self, document: dict[str, Any]) -> dict[str, Any]:
        """The document, with the class's metadata also under their dotted names."""
        stored = document.get("metadata")
        if not isinstance(stored, dict):
            if "length" not in document:
                return document
            stored = document["metadata"] = {}
        if "length" in document:
            length = document["length"]
            blocks = compression.Blocks.from_metadata(stored, length)
            stored["size"] = length if blocks is None else blocks.content_length
        for key, value in stored.items():
            column = f"{METADATA}{key}"
            if column in self._columns:
                document[column] = value
        return document

    # Writing

    def update_many(self, filter: Any, update: Any, **options: Any) -> Any:
        """Set metadata of all files that match; NotSupportedError for anything else."""
        check_update(update)
        if mentions(SIZE, filter):
            filter = {"_id": {"$in": [each["_id"] for each in self.find(filter, {"_id": 1})]}}
        return super().update_many(filter, update, **options)

    def delete_many(self, filter: Any, **options: Any) -> int:
        """Delete the files that match, with their content; how many there were."""
        deleted = 0
        while ids := [each["_id"] for each in self.find(filter, {"_id": 1}, limit=BATCH)]:
            gone = self._files().delete_ids(ids)
            deleted += gone
            if len(ids) < BATCH or not gone:
                break
        return deleted

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotSupportedError(
            "A document of a bucket's files finds them, sets their metadata and deletes them; "
            "files are made by storage.save(name, content)."
        )

    insert_one = insert_many = update_one = replace_one = bulk_write = delete_one = _refuse
    find_one_and_update = find_one_and_replace = find_one_and_delete = _refuse


def added(stored: Any) -> dict[str, Any]:
    """The project's own of what is stored as a file's metadata."""
    return metadata.fields_of(stored) if isinstance(stored, Mapping) else {}


def wanted(projection: Any) -> Any:
    """The projection, with all metadata if it has some, and with what sizes are told by.

    To the server, a path beside one that it lies in is an error; and who reads a part of the
    metadata as a document would take it for all.
    """
    if not isinstance(projection, Mapping):
        return projection
    chosen = {key: value for key, value in projection.items() if not key.startswith(METADATA)}
    if len(chosen) < len(projection):
        chosen["metadata"] = 1
    if SIZE in projection:
        chosen["length"] = 1
    return chosen


def mentions(path: str, *parts: Any) -> bool:
    """Whether a stored path occurs in conditions, orderings or stages, as a key or a value."""
    for part in parts:
        if isinstance(part, str):
            if part.lstrip("$") == path:
                return True
        elif isinstance(part, Mapping):
            if mentions(path, *part.keys()) or mentions(path, *part.values()):
                return True
        elif isinstance(part, list | tuple) and mentions(path, *part):
            return True
    return False


def sized(stages: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The stages, in which each file has a size if one of them asks for it.

    Not before what an index may serve.
    """
    rest = list(stages)
    if not mentions(SIZE, rest):
        return rest
    first = []
    while rest and "$match" in rest[0]:
        apart = _apart(rest.pop(0)["$match"])
        plain = [each for each in apart if not mentions(SIZE, each)]
        others = [each for each in apart if mentions(SIZE, each)]
        first += [{"$match": {"$and": plain}}] if plain else []
        if others:
            rest.insert(0, {"$match": {"$and": others}})
            break
    return [*first, _OR_LENGTH, *rest]


def _apart(condition: Any) -> list[dict[str, Any]]:
    """The conditions that all have to be fulfilled."""
    return [
        part
        for key, value in condition.items()
        for part in (
            [each for inner in value for each in _apart(inner)]
            if key == "$and"
            else [{key: value}]
        )
    ]


def _as_pipeline(filter: Any, projection: Any, options: Any) -> tuple[list[Any], dict[str, Any]]:
    """A `find` as stages, and the options that are left."""
    left = dict(options)
    stages: list[Any] = [{"$match": filter}] if filter else []
    sort = left.pop("sort", None)
    if sort:
        stages.append({"$sort": dict(sort)})
    for option in ("skip", "limit"):
        if value := left.pop(option, None):
            stages.append({f"${option}": value})
    if projection:
        chosen = projection if isinstance(projection, Mapping) else dict.fromkeys(projection, 1)
        stages.append({"$project": dict(chosen)})
    for option, spelt in (("batch_size", "batchSize"), ("allow_disk_use", "allowDiskUse")):
        if option in left:
            left[spelt] = left.pop(option)
    return sized(stages), left


def check_update(update: Any) -> None:
    """Raise NotSupportedError for an update of anything but metadata that can be set."""
    stages = update if isinstance(update, list) else [update]
    for stage in stages:
        for operator, changed in stage.items():
            values = changed if isinstance(changed, Mapping) else dict.fromkeys(changed)
            if operator == "$rename":
                values = {**values, **dict.fromkeys(values.values())}
            for path, value in values.items():
                key = path.removeprefix(METADATA).partition(".")[0]
                if not path.startswith(METADATA) or key in metadata.FIXED:
                    raise NotSupportedError(
                        f"{path!r} of a stored file can't be changed: only its metadata can be, "
                        "as content_type, original_name, uploader and fields of your own."
                    )
                if key == "contentType" and value and not is_content_type(value):
                    raise ValueError(
                        "content_type is a type in lower case like 'image/png', and cannot be "
                        f"{value!r}."
                    )
