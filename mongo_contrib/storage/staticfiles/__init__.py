"""Static files in GridFS: ``STORAGES["staticfiles"]``, for collectstatic and the pages."""

from .storage import GridFSManifestStaticFilesStorage, GridFSStaticFilesStorage

__all__ = ["GridFSManifestStaticFilesStorage", "GridFSStaticFilesStorage"]
