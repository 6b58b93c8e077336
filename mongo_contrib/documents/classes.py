"""How document classes are made: the metaclasses."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import models
from django.db.models.base import ModelBase

from ..mapping.families import CLASS_KEY
from ..mapping.kinds import plan_class
from ..mapping.lazy import LAZY
from .embedded_references import look_inside
from .fields.objectid import ObjectIdAutoField
from .fields.position import PositionField
from .index_keys import name_index
from .inheritance import (
    ClassNameField,
    inherited,
    joined,
    share,
    shared_parents,
    taken_as_abstract,
)
from .options import django_meta, read_options
from .related import (
    DocumentForeignKeyDescriptor,
    DocumentOneToOneDescriptor,
    EmbeddedReverseDescriptor,
)
from .twins import DocumentReverseDescriptor

#: The manager that Django's own machinery uses (`_base_manager`), under this name on each class.
BASE_MANAGER = "_documents"


class DocumentBase(ModelBase):
    """Make model classes that no SQL reaches, whatever their bases and their `Meta` say."""

    def __new__(
        mcs, name: str, bases: tuple[type, ...], attrs: dict[str, Any], **kwargs: Any
    ) -> Any:
        parents = [base for base in bases if isinstance(base, ModelBase)]
        meta = attrs.get("Meta")
        attrs = {**attrs, "_options": mcs._read_options(name, bases, meta)}
        if meta is not None:
            attrs["Meta"] = django_meta(meta)
        shared: tuple[Any, ...] = ()
        if any(isinstance(parent, DocumentBase) for parent in parents):
            if getattr(meta, "proxy", False):
                return super().__new__(mcs, name, bases, attrs, **kwargs)
            shared = shared_parents(name, parents)
            if not getattr(meta, "abstract", False):
                attrs = {**mcs._automatic_fields(bases, parents, attrs), **attrs}
        with taken_as_abstract(shared):
            return super().__new__(mcs, name, bases, attrs, **kwargs)

    _read_options = staticmethod(read_options)

    @staticmethod
    def automatic_key() -> models.Field:
        return ObjectIdAutoField(primary_key=True, verbose_name="ID", auto_created=True)

    @classmethod
    def _automatic_fields(
        mcs, bases: tuple[type, ...], parents: list[ModelBase], attrs: dict[str, Any]
    ) -> dict[str, models.Field]:
        """Return the fields that a class has without declaring them."""
        added: dict[str, models.Field] = {}
        if not _declares_primary_key(parents, attrs):
            added["id"] = mcs.automatic_key()
        if attrs["_options"].allow_inheritance and not any(hasattr(b, CLASS_KEY) for b in bases):
            added[CLASS_KEY] = mcs.class_name()
        return added

    @staticmethod
    def class_name() -> models.Field:
        return ClassNameField(db_index=True)

    def add_to_class(cls, name: str, value: Any) -> None:
        if isinstance(value, models.Field):
            if value.primary_key:
                cls._store_key(value)
            if isinstance(value, models.ForeignKey):
                value.db_constraint = False
                value.forward_related_accessor_class = (
                    DocumentOneToOneDescriptor
                    if isinstance(value, models.OneToOneField)
                    else DocumentForeignKeyDescriptor
                )
                value.related_accessor_class = cls._way_back(value)
        super().add_to_class(name, inherited(cls, name, value))
        if isinstance(value, models.Field):
            descriptor = LAZY.get(type(cls.__dict__.get(value.attname)))
            if descriptor is not None:
                setattr(cls, value.attname, descriptor(value))
            for made in ("_plan", "_recipe"):
                # Made for the fields that there were until now.
                if made in cls.__dict__:
                    delattr(cls, made)
        if name == "_meta":
            share(cls, value)
            # With a plain model as the first base, Django would take that one's.
            value.managed = False
            value.base_manager_name = BASE_MANAGER

    @staticmethod
    def _way_back(reference: Any) -> Any:
        """Return the descriptor that a reference adds to the class it refers to."""
        if isinstance(reference, models.OneToOneField):
            return reference.related_accessor_class
        return DocumentReverseDescriptor

    def _store_key(cls, field: models.Field) -> None:
        field.db_column = "_id"

    def _prepare(cls) -> None:
        for index in cls._meta.indexes:
            if not index.name:
                name_index(cls, index)
        joined(cls)
        cls._plan_class = plan_class(cls)
        super()._prepare()
        look_inside(cls)


def _declares_primary_key(parents: list[ModelBase], attrs: dict[str, Any]) -> bool:
    declared = [value for value in attrs.values() if isinstance(value, models.Field)]
    inherited = [
        field
        for parent in parents
        if hasattr(parent, "_meta")
        for field in parent._meta.local_fields
        if field.name not in attrs
    ]
    return any(field.primary_key for field in [*declared, *inherited])


class EmbeddedDocumentBase(DocumentBase):
    """Make classes of documents that live inside others: no collection, no `_id` of their own."""

    _read_options = staticmethod(partial(read_options, embedded=True))

    @staticmethod
    def automatic_key() -> models.Field:
        return PositionField(primary_key=True, auto_created=True)

    @staticmethod
    def class_name() -> models.Field:
        return ClassNameField()

    @staticmethod
    def _way_back(reference: Any) -> Any:
        return EmbeddedReverseDescriptor

    def _store_key(cls, field: models.Field) -> None:
        """A key that the class declares is stored like any other field."""
