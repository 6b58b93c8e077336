"""Contents that files share, and how many really do; `contents.recount` corrects it."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from ..files import GridFSFiles
from ..layout import SHARED_CONTENT

__all__ = ["miscounted"]

PAGE = 1_000


def miscounted(files: GridFSFiles, due: datetime) -> Iterator[tuple[dict[str, Any], int]]:
    """The records that nobody has touched since `due`, with the number of uses that there are.

    For each thousand of them the files are passed over once.
    """
    with files.errors():
        shared = {"touched": {"$lte": due}, "content": {"$type": "objectId"}}
        records = iter(files.contents.find(shared))
        while page := list(islice(records, PAGE)):
            contents = [record["content"] for record in page]
            counts = dict.fromkeys(contents, 0)
            for collection, field in (
                (files.files, SHARED_CONTENT),
                (files.replaced, "content"),
            ):
                pipeline: list[dict[str, Any]] = [
                    {"$match": {field: {"$in": contents}}},
                    {"$group": {"_id": f"${field}", "uses": {"$sum": 1}}},
                ]
                for counted in collection.aggregate(pipeline):
                    counts[counted["_id"]] += counted["uses"]
            for record in page:
                if counts[record["content"]] != record.get("uses"):
                    yield record, counts[record["content"]]
