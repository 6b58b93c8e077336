"""What the document classes declare of their collections: names, indexes, uniqueness."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import models, router

from ..db.schema import CollectionSpec, IndexSpec
from .indexes import Keys, default_name, index_keys, keys_of, partial_filter


def collection_specs(alias: str) -> list[CollectionSpec]:
    """Return the collections of all document classes that live on `alias`."""
    return [
        collection_spec(model)
        for model in apps.get_models(include_auto_created=False)
        if getattr(model, "_is_document", False)
        and not model._meta.proxy
        and not model._meta.swapped
        and router.allow_migrate_model(alias, model)
    ]


def collection_spec(model: Any) -> CollectionSpec:
    """Return what one class declares; equal indexes declared twice count once."""
    indexes: dict[tuple[Any, ...], IndexSpec] = {}
    for index in index_specs(model):
        same = (index.keys, str(sorted(index.options.items())))
        indexes.setdefault(same, index)
    return CollectionSpec(
        name=model._meta.db_table, indexes=tuple(indexes.values()), source=model._meta.label
    )


def index_specs(model: Any) -> Iterator[IndexSpec]:
    """Yield the indexes of fields, of `unique_together`, of constraints and of `Meta.indexes`."""
    yield from _field_indexes(model, "", (model,))
    for fields in model._meta.unique_together:
        yield _unique(model, keys_of(model, fields), fields)
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and constraint.fields:
            yield _constraint(model, constraint)
    for index in model._meta.indexes:
        yield _index(model, index)


def _field_indexes(model: Any, prefix: str, seen: tuple[Any, ...]) -> Iterator[IndexSpec]:
    """Yield what `unique=True` and `db_index=True` ask for, also within embedded documents."""
    for field in model._meta.concrete_fields:
        if field.column == "_id" and not prefix:
            continue
        path = f"{prefix}{field.column}"
        if field.unique and not getattr(field, "primary_key", False):
            keys: Keys = ((path, 1),)
            optional = [path] if field.null or prefix else []
            yield IndexSpec(keys, default_name(keys), _unique_options(optional))
        elif field.db_index:
            keys = ((path, 1),)
            yield IndexSpec(keys, default_name(keys))
        document = getattr(field, "document", None)
        if document is not None and document not in seen:
            yield from _field_indexes(document, f"{path}.", (*seen, document))


def _unique(model: Any, keys: Keys, fields: Any, name: str | None = None) -> IndexSpec:
    optional = [
        path for (path, _), field in zip(keys, fields, strict=True) if _is_null(model, field)
    ]
    return IndexSpec(keys, name or default_name(keys), _unique_options(optional))


def _is_null(model: Any, name: str) -> bool:
    from ..query.paths import resolve

    return "__" in name or resolve(model, name.removeprefix("-")).field.null


def _unique_options(optional: list[str]) -> dict[str, Any]:
    """Let any number of documents have no value, as SQL does: null is left out of documents."""
    options: dict[str, Any] = {"unique": True}
    if optional:
        options["partialFilterExpression"] = {path: {"$exists": True} for path in optional}
    return options


def _constraint(model: Any, constraint: models.UniqueConstraint) -> IndexSpec:
    keys = keys_of(model, constraint.fields)
    if constraint.nulls_distinct is False:
        index = IndexSpec(keys, constraint.name, {"unique": True})
    else:
        index = _unique(model, keys, constraint.fields, constraint.name)
    if constraint.condition is None:
        return index
    condition = partial_filter(model, constraint.condition, constraint.name)
    exists = index.options.get("partialFilterExpression", {})
    missing = {path: asked for path, asked in exists.items() if path not in condition}
    return IndexSpec(
        keys,
        constraint.name,
        {"unique": True, "partialFilterExpression": {**condition, **missing}},
    )


def _index(model: Any, index: models.Index) -> IndexSpec:
    options = index.options() if hasattr(index, "options") else {}
    if index.condition is not None:
        options["partialFilterExpression"] = partial_filter(model, index.condition, index.name)
    return IndexSpec(
        index_keys(model, index), index.name, options, needs=getattr(index, "needs", None)
    )
