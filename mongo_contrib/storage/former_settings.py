"""DEFAULT_FILE_STORAGE and STATICFILES_STORAGE, which Django has dropped for STORAGES.

A project that comes from an older Django and has such a setting would quietly write its files to
a disk. So where the setting names a storage of ours and STORAGES does not have that alias of the
project's own, it is put there when the app is ready. `mongo_storage.W003` says what to write.
"""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning
from django.core.files.storage import default_storage, storages
from django.utils.functional import empty
from django.utils.module_loading import import_string

from .backend import GridFSStorage

__all__ = ["FORMER_SETTINGS", "check_former_settings", "honour_former_settings"]

# Setting -> the alias in STORAGES that has taken its place.
FORMER_SETTINGS = {"DEFAULT_FILE_STORAGE": "default", "STATICFILES_STORAGE": "staticfiles"}


class FormerEntry(dict[str, Any]):
    """An entry of STORAGES that was made from a former setting."""


def honour_former_settings() -> None:
    """Put what the former settings name into STORAGES, where the project has nothing there."""
    own = settings.STORAGES if settings.is_overridden("STORAGES") else {}
    entries = {
        alias: FormerEntry(BACKEND=path)
        for setting, alias, path in _former()
        if alias not in own and _is_ours(path)
    }
    if not entries:
        return
    # A new dict: the one that is there may be Django's own, which all projects share.
    settings.STORAGES = {**settings.STORAGES, **entries}
    # Whoever has looked before has seen the old ones: forgotten, they are made when next used.
    storages.__dict__.pop("backends", None)
    storages._backends = None
    for alias in entries:
        storages._storages.pop(alias, None)
    if "default" in entries:
        default_storage._wrapped = empty
    if "staticfiles" in entries:
        from django.contrib.staticfiles.storage import staticfiles_storage

        staticfiles_storage._wrapped = empty


def check_former_settings(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """What each former setting that is still there does, and the lines to write instead."""
    return [
        Warning(
            message,
            hint=f"In its place, write this and take {setting} out:\n{_lines(alias, path)}",
            id="mongo_storage.W003",
        )
        for setting, alias, path in _former()
        if (message := _message(setting, alias, path)) is not None
    ]


def _message(setting: str, alias: str, path: str) -> str | None:
    entry = settings.STORAGES.get(alias, {})
    current = entry.get("BACKEND")
    if isinstance(entry, FormerEntry):
        return (
            f"{setting} is a setting that Django no longer has: mongo_contrib.storage honours it, "
            f"since STORAGES does not name {alias!r}."
        )
    if current == path:
        return None
    try:
        import_string(path)
    except ImportError as exc:
        return (
            f"{setting} is {path!r}, which cannot be imported ({exc}); used is "
            f"STORAGES[{alias!r}], which is {current!r}."
        )
    if _is_ours(path):
        return (
            f"{setting} is {path!r}, and STORAGES[{alias!r}] is {current!r}: that is what is "
            f"used, since Django no longer has {setting}."
        )
    return None  # somebody else's, of which Django takes as little notice


def _lines(alias: str, path: str) -> str:
    """STORAGES as it should be; what has options of its own is not repeated."""
    entries = {**settings.STORAGES, alias: {"BACKEND": path}}
    lines = [
        f'    "{name}": {{"BACKEND": "{entry["BACKEND"]}"}},'
        if set(entry) == {"BACKEND"}
        else f'    "{name}": ...,  # as it is'
        for name, entry in entries.items()
    ]
    return "\n".join(["STORAGES = {", *lines, "}"])


def _former() -> Iterator[tuple[str, str, str]]:
    for setting, alias in FORMER_SETTINGS.items():
        path = getattr(settings, setting, None)
        if isinstance(path, str):
            yield setting, alias, path


def _is_ours(path: str) -> bool:
    try:
        backend = import_string(path)
    except ImportError:
        return False
    return isinstance(backend, type) and issubclass(backend, GridFSStorage)
