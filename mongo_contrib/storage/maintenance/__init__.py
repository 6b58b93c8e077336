"""What `manage.py gridfs` does with a bucket, to be used from Python too.

All take a `GridFSFiles`, or a storage, and give what they find or do one by one: nothing happens
until somebody iterates.
"""

from .cleaning import Freed, clean
from .findings import Finding, Problem
from .migrating import Copied, Migration, Outcome
from .verifying import Verification
from .walking import Folder, entries, newest, totals, walk

__all__ = [
    "Copied",
    "Finding",
    "Folder",
    "Freed",
    "Migration",
    "Outcome",
    "Problem",
    "Verification",
    "clean",
    "entries",
    "newest",
    "totals",
    "walk",
]
