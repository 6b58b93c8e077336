"""System checks of `MongoModelAdmin`: what a collection can't do, said at start-up."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib.admin.checks import ModelAdminChecks
from django.contrib.admin.utils import get_fields_from_path
from django.core import checks
from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db.utils import NotSupportedError

from . import search


class MongoModelAdminChecks(ModelAdminChecks):
    """The stock checks, and those of names that lead into documents and out of collections."""

    def _check_date_hierarchy(self, obj: Any) -> list[Any]:
        errors = super()._check_date_hierarchy(obj)
        if errors or not obj.date_hierarchy or not is_document(obj):
            return errors
        return _refused(
            obj,
            lambda: obj.model._default_manager.dates(obj.date_hierarchy, "day"),
            "date_hierarchy",
            "mongo_admin.E003",
        )

    def _check_ordering(self, obj: Any) -> list[Any]:
        if not obj.ordering or not is_document(obj):
            return super()._check_ordering(obj)
        # Django's knows no paths into embedded documents.
        if not isinstance(obj.ordering, list | tuple):
            return super()._check_ordering(obj)
        return _refused(
            obj,
            lambda: obj.model._default_manager.order_by(*obj.ordering),
            "ordering",
            "mongo_admin.E004",
        )

    def _check_search_fields(self, obj: Any) -> list[Any]:
        errors = super()._check_search_fields(obj)
        if errors or not is_document(obj):
            return errors
        manager = obj.model._default_manager
        found: list[Any] = []
        for name in map(str, obj.search_fields):
            attempt = partial(_search, manager, name)
            found += _refused(obj, attempt, "search_fields", "mongo_admin.E005")
        return found

    def _check_list_filter_item(self, obj: Any, item: Any, label: str) -> list[Any]:
        errors = super()._check_list_filter_item(obj, item, label)
        if errors or not isinstance(item, str) or not is_document(obj):
            return errors
        field = get_fields_from_path(obj.model, item)[-1]
        if not hasattr(field, "document"):
            return []
        first = next(iter(field.document._meta.fields[1:]), field.document._meta.pk)
        return [
            checks.Error(
                f"The value of '{label}' is {item!r}, a whole embedded document.",
                hint=f"Name one of its fields, as '{item}__{first.name}'.",
                obj=obj.__class__,
                id="mongo_admin.E006",
            )
        ]

    # A ReferenceListField takes all widgets of a ManyToManyField, which it is not to Django.

    def _check_raw_id_fields_item(self, obj: Any, field_name: str, label: str) -> list[Any]:
        errors = super()._check_raw_id_fields_item(obj, field_name, label)
        return [] if is_reference_list(obj, field_name) else errors

    def _check_filter_item(self, obj: Any, field_name: str, label: str) -> list[Any]:
        errors = super()._check_filter_item(obj, field_name, label)
        return [] if is_reference_list(obj, field_name) else errors

    def _check_autocomplete_fields_item(self, obj: Any, field_name: str, label: str) -> list[Any]:
        errors = super()._check_autocomplete_fields_item(obj, field_name, label)
        if not is_reference_list(obj, field_name):
            return errors
        target = obj.model._meta.get_field(field_name).remote_field.model
        if obj.admin_site.is_registered(target) and (
            obj.admin_site.get_model_admin(target).search_fields
        ):
            return []
        return [
            checks.Error(
                f"The value of '{label}' is {field_name!r}, but {target._meta.label} has no admin "
                "with search_fields.",
                hint="Register one: its search is what completes.",
                obj=obj.__class__,
                id="mongo_admin.E007",
            )
        ]


def is_reference_list(obj: Any, name: Any) -> bool:
    """Whether a name is that of a list of references."""
    try:
        field = obj.model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return getattr(field, "get_internal_type", str)() == "ReferenceListField"


def is_document(obj: Any) -> bool:
    """Whether an admin is one of documents."""
    return bool(getattr(obj.model, "_is_document", False))


def _search(manager: Any, name: str) -> Any:
    return manager.filter(search.condition(manager.model, [name], "0"))


def _refused(obj: Any, attempt: Callable[[], Any], option: str, id: str) -> list[Any]:
    """Return an error if what the option asks for can't be done."""
    try:
        attempt()
    except (FieldError, NotSupportedError) as error:
        return [
            checks.Error(f"'{option}' can't be done: {error}", obj=obj.__class__, id=id),
        ]
    return []
