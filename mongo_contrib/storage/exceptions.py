"""The errors of the storage app.

OSError
├── FileNotFoundError       no such file, as from every storage
└── DamagedFile*            chunks are missing, or are not what the file's record says
SuspiciousFileOperation     a name that no file can have; Django answers 400
└── FileRefused*            what the options of the storage do not let in
    ├── FileTooLarge*
    └── ContentTypeRefused*
ThumbnailError*             there is no thumbnail to be had
├── NoPicture*              the file is no picture, or one beyond the bounds
└── ThumbnailsBusy*         so many are being made that another one has to wait
UploadError*                a resumable upload does not go on like this; nothing of it is lost
├── UploadNotFound*         there is none (for this owner)
│   ├── UploadExpired*      there was one, and its time is over
│   └── UploadLost*         there was one, and part of what it had is gone
├── UploadBusy*             another request is writing to it
├── UploadUsed*             it has become a file already
├── OffsetMismatch*         the bytes are not those that come next
├── ChecksumMismatch*       the bytes are not those that were sent
└── TooManyUploads*         its owner has as many unfinished ones as are allowed

The server's errors are those of `mongo_contrib.exceptions`.
"""

from django.core.exceptions import SuspiciousFileOperation

__all__ = [
    "ChecksumMismatch",
    "ContentTypeRefused",
    "DamagedFile",
    "FileRefused",
    "FileTooLarge",
    "NoPicture",
    "OffsetMismatch",
    "ThumbnailError",
    "ThumbnailsBusy",
    "TooManyUploads",
    "UploadBusy",
    "UploadError",
    "UploadExpired",
    "UploadLost",
    "UploadNotFound",
    "UploadUsed",
]


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


class ThumbnailError(Exception):
    """There is no thumbnail to be had."""


class NoPicture(ThumbnailError):
    """The content is no picture of a format that is read, is damaged, or is beyond the bounds."""


class ThumbnailsBusy(ThumbnailError):
    """So many thumbnails are being made that this one has to be asked for again."""


class UploadError(Exception):
    """A resumable upload does not go on like this; what it has is kept."""


class UploadNotFound(UploadError):
    """There is no such upload, or it is somebody else's."""


class UploadExpired(UploadNotFound):
    """The upload was not finished, or not used, in time."""


class UploadLost(UploadNotFound):
    """The upload has ended: chunks are gone that were stored."""


class UploadBusy(UploadError):
    """Another request is writing to this upload, or has taken it over."""


class UploadUsed(UploadError):
    """The upload has become a file; `name` is that file's."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


class OffsetMismatch(UploadError):
    """The bytes do not begin at `offset`, which is what the upload has."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class ChecksumMismatch(UploadError):
    """The bytes are not what their checksum says."""


class TooManyUploads(UploadError):
    """An owner has as many unfinished uploads as are allowed at once."""
