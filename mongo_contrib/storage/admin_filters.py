"""What the list of files is narrowed by."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

__all__ = ["SizeFilter", "TypeFilter"]

#: Types by what people call them: how they begin, or which they are.
FAMILIES: dict[str, tuple[Any, str | tuple[str, ...]]] = {
    "image": (_("Images"), "image/"),
    "audio": (_("Sound"), "audio/"),
    "video": (_("Films"), "video/"),
    "text": (_("Texts"), "text/"),
    "pdf": ("PDF", "application/pdf"),
    "archive": (
        _("Archives"),
        (
            "application/zip",
            "application/gzip",
            "application/x-tar",
            "application/x-7z-compressed",
        ),
    ),
}

KB = 1024
#: From so many bytes on, up to so many.
SIZES = {
    "tiny": (0, 10 * KB),
    "small": (10 * KB, KB**2),
    "medium": (KB**2, 10 * KB**2),
    "large": (10 * KB**2, 100 * KB**2),
    "huge": (100 * KB**2, None),
}


def of_family(begins: str | tuple[str, ...]) -> Q:
    """What finds the files of a family, by ranges that an index could serve."""
    if isinstance(begins, tuple):
        return Q(content_type__in=begins)
    return Q(content_type__startswith=begins)


class TypeFilter(admin.SimpleListFilter):
    """Files by the family of their type."""

    title = _("type")
    parameter_name = "family"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            *((key, label) for key, (label, _begins) in FAMILIES.items()),
            ("other", _("Other")),
        ]

    def queryset(self, request: Any, queryset: Any) -> Any:
        if self.value() in FAMILIES:
            return queryset.filter(of_family(FAMILIES[self.value()][1]))
        if self.value() == "other":
            for _label, begins in FAMILIES.values():
                queryset = queryset.exclude(of_family(begins))
        return queryset


class SizeFilter(admin.SimpleListFilter):
    """Files by how large they are."""

    title = _("size")
    parameter_name = "bytes"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        return [(key, self._label(*bounds)) for key, bounds in SIZES.items()]

    @staticmethod
    def _label(start: int, stop: int | None) -> Any:
        if stop is None:
            return _("From %(size)s on") % {"size": filesizeformat(start)}
        if not start:
            return _("Up to %(size)s") % {"size": filesizeformat(stop)}
        return f"{filesizeformat(start)} - {filesizeformat(stop)}"

    def queryset(self, request: Any, queryset: Any) -> Any:
        if self.value() not in SIZES:
            return queryset
        start, stop = SIZES[self.value()]
        found = queryset.filter(length__gte=start) if start else queryset
        return found if stop is None else found.filter(length__lt=stop)
