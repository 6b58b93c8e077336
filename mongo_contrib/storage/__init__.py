"""Files in GridFS: ``STORAGES["default"]["BACKEND"] = "mongo_contrib.storage.GridFSStorage"``."""

from .async_files import AsyncGridFSFiles
from .backend import GridFSStorage
from .exceptions import ContentTypeRefused, DamagedFile, FileRefused, FileTooLarge
from .files import GridFSFiles
from .layout import FileInfo
from .limits import Limits

__all__ = [
    "AsyncGridFSFiles",
    "ContentTypeRefused",
    "DamagedFile",
    "FileInfo",
    "FileRefused",
    "FileTooLarge",
    "GridFSFiles",
    "GridFSStorage",
    "Limits",
]
