"""System checks of document classes: what Django's own checks can't know."""

from __future__ import annotations

from typing import Any

from django.core import checks
from django.core.exceptions import FieldError
from django.db import models
from django.db.models.fields import AutoField
from django.db.utils import NotSupportedError

from ..query.queryset import DocumentQuerySet
from .deletion import PULL
from .embedded_references import unseen
from .family_checks import check_family
from .fields.objectid import ObjectIdAutoField
from .schema import index_specs
from .schema_checks import check_embedded_schema, check_schema


def check_document(model: Any) -> list[checks.CheckMessage]:
    """Return what is wrong with a document class."""
    return [
        *_managers(model),
        *_fields(model),
        *_pulled(model),
        *_unseen(model),
        *_ordering(model),
        *_constraints(model),
        *_indexes(model),
        *check_schema(model),
        *check_family(model),
    ]


def check_embedded(model: Any) -> list[checks.CheckMessage]:
    """Return what is wrong with an embedded class."""
    return [
        *_fields(model),
        *_unseen(model),
        *check_embedded_schema(model),
        *check_family(model),
    ]


def _managers(model: Any) -> list[checks.CheckMessage]:
    return [
        checks.Error(
            f"The manager {manager.name!r} makes SQL query sets.",
            hint=(
                "Derive it from mongo_contrib.documents.DocumentManager, or its query set from "
                "DocumentQuerySet."
            ),
            obj=model,
            id="mongo_contrib.E023",
        )
        for manager in model._meta.managers
        if not issubclass(getattr(manager, "_queryset_class", object), DocumentQuerySet)
    ]


def _fields(model: Any) -> list[checks.CheckMessage]:
    errors: list[checks.CheckMessage] = [
        checks.Error(
            f"{field.name!r} is a ManyToManyField, which needs a table between two tables.",
            hint="Use ReferenceListField: the document keeps the keys itself.",
            obj=field,
            id="mongo_contrib.E024",
        )
        for field in model._meta.local_many_to_many
    ]
    for field in model._meta.local_concrete_fields:
        # isinstance(.., AutoField) is true of the bigger ones too.
        if isinstance(field, AutoField) and not isinstance(field, ObjectIdAutoField):
            errors.append(
                checks.Error(
                    f"{field.name!r} is an {type(field).__name__}: MongoDB counts no rows.",
                    hint="Leave it out, for an ObjectId, or declare another primary key.",
                    obj=field,
                    id="mongo_contrib.E025",
                )
            )
        if getattr(field, "db_default", models.NOT_PROVIDED) is not models.NOT_PROVIDED or getattr(
            field, "generated", False
        ):
            errors.append(
                checks.Error(
                    f"{field.name!r} asks the database to compute its value.",
                    hint="Use default=, or set the value in save().",
                    obj=field,
                    id="mongo_contrib.E026",
                )
            )
        remote: Any = getattr(field.remote_field, "model", None)
        if getattr(remote, "_is_embedded", False):
            errors.append(
                checks.Error(
                    f"{field.name!r} refers to {remote._meta.label}, which is stored inside other "
                    "documents and can't be referred to.",
                    hint="Use EmbeddedDocumentField, or make it a Document.",
                    obj=field,
                    id="mongo_contrib.E027",
                )
            )
    return errors


def _pulled(model: Any) -> list[checks.CheckMessage]:
    """Find references that are to be pulled out of lists in which they don't lie."""
    fields = [*model._meta.local_concrete_fields, *model._meta.private_fields]
    return [
        checks.Error(
            f"{field.name!r} says on_delete=PULL, but is no list, and in none.",
            hint="Say what becomes of a single reference: SET_NULL, CASCADE, PROTECT, ...",
            obj=model,
            id="mongo_contrib.E062",
        )
        for field in fields
        if getattr(field.remote_field, "on_delete", None) is PULL
        and not hasattr(field, "base_field")
        and not getattr(field, "lies_in_list", False)
    ]


def _unseen(model: Any) -> list[checks.CheckMessage]:
    """Find references whose `on_delete` would never be heard."""
    return [
        checks.Error(
            f"{field.name!r} holds {reference.model._meta.label} in a {type(field).__name__}, "
            f"where its reference {reference.name!r} is unknown to deletion and to indexes.",
            hint=(
                "Use EmbeddedDocumentListField, with the key as a field of the embedded class; "
                "or say on_delete=DO_NOTHING, and let the reference dangle."
            ),
            obj=field,
            id="mongo_contrib.E064",
        )
        for field, reference in unseen(model)
    ]


def _ordering(model: Any) -> list[checks.CheckMessage]:
    query = model._documents.all().query
    errors = []
    if model._meta.order_with_respect_to:
        errors.append(
            checks.Error(
                "'order_with_respect_to' numbers the documents, which is not atomic here.",
                hint="Keep them in a list of their parent, or declare a field to order by.",
                obj=model,
                id="mongo_contrib.E032",
            )
        )
    for item in model._meta.ordering or ():
        try:
            query.sort_key(item)
        except (FieldError, NotSupportedError) as error:
            errors.append(
                checks.Error(
                    f"'ordering' can't be done: {error}", obj=model, id="mongo_contrib.E028"
                )
            )
    return errors


def _constraints(model: Any) -> list[checks.CheckMessage]:
    return [
        checks.Error(
            f"The constraint {constraint.name!r} can't be enforced by MongoDB.",
            hint="Use UniqueConstraint(fields=[...]), or validators on the fields.",
            obj=model,
            id="mongo_contrib.E029",
        )
        for constraint in model._meta.constraints
        if not isinstance(constraint, models.UniqueConstraint) or not constraint.fields
    ]


def _indexes(model: Any) -> list[checks.CheckMessage]:
    """Make all specifications, and see that no name stands for two of them."""
    try:
        specs = list(index_specs(model))
    except LookupError:
        # An embedded class that does not exist: its field's own check says so.
        return []
    except (FieldError, NotSupportedError, ValueError) as error:
        return [checks.Error(str(error), obj=model, id="mongo_contrib.E030")]
    errors: list[checks.CheckMessage] = []
    by_name: dict[str, Any] = {}
    for spec in specs:
        other = by_name.setdefault(spec.name, spec)
        if (other.keys, dict(other.options)) != (spec.keys, dict(spec.options)):
            errors.append(
                checks.Error(
                    f"Two different indexes are both named {spec.name!r}.",
                    hint="Give one of them a name of its own.",
                    obj=model,
                    id="mongo_contrib.E031",
                )
            )
    return errors
