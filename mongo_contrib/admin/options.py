"""`ModelAdmin` for documents."""

from __future__ import annotations

from typing import Any

import django
from django.contrib import admin

from .changelist import DocumentChangeList
from .fields import EmbeddedFieldsMixin
from .paginator import DocumentPaginator


class MongoModelAdmin(EmbeddedFieldsMixin, admin.ModelAdmin):
    """The stock `ModelAdmin`, with the admin's widgets in embedded documents.

    Its change list costs the same however big the collection is, as far as there are indexes:
    unlike Django's it doesn't count all documents beside those found (`show_full_result_count`),
    and counts by `DocumentPaginator`.
    """

    paginator = DocumentPaginator
    show_full_result_count = False

    def get_changelist(self, request: Any, **kwargs: Any) -> Any:
        return DocumentChangeList

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """See `ModelAdmin`; regular expressions of a query string are never run."""
        if lookup.endswith(("__regex", "__iregex")):
            return False
        return super().lookup_allowed(lookup, value, request)

    if django.VERSION < (6, 1):

        def get_search_results(
            self, request: Any, queryset: Any, search_term: str
        ) -> tuple[Any, bool]:
            from .search import condition, is_exact

            names = [str(name) for name in self.get_search_fields(request)]
            exact = search_term and any(is_exact(queryset.model, name) for name in names)
            if not exact or not getattr(queryset.model, "_is_document", False):
                return super().get_search_results(request, queryset, search_term)
            return queryset.filter(condition(queryset.model, names, search_term)), False
