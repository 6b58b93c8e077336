"""Static files over HTTP, where no web server or network of caches serves them."""

from django.core.exceptions import ImproperlyConfigured

from ..layout import FileInfo
from ..views import AsyncFileView, FileView
from .storage import GridFSStaticFilesStorage

__all__ = ["AsyncStaticFileView", "StaticFileView", "aserve", "serve"]


class StaticFileView(FileView):
    """Serves the site's own files: as what they are, since nobody else has put them there.

    Never use it for files of visitors: scripts and pages in it run as the site's own.
    """

    storage = "staticfiles"

    # What has a hash in its name is never another: browsers keep it for a year without asking.
    immutable_cache_control: str = "public, max-age=31536000, immutable"

    def get_storage(self) -> GridFSStaticFilesStorage:
        """The storage whose files are served."""
        storage = super().get_storage()
        if not isinstance(storage, GridFSStaticFilesStorage):
            raise ImproperlyConfigured(
                f"{type(self).__name__} lets browsers run what it serves, so it serves a "
                f"GridFSStaticFilesStorage only, and STORAGES[{self.storage!r}] is a "
                f"{type(storage).__name__}; FileView serves files of visitors."
            )
        return storage

    def is_inline(self, content_type: str) -> bool:
        """See FileView; everything is."""
        return True

    def get_cache_control(self, info: FileInfo) -> str:
        """See FileView; what has a hash in its name may be kept for good."""
        if self.get_storage().is_immutable(info):
            return self.immutable_cache_control
        return super().get_cache_control(info)

    def get_headers(self, info: FileInfo) -> dict[str, str]:
        """See FileView; without a policy for content, which would be that of a worker's script."""
        headers = super().get_headers(info)
        headers.pop("Content-Security-Policy", None)
        if is_text(headers["Content-Type"]):
            headers["Content-Type"] += "; charset=utf-8"
        return headers


class AsyncStaticFileView(StaticFileView, AsyncFileView):
    """See StaticFileView; for servers that speak ASGI, without a thread."""


def is_text(content_type: str) -> bool:
    """Whether a browser wants to be told in which encoding this is."""
    return "charset" not in content_type and (
        content_type.startswith("text/") or content_type.endswith(("javascript", "json", "+xml"))
    )


serve = StaticFileView.as_view()

aserve = AsyncStaticFileView.as_view()
