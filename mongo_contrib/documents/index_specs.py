"""The indexes that a document class declares, as the server takes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from django.db import models

from ..db.schema import IndexSpec
from ..mapping.families import root_of
from ..query.paths import resolve
from .index_keys import Keys, default_name, index_keys, keys_of, partial_filter
from .present import IS_STORED, is_present

#: The capability that an index of a kind needs.
_NEEDS = {"2dsphere": "2dsphere", "hashed": "hashed_index", "text": "text_index"}


def index_specs(model: Any) -> Iterator[IndexSpec]:
    """Yield the indexes of fields, of `unique_together`, of constraints and of `Meta.indexes`.

    Those of embedded classes too, with the path that leads there.
    """
    yield from _field_indexes(model, "", (model,), _shared(model))
    for fields in model._meta.unique_together:
        yield _unique(model, keys_of(model, fields), fields)
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and constraint.fields:
            yield _constraint(model, constraint)
    for index in model._meta.indexes:
        if not hasattr(index, "search_definition"):
            yield _index(model, index)


def _shared(model: Any) -> frozenset[str]:
    """Return the columns that not every class in the collection has."""
    common = {field.column for field in root_of(model)._meta.concrete_fields}
    return frozenset({field.column for field in model._meta.concrete_fields} - common)


def _field_indexes(
    model: Any, prefix: str, seen: tuple[Any, ...], optional: frozenset[str] = frozenset()
) -> Iterator[IndexSpec]:
    """Yield what `unique=True` and `db_index=True` ask for, also within embedded documents."""
    for field in model._meta.concrete_fields:
        if field.column == "_id" and not prefix:
            continue
        path = f"{prefix}{field.column}"
        direction = getattr(field, "index_kind", None) or 1
        keys: Keys = ((path, direction),)
        if field.unique and not getattr(field, "primary_key", False):
            missing = field.null or prefix or field.column in optional
            asked = {path: is_present(field)} if missing else {}
            yield IndexSpec(keys, default_name(keys), _unique_options(asked))
        elif field.db_index:
            yield IndexSpec(keys, default_name(keys), needs=_NEEDS.get(str(direction)))
        for document in documents_of(field):
            if document not in seen:
                inside = (*seen, document)
                yield from embedded_indexes(document, f"{path}.", inside)


def documents_of(field: Any) -> tuple[Any, ...]:
    """Return the classes that a field embeds, subclasses included; none for other fields."""
    inner = getattr(field, "base_field", None)
    if inner is not None and not hasattr(field, "document"):
        return documents_of(inner)
    return tuple(getattr(field, "documents", ()))


def embedded_indexes(document: Any, prefix: str, seen: tuple[Any, ...]) -> Iterator[IndexSpec]:
    """Yield what an embedded class declares, for the path at which it is embedded."""
    yield from _field_indexes(document, prefix, seen)
    meta = document._meta
    for fields in meta.unique_together:
        keys = _prefixed(prefix, keys_of(document, fields))
        asked = [is_present(resolve(document, name).field) for name in fields]
        optional = {path: each for (path, _), each in zip(keys, asked, strict=True)}
        yield IndexSpec(keys, default_name(keys), _unique_options(optional))
    for constraint in meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and constraint.fields:
            yield _moved(_constraint(document, constraint), prefix, all_optional=True)
    for index in meta.indexes:
        yield _moved(_index(document, index), prefix)


def _prefixed(prefix: str, keys: Keys) -> Keys:
    return tuple((f"{prefix}{path}", direction) for path, direction in keys)


def _moved(spec: IndexSpec, prefix: str, *, all_optional: bool = False) -> IndexSpec:
    keys = _prefixed(prefix, spec.keys)
    own_name = spec.name != default_name(spec.keys)
    options = dict(spec.options)
    for option in ("partialFilterExpression", "weights"):
        if option in options:
            options[option] = _paths_moved(options[option], prefix)
    if all_optional:
        exists = {path: IS_STORED for path, _ in keys}
        options["partialFilterExpression"] = {
            **exists,
            **options.get("partialFilterExpression", {}),
        }
    name = f"{prefix.rstrip('.')}_{spec.name}" if own_name else default_name(keys)
    return replace(spec, keys=keys, name=name, options=options)


def _paths_moved(condition: Any, prefix: str) -> Any:
    if isinstance(condition, list):
        return [_paths_moved(item, prefix) for item in condition]
    if not isinstance(condition, dict):
        return condition
    return {
        (key if key.startswith("$") else f"{prefix}{key}"): (
            _paths_moved(value, prefix) if key.startswith("$") else value
        )
        for key, value in condition.items()
    }


def _unique(model: Any, keys: Keys, fields: Any, name: str | None = None) -> IndexSpec:
    shared = _shared(model)
    optional = {}
    for (path, _), name_of_field in zip(keys, fields, strict=True):
        field = resolve(model, name_of_field.removeprefix("-")).field
        if path in shared or "__" in name_of_field or field.null:
            optional[path] = is_present(field)
    return IndexSpec(keys, name or default_name(keys), _unique_options(optional))


def _unique_options(optional: Mapping[str, Any]) -> dict[str, Any]:
    """Let any number of documents have no value, as SQL does."""
    options: dict[str, Any] = {"unique": True}
    if optional:
        options["partialFilterExpression"] = dict(optional)
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
    missing = {
        path: asked
        for path, asked in exists.items()
        if condition.get(path, IS_STORED) == IS_STORED
    }
    return IndexSpec(
        keys,
        constraint.name,
        {"unique": True, "partialFilterExpression": {**condition, **missing}},
    )


def _index(model: Any, index: models.Index) -> IndexSpec:
    options = index.options_of(model) if hasattr(index, "options_of") else {}
    if index.condition is not None:
        options["partialFilterExpression"] = partial_filter(model, index.condition, index.name)
    return IndexSpec(
        index_keys(model, index), index.name, options, needs=getattr(index, "needs", None)
    )
