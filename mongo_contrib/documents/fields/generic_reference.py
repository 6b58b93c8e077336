"""A reference to a document of any class."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, NamedTuple

from bson import DBRef
from django import forms
from django.apps import apps
from django.core import checks, exceptions
from django.db import models, router
from django.utils.translation import gettext_lazy as _

from ...mapping.encoding import decode_value, encode_value, refuse_container
from ...mapping.families import class_names
from ..generic_references import GenericReferenceDescriptor
from .nested import NestedField


class Reference(NamedTuple):
    """What a `GenericReferenceField` holds: a document's class and key."""

    model: Any
    pk: Any

    def __str__(self) -> str:
        holder = self.model(pk=self.pk)
        return f"{self.model._meta.label_lower}:{self.model._meta.pk.value_to_string(holder)}"


class GenericReferenceField(NestedField):
    """A reference to a document of any class, or of those in `to`.

    Stored as `{"model": "atlas.city", "pk": key}`; what MongoEngine stores is read too. The
    attribute is the document, fetched when asked for; `<name>_ref` is its `Reference`. Nothing
    happens to it when the document is deleted: asking for it is `DoesNotExist` then.
    """

    description = _("Reference to any document")
    default_error_messages = {
        "invalid": _("“%(value)s” is no reference: an instance, or “app.model:key”, is."),
        "no_class": _("There is no document class “%(value)s”."),
        "refused": _("%(field)s refers to %(allowed)s, not to %(found)s."),
        "missing": _("There is no %(object)s with the key %(key)s."),
    }

    def __init__(self, to: Iterable[Any] | None = None, **kwargs: Any) -> None:
        self._to = None if to is None else tuple(to)
        super().__init__(**kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        if self._to is not None:
            kwargs["to"] = [
                each if isinstance(each, str) else each._meta.label for each in self._to
            ]
        return name, path, args, kwargs

    def get_internal_type(self) -> str:
        return "GenericReferenceField"

    def get_attname(self) -> str:
        return f"{self.name}_ref"

    def get_attname_column(self) -> tuple[str, str]:
        return self.get_attname(), self.db_column or self.name

    def contribute_to_class(self, cls: Any, name: str, **kwargs: Any) -> None:
        super().contribute_to_class(cls, name, **kwargs)
        setattr(cls, name, GenericReferenceDescriptor(self))

    @cached_property
    def stored_parts(self) -> dict[str, models.Field]:
        """The fields of what is stored, by the names that look-ups give them."""
        parts: dict[str, models.Field] = {"model": _ModelName(max_length=200), "pk": _Key()}
        for name, field in parts.items():
            field.set_attributes_from_name(name)
            field.model = self.model
        return parts

    @property
    def allowed(self) -> tuple[Any, ...] | None:
        """The classes that it may refer to; None for all. LookupError if one doesn't exist."""
        if self._to is None:
            return None
        found = []
        for each in self._to:
            if isinstance(each, str):
                app_label, _, name = each.rpartition(".")
                each = apps.get_model(app_label or self.model._meta.app_label, name)
            found.append(each)
        return tuple(found)

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        errors = super().check(**kwargs)
        try:
            wrong = [each for each in self.allowed or () if not _is_document(each)]
        except (LookupError, ValueError) as error:
            return [*errors, self._wrong_classes(str(error))]
        if wrong:
            errors.append(self._wrong_classes(f"{wrong[0]!r} is no Document."))
        return errors

    def _wrong_classes(self, reason: str) -> checks.Error:
        return checks.Error(
            f"{self.name!r} names classes that it can't refer to: {reason}",
            hint="Give 'to' a list of document classes or of their names, as 'atlas.City'.",
            obj=self,
            id="mongo_contrib.E063",
        )

    # Values

    def to_python(self, value: Any) -> Reference | None:
        """Return the reference to an instance, or of what stands for one.

        Raises ValueError for an unsaved instance, and ValidationError for what is no reference,
        names no class or one that is not allowed.
        """
        if value is None or value == "":
            return None
        if isinstance(value, Reference):
            found = value
        elif isinstance(value, models.Model):
            if value.pk is None:
                raise ValueError(
                    f"{self.model._meta.object_name}.{self.name} can't refer to {value!r}, which "
                    "has no key yet: save it first."
                )
            found = Reference(value._meta.concrete_model, value.pk)
        elif isinstance(value, str):
            name, colon, key = value.partition(":")
            if not colon:
                raise self._error("invalid", value=value)
            found = self._reference(name.strip(), key.strip())
        elif isinstance(value, dict) and value.keys() == {"model", "pk"}:
            found = self._reference(value["model"], value["pk"])
        else:
            raise self._error("invalid", value=value)
        self._refuse_other_classes(found.model)
        return found

    def _reference(self, name: Any, key: Any) -> Reference:
        model = self._class_named(name)
        return Reference(model, model._meta.pk.to_python(key))

    def _class_named(self, name: Any) -> Any:
        try:
            model = apps.get_model(name)
        except (LookupError, ValueError, AttributeError):
            model = None
        if not _is_document(model):
            raise self._error("no_class", value=name)
        return model

    def _refuse_other_classes(self, model: Any) -> None:
        allowed = self.allowed
        if not _is_document(model):
            raise self._error("no_class", value=model._meta.label)
        if allowed is not None and not issubclass(model, allowed):
            labels = ", ".join(each._meta.label for each in allowed)
            raise self._error("refused", field=self.name, allowed=labels, found=model._meta.label)

    def _error(self, code: str, **params: Any) -> exceptions.ValidationError:
        return exceptions.ValidationError(self.error_messages[code], code=code, params=params)

    def to_bson(self, value: Any) -> dict[str, Any] | None:
        reference = self.to_python(value)
        if reference is None:
            return None
        model, key = reference
        return {"model": model._meta.label_lower, "pk": encode_value(model._meta.pk, key)}

    def from_bson(self, value: Any) -> Reference:
        """Return the reference of a stored one: ours, MongoEngine's, or a plain DBRef."""
        if isinstance(value, dict) and value.keys() >= {"model", "pk"}:
            model = self._class_named(value["model"])
            return Reference(model, decode_value(model._meta.pk, value["pk"]))
        named = None
        if isinstance(value, dict) and value.keys() >= {"_cls", "_ref"}:
            named, value = value["_cls"], value["_ref"]
        if not isinstance(value, DBRef):
            raise self._error("invalid", value=value)
        model = _class_stored(value.collection, named)
        if model is None:
            raise self._error("no_class", value=named or value.collection)
        return Reference(model, decode_value(model._meta.pk, value.id))

    def bson_schema(self) -> dict[str, Any]:
        return {"bsonType": "object"}

    def value_to_string(self, obj: models.Model) -> Any:
        value = self.value_from_object(obj)
        return None if value is None else str(value)

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        """Refuse what refers to nothing."""
        super().validate(value, model_instance)
        if value is None or not self.editable:
            return
        using = router.db_for_read(value.model, instance=model_instance)
        if not value.model._base_manager.using(using).filter(pk=value.pk).exists():
            raise self._error("missing", object=value.model._meta.verbose_name, key=value.pk)

    def save_form_data(self, instance: Any, data: Any) -> None:
        setattr(instance, self.name, data)

    def formfield(self, **kwargs: Any) -> Any:
        kwargs = {"form_class": GenericReferenceFormField, "model_field": self, **kwargs}
        return super().formfield(**kwargs)


class GenericReferenceFormField(forms.CharField):
    """A text input for `app.model:key`; the model field says what that refers to."""

    def __init__(self, *, model_field: GenericReferenceField, **kwargs: Any) -> None:
        self.model_field = model_field
        kwargs.setdefault("help_text", _("app.model:key"))
        kwargs.setdefault("empty_value", None)
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return str(value) if isinstance(value, Reference) else value

    def to_python(self, value: Any) -> Any:
        return self.model_field.to_python(super().to_python(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((self.prepare_value(initial) or "") != (data or "").strip())


class _ModelName(models.CharField):
    """The name of a class, in look-ups also the class."""

    def get_prep_value(self, value: Any) -> Any:
        refuse_container(self, value)
        if hasattr(value, "_meta"):
            return value._meta.label_lower
        return super().get_prep_value(value.lower() if isinstance(value, str) else value)


class _Key(models.Field):
    """A key, of which only the class would say the type: it is taken as it is."""

    def get_internal_type(self) -> str:
        return "GenericKey"

    def to_bson(self, value: Any) -> Any:
        refuse_container(self, value)
        if isinstance(value, models.Model):
            return encode_value(value._meta.pk, value.pk)
        return value

    def from_bson(self, value: Any) -> Any:
        return value


def _is_document(model: Any) -> bool:
    return bool(getattr(model, "_is_document", False)) and not model._meta.abstract


def _class_stored(collection: str, named: str | None) -> Any:
    """Return the class of a collection's documents, of several the one that `_cls` names."""
    found = [
        model
        for model in apps.get_models()
        if _is_document(model) and not model._meta.proxy and model._meta.db_table == collection
    ]
    for model in found:
        if named in class_names(model):
            return model
    return found[0] if len(found) == 1 else None
