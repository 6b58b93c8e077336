"""What `manage.py gridfs` does with a bucket, to be used from Python too.

All take a `GridFSFiles`, or a storage, and give what they find or do one by one: nothing happens
until somebody iterates.
"""

from .cleaning import Freed, clean
from .findings import Finding, Problem
from .verifying import Verification
from .walking import Folder, entries, newest, totals, walk

__all__ = [
    "Finding",
    "Folder",
    "Freed",
    "Problem",
    "Verification",
    "clean",
    "entries",
    "newest",
    "totals",
    "walk",
]
