"""The errors of the storage app.

OSError
├── FileNotFoundError       no such file, as from every storage
└── DamagedFile*            chunks are missing, or are not what the file's record says

The server's errors are those of `mongo_contrib.exceptions`.
"""

__all__ = ["DamagedFile"]


class DamagedFile(OSError):
    """The chunks of a file are not what its record says; what was read of it so far is sound."""
