"""Embedded documents of several classes in JSON: `_cls` tells which."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from mongo_contrib.mapping.families import CLASS_KEY, class_names

from .embedding import nested_values


class AnyOfField(serializers.Field):
    """An embedded document of one of several classes, each with a serializer of its own.

    What is sent replaces what was there. Without `_cls` it is of the class that the model field
    names; where that names several, `_cls` is required.
    """

    default_error_messages = {
        "not_an_object": _("Must be an object with the fields of a document."),
        "unknown_class": _("“_cls” must be one of: {choices}."),
    }

    def __init__(
        self, *, model_field: Any, make: Callable[[Any], type[Any]], **kwargs: Any
    ) -> None:
        self.model_field = model_field
        self.make = make
        super().__init__(**kwargs)

    def to_representation(self, value: Any) -> dict[str, Any]:
        serializer = self._serializer(type(value))
        return {CLASS_KEY: class_names(type(value))[0], **serializer.to_representation(value)}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            self.fail("not_an_object")
        document = self._class_of(data)
        values = {name: value for name, value in data.items() if name != CLASS_KEY}
        serializer = self._serializer(document, data=values)
        serializer.is_valid(raise_exception=True)
        return document(**nested_values(document, serializer.validated_data))

    def _class_of(self, data: Mapping[str, Any]) -> Any:
        field = self.model_field
        if CLASS_KEY not in data and len(field.declared) == 1:
            return field.document
        try:
            return field.class_named(data.get(CLASS_KEY))
        except ValidationError:
            names = [class_names(document)[0] for document in field.documents]
            self.fail("unknown_class", choices=", ".join(names))

    def _serializer(self, document: Any, **options: Any) -> Any:
        return self.make(document)(context=self.context, **options)
