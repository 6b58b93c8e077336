"""`ModelAdmin` for documents."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import django
from django.contrib import admin, messages
from django.core.exceptions import FieldError
from django.db import connections, router
from django.db.models.constants import LOOKUP_SEP
from django.urls import reverse

from mongo_contrib.exceptions import WriteConflict
from mongo_contrib.mapping.lazy import broken, show_stored
from mongo_contrib.query.paths import resolve
from mongo_contrib.query.updates import field_at

from . import search
from .changelist import DocumentChangeList
from .checks import MongoModelAdminChecks
from .fields import EmbeddedFieldsMixin
from .paginator import DocumentPaginator
from .refusals import answered, told
from .relatives import LoggedAsOwn

#: Bytes of a text to be searched for; some servers take no longer regular expressions.
MAX_LENGTH = 500

#: How often a form is saved before a conflict with others is an error.
ATTEMPTS = 3


class MongoModelAdmin(LoggedAsOwn, EmbeddedFieldsMixin, admin.ModelAdmin):
    """The stock `ModelAdmin`, with the admin's widgets in embedded documents.

    Its change list costs the same however big the collection is, as far as there are indexes:
    unlike Django's it doesn't count all documents beside those found (`show_full_result_count`),
    and counts by `DocumentPaginator`.
    """

    checks_class = MongoModelAdminChecks
    paginator = DocumentPaginator
    show_full_result_count = False

    def changeform_view(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """See `ModelAdmin`; repeated if others were saving the same document.

        What the server refuses to store is an error of the form.
        """
        view = partial(super().changeform_view, request, *args, **kwargs)
        return answered(partial(retried, view, self, request), self, request)

    def delete_view(self, request: Any, object_id: str, extra_context: Any = None) -> Any:
        """See `ModelAdmin`; repeated if others were saving the same document."""
        view = partial(super().delete_view, request, object_id, extra_context)
        names = self.opts.app_label, self.opts.model_name
        url = reverse(
            "admin:{}_{}_change".format(*names),
            args=[object_id],
            current_app=self.admin_site.name,
        )
        return told(partial(retried, view, self, request), self, request, url)

    def changelist_view(self, request: Any, extra_context: Any = None) -> Any:
        """See `ModelAdmin`; what the server refuses to store is an error of its row's form."""
        view = partial(super().changelist_view, request, extra_context)
        if "_save" in request.POST:
            return answered(view, self, request)
        return told(view, self, request, request.get_full_path())

    def get_object(self, request: Any, object_id: str, from_field: str | None = None) -> Any:
        """See `ModelAdmin`; what can't be read is shown as it is stored, to be mended."""
        from .repair import all_misfits

        obj = super().get_object(request, object_id, from_field)
        if obj is not None and getattr(obj, "_is_document", False):
            show_stored(obj)
            if request.method == "GET":
                for error in all_misfits(obj):
                    messages.warning(request, str(error))
        return obj

    # Its forms leave alone what is no value of its field, and show it as it is stored.

    def get_form(self, request: Any, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """See `ModelAdmin`; a list that can't be read stands here, not in an inline."""
        from .repair import repairing

        return repairing(
            super().get_form(request, obj, change=change, **kwargs),
            shown_as_stored=tuple(self._unreadable_lists(request, obj)),
            refusal=getattr(request, "refusal", None),
        )

    def get_changelist_form(self, request: Any, **kwargs: Any) -> Any:
        from .repair import repairing

        return repairing(
            super().get_changelist_form(request, **kwargs),
            refusal=getattr(request, "refusal", None),
        )

    def get_fieldsets(self, request: Any, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        lists = self._unreadable_lists(request, obj)
        return [*fieldsets, *((field, {"fields": [name]}) for name, field in lists.items())]

    def get_inline_instances(self, request: Any, obj: Any = None) -> Any:
        inlines = super().get_inline_instances(request, obj)
        lists = self._unreadable_lists(request, obj)
        return [
            inline
            for inline in inlines
            if not (lists and is_of_list(inline) and inline.get_field().name in lists)
        ]

    def _unreadable_lists(self, request: Any, obj: Any) -> dict[str, Any]:
        """Return the titles of the inlines' lists that can't be read, by field."""
        if obj is None or not getattr(obj, "_is_document", False):
            return {}
        inlines = super().get_inline_instances(request, obj)
        fields = [inline.get_field() for inline in inlines if is_of_list(inline)]
        unreadable = broken(obj) if fields else {}
        return {field.name: field.verbose_name for field in fields if field.attname in unreadable}

    def get_changelist(self, request: Any, **kwargs: Any) -> Any:
        return DocumentChangeList

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """See `ModelAdmin`; a query string's regular expressions and endless texts are refused.

        So are ways into other collections behind a position in a list, or a key of a map, which
        Django takes for the end of the way.
        """
        if lookup.endswith(("__regex", "__iregex")) or is_too_long(value):
            return False
        if leads_beyond_a_map(self.model, lookup):
            return False
        parts = [part for part in lookup.split(LOOKUP_SEP) if not part.isdecimal()]
        return super().lookup_allowed(LOOKUP_SEP.join(parts), value, request)

    def get_search_results(
        self, request: Any, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        """See `ModelAdmin`; a term that is longer than `MAX_LENGTH` finds nothing."""
        if is_too_long(search_term):
            return queryset.none(), False
        if django.VERSION < (6, 1) and getattr(queryset.model, "_is_document", False):
            names = [str(name) for name in self.get_search_fields(request)]
            if search_term and any(search.is_exact(queryset.model, name) for name in names):
                return queryset.filter(search.condition(queryset.model, names, search_term)), False
        return super().get_search_results(request, queryset, search_term)


def retried(view: Callable[[], Any], model_admin: Any, request: Any) -> Any:
    """Return what the view returns, asked again if its transaction met another one.

    MongoDB lets the later of two transactions fail that write to one document. Nothing of it was
    kept, so that it can be repeated on what the earlier one has left.
    """
    connection = connections[router.db_for_write(model_admin.model)]
    # A transaction around the request can't go on after a conflict.
    for _ in range(0 if connection.in_atomic_block else ATTEMPTS - 1):
        try:
            return view()
        except WriteConflict:
            for upload in request.FILES.values():
                upload.seek(0)
    return view()


def is_of_list(inline: Any) -> bool:
    """Whether an inline is about embedded documents."""
    return hasattr(inline, "get_field")


def leads_beyond_a_map(model: Any, lookup: str) -> bool:
    """Whether a look-up goes on, from a map's values, into another collection."""
    if not getattr(model, "_is_document", False):
        return False
    try:
        path = resolve(model, lookup)
    except FieldError:
        return False
    if path.relation is None:
        return False
    parts = path.path.split(".")
    ends = [end for end in range(1, len(parts)) if not parts[end - 1].isdecimal()]
    places = [".".join(parts[:end]) for end in ends]
    return any(hasattr(field_at(model, place), "value_field") for place in places)


def is_too_long(value: Any) -> bool:
    """Whether a text is longer than a server may want to search for."""
    return isinstance(value, str) and len(value.encode(errors="replace")) > MAX_LENGTH
