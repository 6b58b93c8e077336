"""Where files are served that should not be, or not like this, as far as settings and URLs tell.

For the system checks.
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.urls import Resolver404, resolve

from .backend import GridFSStorage

__all__ = ["exposing", "not_served_by", "run_by"]


def exposing(private: GridFSStorage, storages: Iterable[tuple[str, GridFSStorage]]) -> str | None:
    """The name of a storage that shows everybody the files of a private one; None: there is none.

    One of the same bucket, of all of it or of a folder that has the private one's in it.
    """
    for name, other in storages:
        if other.access.is_private or other.base_url is None:
            continue
        if _is_in(private, other):
            return name
    return None


def run_by(storage: GridFSStorage, storages: Iterable[tuple[str, GridFSStorage]]) -> str | None:
    """The name of a storage of static files that has files of this one, which is none itself.

    Static files are served as what they are: a page that a visitor uploads would run as the
    site's own.
    """
    from .staticfiles import GridFSStaticFilesStorage

    if isinstance(storage, GridFSStaticFilesStorage):
        return None
    for name, other in storages:
        if isinstance(other, GridFSStaticFilesStorage) and (
            _is_in(storage, other) or _is_in(other, storage)
        ):
            return name
    return None


def _is_in(inner: GridFSStorage, outer: GridFSStorage) -> bool:
    same = (outer.alias, outer.bucket) == (inner.alias, inner.bucket)
    return same and f"{inner.location}/".startswith(f"{outer.location}/".lstrip("/"))


def not_served_by(storage: GridFSStorage) -> str | None:
    """What is at the address of a storage's files instead of our view of it.

    None if that is it, or cannot be known: another host, a view that is a function.
    """
    from .views import FileView

    if storage.base_url is None or not getattr(settings, "ROOT_URLCONF", None):
        return None
    address = urlsplit(f"{storage.base_url}name")
    if address.netloc:
        return None
    try:
        view: Any = resolve(address.path).func
    except Resolver404:
        return "nothing"
    view_class = getattr(view, "view_class", None)
    if view_class is None:
        return None
    if not issubclass(view_class, FileView):
        return str(view_class.__name__)
    try:
        found = view_class(**view.view_initkwargs).get_storage()
    except (AttributeError, ImproperlyConfigured):  # it may want a request to know its storage
        return None
    if _identity(found) == _identity(storage):
        return None
    return f"a {view_class.__name__} of other files"


def _identity(storage: GridFSStorage) -> tuple[Any, ...]:
    return storage.alias, storage.bucket, storage.location, storage.access
