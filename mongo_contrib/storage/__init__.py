"""Files in GridFS: ``STORAGES["default"]["BACKEND"] = "mongo_contrib.storage.GridFSStorage"``."""

from .async_files import AsyncGridFSFiles
from .backend import GridFSStorage
from .exceptions import DamagedFile
from .files import GridFSFiles
from .layout import FileInfo

__all__ = ["AsyncGridFSFiles", "DamagedFile", "FileInfo", "GridFSFiles", "GridFSStorage"]
