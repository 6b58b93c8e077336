"""django-filter's `FilterSet` over documents."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import models
from django_filters import filterset
from django_filters.filters import Filter, ModelChoiceFilter
from django_filters.rest_framework import FilterSet

from mongo_contrib.documents import ListField, ObjectIdField
from mongo_contrib.documents.fields.objectid import ObjectIdFormField
from mongo_contrib.query.paths import resolve


class ObjectIdFilter(Filter):
    field_class = ObjectIdFormField


def _reference(field: Any) -> dict[str, Any]:
    # A select would hold every document that can be referred to.
    stock = filterset.FILTER_FOR_DBFIELD_DEFAULTS[models.ForeignKey]["extra"]
    return {**stock(field), "widget": forms.TextInput}


class DocumentFilterSet(FilterSet):
    """A `FilterSet` that knows ObjectIds, lists and paths into embedded documents.

    `fields = ["tags", "home__city"]` filters by an element of the list `tags`, and by the
    field `city` of the embedded `home`.
    """

    FILTER_DEFAULTS = {
        **FilterSet.FILTER_DEFAULTS,
        models.ForeignKey: {"filter_class": ModelChoiceFilter, "extra": _reference},
        models.OneToOneField: {"filter_class": ModelChoiceFilter, "extra": _reference},
        ObjectIdField: {"filter_class": ObjectIdFilter},
    }

    @classmethod
    def get_fields(cls) -> dict[str, Any]:
        fields = super().get_fields()
        return {name: fields[name] for name in fields if not cls._is_embedded(name)}

    @classmethod
    def get_filters(cls) -> dict[str, Any]:
        filters = super().get_filters()
        if cls._meta.model is None:
            return filters
        for path, lookups in super().get_fields().items():
            if not cls._is_embedded(path):
                continue
            found = resolve(cls._meta.model, path)
            if found.rest:
                raise TypeError(f"'Meta.fields' must not contain non-model field names: {path}")
            for lookup in lookups:
                name = cls.get_filter_name(path, lookup)
                if name not in filters:
                    filters[name] = cls.filter_for_field(found.field, path, lookup)
        return filters

    @classmethod
    def _is_embedded(cls, name: str) -> bool:
        first = name.partition("__")[0]
        fields = {field.name: field for field in cls._meta.model._meta.concrete_fields}
        return "__" in name and hasattr(fields.get(first), "document")

    @classmethod
    def filter_for_lookup(cls, field: Any, lookup_type: str) -> Any:
        if isinstance(field, ListField):
            # What is asked of a list is asked of its elements.
            field = field.base_field
        return super().filter_for_lookup(field, lookup_type)
