"""References inside of embedded documents, known to the classes whose documents hold them.

Django's options know who refers to a class by its fields. For each reference that lies in
documents embedded in a document's own, the document's class has an `EmbeddedReference` among
its private fields; it stores nothing, and gives deletion the relation to follow.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from django.db import models

from ..mapping.families import bases, heirs
from .deletion import Place, rule_inside
from .fields.elements import FieldOfFields


class EmbeddedReferenceRel:
    """The way back from what is referred to, by which deletion finds those that refer."""

    auto_created = True
    concrete = False
    editable = False
    hidden = True
    is_relation = True
    multiple = True
    one_to_many = True
    many_to_one = False
    many_to_many = False
    one_to_one = False
    related_name = "+"

    def __init__(self, field: EmbeddedReference) -> None:
        self.field = field
        self.remote_field = field
        self.related_model = field.model
        # No name that anybody could look up.
        self.name = f"+{field.model._meta.label_lower}.{field.name}"

    @property
    def model(self) -> Any:
        """The class referred to; its name as long as there is no such class."""
        return self.field.reference.remote_field.model

    @property
    def on_delete(self) -> Any:
        return self.field.on_delete

    def is_cached(self, instance: Any) -> bool:
        return False


class EmbeddedReference:
    """One reference inside of documents embedded in those of `model`.

    `steps` are the fields that lead there, `reference` is the field that refers.
    """

    auto_created = False
    concrete = False
    editable = False
    hidden = True
    generated = False
    is_relation = True
    # As of what is no column and no object either: none of the fields that Django loops over.
    one_to_many = True
    many_to_one = False
    many_to_many = False
    one_to_one = False
    null = True
    column = None
    choices = None

    def __init__(self, model: Any, steps: tuple[Any, ...], reference: Any) -> None:
        self.model = model
        self.reference = reference
        self.name = self.attname = "__".join(field.name for field in (*steps, reference))
        self.verbose_name = reference.verbose_name
        self.place = Place(tuple((each.column, is_list(each)) for each in steps), reference)
        self.on_delete = rule_inside(reference.remote_field.on_delete)
        self.remote_field = EmbeddedReferenceRel(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.model._meta.label}.{self.name}>"

    @property
    def related_model(self) -> Any:
        return self.remote_field.model

    @property
    def lies_in_list(self) -> bool:
        """Whether there is a list that it can be pulled out of."""
        return self.place.holds_keys or any(many for _, many in self.place.steps)

    @property
    def target_field(self) -> models.Field:
        return self.reference.target_field

    @property
    def foreign_related_fields(self) -> tuple[models.Field, ...]:
        return (self.target_field,)

    def is_cached(self, instance: Any) -> bool:
        return False

    def contribute_to_class(self, cls: Any, name: str) -> None:
        """Do nothing: a class that inherits the field is stored in the same collection."""

    def __deepcopy__(self, memo: Any) -> EmbeddedReference:
        return self


def is_list(field: Any) -> bool:
    """Tell whether an embedded field holds a list of documents."""
    return bool(field.get_internal_type() == "EmbeddedDocumentListField")


def look_inside(model: Any) -> None:
    """Tell deletion what the documents of `model` refer to within embedded ones.

    Called when a class is made; classes that are given by name may follow later. What a base
    class that is stored in the same place has is known of that one.
    """
    above = [base._meta for base in bases(model)]
    if getattr(model, "_is_embedded", False):
        for base in bases(model):
            for holder, steps in vars(base).get("_held_at", ()):
                _note_fields(holder, steps, model)
        return
    known = {field.name for meta in above for field in meta.local_concrete_fields}
    for field in model._meta.local_concrete_fields:
        if hasattr(field, "_as_declared") and field.name not in known:
            _look_into(model, (field,))


def _look_into(model: Any, steps: tuple[Any, ...]) -> None:
    """Follow the last of the steps, as soon as the classes that it embeds are there."""
    field = steps[-1]
    for document in field._as_declared:
        if document == "self":
            document = field.model
        if isinstance(document, str):
            app_label, _, name = document.rpartition(".")
            key = (app_label or field.model._meta.app_label, name.lower())
            field.model._meta.apps.lazy_model_operation(partial(_found, model, steps), key)
        elif getattr(document, "_is_embedded", False):
            _found(model, steps, document)


def _found(model: Any, steps: tuple[Any, ...], document: Any) -> None:
    if not getattr(document, "_is_embedded", False):
        # Check E022 says so.
        return
    if "_held_at" not in vars(document):
        document._held_at = []
    document._held_at.append((model, steps))
    for heir in dict.fromkeys([document, *heirs(document)]):
        _note_fields(model, steps, heir)


def _note_fields(model: Any, steps: tuple[Any, ...], document: Any) -> None:
    """Note what one embedded class refers to, and look further inside."""
    inherited = {
        field.name for base in bases(document) for field in base._meta.local_concrete_fields
    }
    for field in document._meta.local_concrete_fields:
        if field.name in inherited:
            continue
        if _refers(field):
            reference = EmbeddedReference(model, steps, field)
            model._meta.add_field(reference, private=True)
        # Where a class holds itself, it is followed once: nobody knows how deep documents go.
        elif hasattr(field, "_as_declared") and not any(each is field for each in steps):
            _look_into(model, (*steps, field))


def _refers(field: Any) -> bool:
    remote = field.remote_field
    return remote is not None and hasattr(remote, "on_delete") and field.concrete


def unseen(model: Any) -> Iterator[tuple[Any, Any]]:
    """Yield fields of `model` with references in their maps that deletion does not look for.

    No path leads to all values of a map, so no command could ask for what lies in them. A rule
    of `DO_NOTHING` is kept there as well as anywhere.
    """
    for field in model._meta.local_concrete_fields:
        inner = field
        while isinstance(inner, FieldOfFields):
            inner = inner.inner_field
        if inner is not field:
            for reference in dict.fromkeys(_references_in(inner, ())):
                if reference.remote_field.on_delete is not models.DO_NOTHING:
                    yield field, reference


def _references_in(field: Any, seen: tuple[Any, ...]) -> Iterator[Any]:
    """Yield the references in documents that a field embeds, however deep."""
    try:
        documents = getattr(field, "documents", ())
    except LookupError:
        # The name of a class that does not exist.
        return
    for document in documents:
        if document not in seen:
            for each in document._meta.concrete_fields:
                if _refers(each):
                    yield each
                else:
                    yield from _references_in(each, (*seen, document))
