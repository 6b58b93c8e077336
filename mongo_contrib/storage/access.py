"""Who may see the files of a storage, and what caches may keep: options, and hooks that are ready.

A hook is ``(request, info) -> bool``, sync or async; `info` is the FileInfo of the file.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.module_loading import import_string

from .headers import private
from .layout import FileInfo

__all__ = ["Access", "Hook", "is_authenticated", "is_staff", "is_uploader"]

Hook = Callable[[HttpRequest, FileInfo], bool | Awaitable[bool]]

#: A file's name may get another content, so caches ask; a 304 costs one look-up.
DEFAULT_CACHE_CONTROL = "no-cache"

#: Seconds that a signed address is good for by default, and at most.
DEFAULT_EXPIRE = 3600
LONGEST_EXPIRE = 10 * 366 * 24 * 3600

_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
# RFC 9110 (section 5.5): visible ASCII and single blanks; no header ends in it and none begins.
_CACHE_CONTROL = re.compile(r"[\x21-\x7e]+( [\x21-\x7e]+)*")


@dataclass(frozen=True, slots=True)
class Access:
    """The options `querystring_auth`, `querystring_expire`, `cache_control` and `permission`."""

    querystring_auth: bool = False
    querystring_expire: int = DEFAULT_EXPIRE
    cache_control: str | None = None
    permission: str | Hook | None = None

    @classmethod
    def from_options(
        cls,
        querystring_auth: Any = False,
        querystring_expire: Any = DEFAULT_EXPIRE,
        cache_control: Any = None,
        permission: Any = None,
    ) -> "Access":
        """The rules as the options have them, or ValueError.

        A path is imported when it is used: what it leads to may need models.
        """
        if not isinstance(querystring_auth, bool):
            raise ValueError(f"querystring_auth is True or False, not {querystring_auth!r}.")
        whole = isinstance(querystring_expire, int) and not isinstance(querystring_expire, bool)
        if not whole or not 0 < querystring_expire <= LONGEST_EXPIRE:
            raise ValueError(
                f"querystring_expire is a number of seconds from 1 to {LONGEST_EXPIRE}, not "
                f"{querystring_expire!r}."
            )
        text = isinstance(cache_control, str) and _CACHE_CONTROL.fullmatch(cache_control)
        if cache_control is not None and not text:
            raise ValueError(
                "cache_control is the value of a header, as in 'max-age=3600', or None, not "
                f"{cache_control!r}."
            )
        path = isinstance(permission, str) and _PATH.fullmatch(permission)
        if permission is not None and not path and not callable(permission):
            raise ValueError(
                "permission is a function that takes a request and a FileInfo, or the dotted path "
                f"of one, or None, not {permission!r}."
            )
        return cls(querystring_auth, querystring_expire, cache_control, permission)

    @property
    def is_private(self) -> bool:
        """Whether there are people who may not see the files."""
        return self.querystring_auth or self.permission is not None

    @property
    def hook(self) -> Hook | None:
        """The permission hook; ImproperlyConfigured if its path leads to none."""
        if not isinstance(self.permission, str):
            return self.permission
        try:
            hook = import_string(self.permission)
        except ImportError as exc:
            raise ImproperlyConfigured(
                f"permission is {self.permission!r}, which can't be imported: {exc}."
            ) from exc
        if not callable(hook):
            raise ImproperlyConfigured(
                f"permission is {self.permission!r}, which is no function but {hook!r}."
            )
        found: Hook = hook
        return found

    def get_cache_control(self) -> str:
        """What answers with a file have as Cache-Control."""
        value = self.cache_control or DEFAULT_CACHE_CONTROL
        return private(value) if self.is_private else value


def is_authenticated(request: HttpRequest, info: FileInfo) -> bool:
    """Everybody who is logged in."""
    user: Any = getattr(request, "user", None)
    return user is not None and user.is_authenticated and user.is_active


def is_staff(request: HttpRequest, info: FileInfo) -> bool:
    """Who may log in to the admin."""
    user: Any = getattr(request, "user", None)
    return is_authenticated(request, info) and user.is_staff


def is_uploader(request: HttpRequest, info: FileInfo) -> bool:
    """Whose key is the file's `uploader`; nobody, if the file has none."""
    user: Any = getattr(request, "user", None)
    # What other programs stored may be True, which is equal to the key 1.
    if info.uploader is None or isinstance(info.uploader, bool):
        return False
    return is_authenticated(request, info) and bool(info.uploader == user.pk)
