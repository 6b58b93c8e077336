"""Serializers of documents, embedded ones included, readable and writable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from bson import ObjectId
from django.db import models
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.fields import empty, get_attribute
from rest_framework.utils import html
from rest_framework.utils.field_mapping import get_field_kwargs, get_unique_error_message
from rest_framework.validators import UniqueTogetherValidator

from mongo_contrib import documents
from mongo_contrib.exceptions import DuplicateKeyError, UnreadableValue

from . import fields
from .embedding import nested_values
from .errors import Unreadable
from .polymorphic import AnyOfField

#: What a nested serializer takes of the options that Django REST framework derives of a field.
_NESTED_OPTIONS = {"allow_null", "help_text", "label", "read_only", "required"}


class DocumentSerializer(serializers.ModelSerializer):
    """A `ModelSerializer` of a document class.

    Embedded documents are nested serializers, and writable: an embedded document is changed
    field by field, as the document itself is; a list of them is replaced by the one sent.
    A value that a unique index refuses is a validation error of its field, whoever wins a
    race.
    """

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.BinaryField: fields.BinaryField,
        models.FloatField: fields.FloatField,
        models.JSONField: fields.JSONField,
        documents.BSONField: fields.ExtendedJSONField,
        documents.DictField: fields.ExtendedJSONField,
        documents.GenericReferenceField: fields.GenericReferenceField,
        documents.GeoJSONField: fields.GeoJSONField,
        documents.ListField: serializers.ListField,
        documents.MapField: serializers.DictField,
        documents.ObjectIdField: fields.ObjectIdField,
        documents.PointField: fields.PointField,
    }
    serializer_related_field = fields.PrimaryKeyRelatedField

    default_error_messages = {
        "key_changed": _("The key of a document never changes; this one's is “{key}”."),
    }

    # What becomes of model fields

    def build_standard_field(self, field_name: str, model_field: Any) -> tuple[Any, Any]:
        if hasattr(model_field, "document"):
            return self.build_embedded_field(field_name, model_field)
        if hasattr(model_field, "keys_follow"):
            # Only what a project declares itself takes any keys from a client.
            return fields.ExtendedJSONField, {"model_field": model_field, "read_only": True}
        if isinstance(model_field, documents.ObjectIdAutoField):
            return fields.ObjectIdField, {"label": model_field.verbose_name, "read_only": True}
        field_class, options = super().build_standard_field(field_name, model_field)
        if isinstance(model_field, documents.ListField | documents.MapField):
            child_class, child_options = self.build_standard_field(
                "child", model_field.inner_field
            )
            child_options.pop("label", None)
            options["child"] = child_class(**child_options)
            options.setdefault("allow_empty", model_field.blank)
        elif issubclass(field_class, fields.ExtendedJSONField | fields.GeoJSONField):
            options["model_field"] = model_field
        elif isinstance(model_field, documents.GenericReferenceField):
            kept = {name: options[name] for name in _NESTED_OPTIONS & options.keys()}
            options = {**kept, "model_field": model_field}
        elif isinstance(model_field, documents.SequenceField) and model_field.format:
            field_class = serializers.CharField
        return field_class, options

    def build_embedded_field(self, field_name: str, model_field: Any) -> tuple[Any, Any]:
        """Return the nested serializer of an embedded document, or of a list of them."""

        options = get_field_kwargs(field_name, model_field)
        options = {name: options[name] for name in _NESTED_OPTIONS & options.keys()}
        make = partial(self._nested_serializer, depth=getattr(self.Meta, "depth", 0))
        if model_field.is_polymorphic:
            either = {"model_field": model_field, "make": make}
            if isinstance(model_field, documents.EmbeddedDocumentListField):
                options.update(child=AnyOfField(**either), allow_empty=model_field.blank)
                return serializers.ListField, options
            return AnyOfField, {**options, **either}
        NestedSerializer = make(model_field.document)
        if isinstance(model_field, documents.EmbeddedDocumentListField):
            options.update(child=NestedSerializer(), allow_empty=model_field.blank)
            return serializers.ListSerializer, options
        return NestedSerializer, options

    @staticmethod
    def _nested_serializer(document: Any, depth: int) -> Any:
        nested_depth = depth

        class NestedSerializer(EmbeddedDocumentSerializer):
            class Meta:
                model = document
                depth = nested_depth
                fields = "__all__"

        return NestedSerializer

    def build_relational_field(self, field_name: str, relation_info: Any) -> tuple[Any, Any]:
        model_field = relation_info.model_field
        if not isinstance(model_field, documents.ReferenceListField):
            return super().build_relational_field(field_name, relation_info)
        # To the framework it is a field of the document, and so it is saved.
        relation_info = relation_info._replace(to_many=True)
        field_class, options = super().build_relational_field(field_name, relation_info)
        if not model_field.blank:
            options.pop("required", None)
        return field_class, options

    def build_nested_field(
        self, field_name: str, relation_info: Any, nested_depth: int
    ) -> tuple[Any, Any]:
        if isinstance(relation_info.model_field, documents.ReferenceListField):
            relation_info = relation_info._replace(to_many=True)
        _stock, options = super().build_nested_field(field_name, relation_info, nested_depth)

        class NestedSerializer(_nesting(type(self))):  # type: ignore[misc]
            class Meta:
                model = relation_info.related_model
                depth = nested_depth - 1
                fields = "__all__"

        return NestedSerializer, options

    def get_unique_together_constraints(self, model: Any) -> Any:
        # Whether a condition holds Django REST framework asks in SQL; here the partial index
        # answers, in save().
        for constraint in super().get_unique_together_constraints(model):
            _fields, _queryset, _condition_fields, condition, *_rest = constraint
            if condition is None:
                yield constraint

    # Reading

    def to_representation(self, instance: Any) -> dict[str, Any]:
        # Properties such as `author_id`, and fields that a project declares, yield ObjectIds.
        try:
            found = super().to_representation(instance)
        except UnreadableValue as error:
            raise Unreadable(str(error)) from error
        return {
            name: str(value) if type(value) is ObjectId else value for name, value in found.items()
        }

    # Writing

    def to_internal_value(self, data: Any) -> Any:
        values = super().to_internal_value(data)
        key = self.Meta.model._meta.pk.name
        # With another key it would be another document, beside this one.
        before = self.instance.pk if isinstance(self.instance, models.Model) else None
        if before is not None and values.get(key, before) != before:
            message = self.error_messages["key_changed"].format(key=before)
            raise serializers.ValidationError({key: [message]}, code="key_changed")
        return values

    @contextmanager
    def _duplicates_refused(self) -> Iterator[None]:
        try:
            yield
        except DuplicateKeyError as error:
            if error.collection != self.Meta.model._meta.db_table:
                raise
            raise serializers.ValidationError(self.duplicate(error), code="unique") from error

    def duplicate(self, error: DuplicateKeyError) -> dict[str, Any]:
        """Return what the validators would have said a moment later."""
        model = self.Meta.model
        names = {field.column: field.name for field in model._meta.concrete_fields}
        sources = [names.get(path, path.replace(".", "__")) for path in error.fields]
        shown = {field.source: name for name, field in self.fields.items()}
        if len(sources) == 1 and sources[0] in shown:
            field = model._meta.get_field(sources[0])
            return {shown[sources[0]]: [get_unique_error_message(field)]}
        message = UniqueTogetherValidator.message.format(
            field_names=", ".join(shown.get(source, source) for source in sources)
        )
        return {"non_field_errors": [message]}

    def create(self, validated_data: dict[str, Any]) -> Any:
        with self._duplicates_refused():
            return super().create(nested_values(self.Meta.model, validated_data))

    def update(self, instance: Any, validated_data: dict[str, Any]) -> Any:
        values = nested_values(self.Meta.model, validated_data, into=instance)
        with self._duplicates_refused():
            return super().update(instance, values)


class HyperlinkedDocumentSerializer(DocumentSerializer, serializers.HyperlinkedModelSerializer):
    """See `HyperlinkedModelSerializer`: a `url` instead of the key, and URLs for references."""

    serializer_related_field = serializers.HyperlinkedRelatedField


class EmbeddedDocumentSerializer(DocumentSerializer):
    """Part of the serializer of a document; it is saved with that."""

    def get_default_field_names(self, declared_fields: Any, model_info: Any) -> list[str]:
        names = super().get_default_field_names(declared_fields, model_info)
        # The position in a list is no part of the document.
        return names if getattr(model_info.pk, "stored", True) else names[1:]

    def get_value(self, dictionary: Any) -> Any:
        value = super().get_value(dictionary)
        if value is not empty and self.allow_null and html.is_html_input(dictionary):
            # A form has inputs for every field: nothing filled in means no document.
            return value if any(value.values()) else None
        return value

    def to_internal_value(self, data: Any) -> Any:
        values = super().to_internal_value(data)
        if self.root.partial and self.current() is None:
            # PATCH leaves out what stays as it is; of a new one, nothing can.
            missing = {
                field.field_name: [field.error_messages["required"]]
                for field in self._writable_fields
                if field.required and field.get_value(data) is empty
            }
            if missing:
                raise serializers.ValidationError(missing, code="required")
        return values

    def current(self) -> Any:
        """Return the embedded document that will be changed; None if there will be a new one."""
        if isinstance(self.parent, EmbeddedDocumentSerializer):
            owner = self.parent.current()
        else:
            owner = getattr(self.parent, "instance", None)
        if not isinstance(owner, models.Model):
            return None
        return get_attribute(owner, self.source_attrs)


def _nesting(serializer: type) -> type:
    """Return the class of nested serializers that `depth` asks of `serializer`."""
    hyperlinked = issubclass(serializer, serializers.HyperlinkedModelSerializer)
    return HyperlinkedDocumentSerializer if hyperlinked else DocumentSerializer
