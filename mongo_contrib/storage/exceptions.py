"""The errors of the storage app.

OSError
├── FileNotFoundError       no such file, as from every storage
└── DamagedFile*            chunks are missing, or are not what the file's record says
SuspiciousFileOperation     a name that no file can have; Django answers 400
└── FileRefused*            what the options of the storage do not let in
    ├── FileTooLarge*
    └── ContentTypeRefused*

The server's errors are those of `mongo_contrib.exceptions`.
"""

from django.core.exceptions import SuspiciousFileOperation

__all__ = ["ContentTypeRefused", "DamagedFile", "FileRefused", "FileTooLarge"]


class DamagedFile(OSError):
    """A file's content is not what its record says.

    Where chunks are missing, what was read so far is sound; where the hash differs, nobody knows.
    """


class FileRefused(SuspiciousFileOperation):
    """The storage does not take this file; nothing of it was kept."""


class FileTooLarge(FileRefused):
    """The content has more bytes than `max_size`."""


class ContentTypeRefused(FileRefused):
    """The content is of a type that is not among `allowed_content_types`."""
