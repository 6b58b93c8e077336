"""Indexes of classes that share a collection: each as far as its own documents go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..db.schema import IndexSpec
from ..mapping.families import bases, class_condition, family, heirs
from .index_keys import default_name
from .index_specs import index_specs


def own_indexes(model: Any) -> Iterator[IndexSpec]:
    """Yield what a class declares for its collection, without what its bases declare.

    What is unique in a subclass is so among its documents: if other classes store a field of that
    name too, the index is one of this class alone.
    """
    of_bases = {_same(index) for base in bases(model) for index in index_specs(base)}
    for index in index_specs(model):
        if _same(index) not in of_bases:
            yield _alone(model, index) if index.options.get("unique") else index


def _same(index: IndexSpec) -> tuple[Any, ...]:
    return index.keys, str(sorted(index.options.items(), key=str))


def _alone(model: Any, index: IndexSpec) -> IndexSpec:
    condition = class_condition(model)
    if not condition:
        return index
    columns = {path.partition(".")[0] for path, _ in index.keys}
    relatives = set(heirs(model)).union(bases(model))
    others = [each for each in family(model) if each not in relatives]
    if not any(columns <= {f.column for f in each._meta.concrete_fields} for each in others):
        return index
    partial = {**index.options.get("partialFilterExpression", {}), **condition}
    name = index.name
    if name == default_name(index.keys):
        # Another class may have one with the same keys.
        name = f"{name}_{model._meta.model_name}"
    return replace(index, name=name, options={**index.options, "partialFilterExpression": partial})
