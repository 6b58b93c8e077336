"""The stock change list, without what a collection can't sort and with what an index can."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import FieldError
from django.db.models import OrderBy
from django.db.models.expressions import Combinable
from django.db.utils import NotSupportedError

from mongo_contrib.mapping.lazy import show_stored


class DocumentChangeList(ChangeList):
    """`ChangeList` over documents."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.sortable_by: list[Any]
        super().__init__(*args, **kwargs)
        # What is no link in the header, as a collection can't be sorted by another one's values.
        self.sortable_by = [
            name
            for name in self.sortable_by
            if is_sortable(self.model, super(DocumentChangeList, self).get_ordering_field(name))
        ]

    def get_filters(self, request: Any) -> Any:
        """See `ChangeList`; days of the hierarchy that no calendar has are wrong too."""
        try:
            return super().get_filters(request)
        except (OverflowError, ValueError) as error:
            raise IncorrectLookupParameters(error) from error

    def get_results(self, request: Any) -> None:
        """See `ChangeList`; what can't be read is shown as it is stored."""
        super().get_results(request)
        for document in self.result_list:
            if getattr(document, "_is_document", False):
                show_stored(document)

    def get_ordering_field(self, field_name: Any) -> Any:
        """Return what a column is sorted by; None, so that it isn't, if a collection can't."""
        ordering = super().get_ordering_field(field_name)
        return ordering if is_sortable(self.model, ordering) else None

    def get_ordering(self, request: Any, queryset: Any) -> list[Any]:
        """Return the ordering, without Django's last resort where an index yields it.

        Django adds the key, so that pages don't overlap. An index is in one order anyway, but
        with the key after its fields it is of no use: every page would sort the whole collection.
        The formset of `list_editable` insists on the key; an index for that ends with it.
        """
        ordering = super().get_ordering(request, queryset)
        narrowed = queryset.query.has_filters() or self.query
        if ordering[-1:] == ["-pk"] and not narrowed and not self.list_editable:
            keys = tuple(sort_keys(queryset, ordering[:-1]))
            if keys and any(begins(index.keys, keys) for index in plain_indexes(self.model)):
                return ordering[:-1]
        return ordering


def is_sortable(model: Any, ordering: Any) -> bool:
    """Whether `order_by(ordering)` can be done; nothing at all counts as sortable."""
    if ordering is None or not getattr(model, "_is_document", False):
        return True
    if isinstance(ordering, Combinable) and not isinstance(ordering, OrderBy):
        ordering = ordering.asc()
    try:
        model._default_manager.order_by(ordering)
    except (FieldError, NotSupportedError):
        return False
    return True


def sort_keys(queryset: Any, ordering: list[Any]) -> list[tuple[str, int]]:
    """Return stored paths and directions of an ordering."""
    found = [queryset.query.sort_key(item) for item in ordering]
    return [(path.path, direction) for path, direction in found]


def plain_indexes(model: Any) -> list[Any]:
    """Return those of the class's indexes that hold every document in its values' own order."""
    if not getattr(model, "_is_document", False):
        return []
    # Not above: this module is imported with the app, before there can be models.
    from mongo_contrib.documents.schema import collection_spec

    return [
        index
        for index in collection_spec(model).indexes
        if not index.options.keys() & {"partialFilterExpression", "sparse", "collation", "hidden"}
    ]


def begins(index: tuple[tuple[str, Any], ...], keys: tuple[tuple[str, int], ...]) -> bool:
    """Whether an index, read forwards or backwards, begins with these keys."""
    start = index[: len(keys)]
    return start == keys or start == tuple((path, -direction) for path, direction in keys)
