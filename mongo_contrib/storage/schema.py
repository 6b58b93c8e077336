"""The collections of a bucket, for `migrate` and for the first upload."""

from collections.abc import Mapping
from typing import Any

from mongo_contrib.db.schema import CollectionSpec, IndexSpec

from .metadata import SHARED_CONTENT

__all__ = [
    "CHUNKS_INDEXES",
    "CONTENTS_INDEXES",
    "FILES_INDEXES",
    "REPLACED_INDEXES",
    "SHARING_INDEXES",
    "collection_specs",
    "is_claim",
]

# Our claim on names. The specification lets several files have one name, so this one is ours.
CLAIM = IndexSpec(keys=(("filename", 1),), name="filename_unique", options={"unique": True})

# These two are the specification's, with the names that drivers give them.
FILES_INDEXES = (
    CLAIM,
    IndexSpec(keys=(("filename", 1), ("uploadDate", 1)), name="filename_1_uploadDate_1"),
)
CHUNKS_INDEXES = (
    IndexSpec(keys=(("files_id", 1), ("n", 1)), name="files_id_1_n_1", options={"unique": True}),
)

# What is no file any more, by its name and by its time.
REPLACED_INDEXES = (
    IndexSpec(keys=(("filename", 1),), name="filename_1"),
    IndexSpec(keys=(("replaced", 1),), name="replaced_1"),
)

# What is no file yet: for sweeping, and for how many somebody has.
UPLOADS_INDEXES = (
    IndexSpec(keys=(("expires", 1),), name="expires_1"),
    IndexSpec(keys=(("counted", 1), ("expires", 1)), name="counted_1_expires_1"),
)

# Contents that files share, each once.
CONTENTS_INDEXES = (IndexSpec(keys=(("content", 1),), name="content_1", options={"unique": True}),)

# Which files share one, where some do; only these are in the index.
SHARING_INDEXES = (
    IndexSpec(
        keys=((f"metadata.{SHARED_CONTENT}", 1),),
        name=f"metadata.{SHARED_CONTENT}_1",
        options={"sparse": True},
    ),
)


def is_claim(index: Mapping[str, Any]) -> bool:
    """Whether an index, as index_information() describes it, keeps names unique."""
    partial = index.get("partialFilterExpression") or index.get("sparse")
    return index["key"] == list(CLAIM.keys) and bool(index.get("unique")) and not partial


def collection_specs(bucket: str, *, deduplicate: bool = False) -> tuple[CollectionSpec, ...]:
    """What a bucket is made of."""
    contents = CollectionSpec(f"{bucket}.contents", CONTENTS_INDEXES, source="mongo_storage")
    of_files = FILES_INDEXES + (SHARING_INDEXES if deduplicate else ())
    return (
        CollectionSpec(f"{bucket}.files", of_files, source="mongo_storage"),
        CollectionSpec(f"{bucket}.chunks", CHUNKS_INDEXES, source="mongo_storage"),
        CollectionSpec(f"{bucket}.replaced", REPLACED_INDEXES, source="mongo_storage"),
        CollectionSpec(f"{bucket}.uploads", UPLOADS_INDEXES, source="mongo_storage"),
        *([contents] if deduplicate else []),
    )
