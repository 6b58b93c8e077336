"""What the document classes declare of their collections: names, options, indexes, validators."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.apps import apps
from django.db import router

from ..db.schema import CollectionSpec, IndexSpec, SearchIndexSpec
from ..mapping.families import CLASS_KEY, family, root_of
from ..routers import stored
from .family_indexes import own_indexes
from .index_keys import default_name, keys_of
from .index_specs import index_specs
from .validators import validator

__all__ = ["collection_spec", "collection_specs", "index_specs"]


def collection_specs(alias: str) -> list[CollectionSpec]:
    """Return the collections of all document classes that live on `alias`."""
    return [
        collection_spec(model)
        for model in apps.get_models(include_auto_created=False)
        if stored(model)
        and not model._meta.proxy
        and not model._meta.swapped
        and root_of(model) is model
        and router.allow_migrate_model(alias, model)
    ]


def collection_spec(model: Any) -> CollectionSpec:
    """Return what one class declares, with those that are stored in its collection too.

    Equal indexes declared twice count once.
    """
    relatives = family(model)
    indexes: dict[tuple[Any, ...], IndexSpec] = {}
    for member in relatives:
        for index in own_indexes(member):
            same = (index.keys, str(sorted(index.options.items(), key=str)))
            if indexes.setdefault(same, index).name == default_name(index.keys):
                # A name that somebody has given is the one that counts.
                indexes[same] = index
    return CollectionSpec(
        name=model._meta.db_table,
        indexes=tuple(_needed(indexes.values())),
        options=collection_options(relatives),
        source=", ".join(member._meta.label for member in relatives),
        shard_key=_shard_key(model),
        search_indexes=tuple(_search_indexes(relatives)),
    )


def _needed(indexes: Iterable[IndexSpec]) -> list[IndexSpec]:
    """Leave out the automatic index of `_cls` where another one begins with it: that does."""
    found = list(indexes)
    alone = ((CLASS_KEY, 1),)
    longer = any(
        each.keys[:1] == alone and len(each.keys) > 1 and each.options.keys() <= {"unique"}
        for each in found
    )
    return [each for each in found if not (longer and each.keys == alone and not each.options)]


def collection_options(relatives: Sequence[Any]) -> dict[str, Any]:
    """Return what `create` takes of the options of these classes."""
    root = relatives[0]
    options = root._options
    given: dict[str, Any] = {}
    if options.collation is not None:
        given["collation"] = dict(options.collation)
    if options.capped is not None:
        given.update(capped=True, **options.capped)
    if options.time_series is not None:
        given.update(_time_series(root, options.time_series))
    if options.validation is not None:
        given["validator"] = {"$jsonSchema": validator(relatives)}
        given["validationLevel"] = "strict"
        given["validationAction"] = options.validation
    return given


#: The server's names for what `Meta.time_series` says.
_FIELDS = {"time_field": "timeField", "meta_field": "metaField"}
_SPANS = {
    "bucket_max_span": "bucketMaxSpanSeconds",
    "bucket_rounding": "bucketRoundingSeconds",
}


def _time_series(model: Any, said: Any) -> dict[str, Any]:
    series: dict[str, Any] = {}
    for name, value in said.items():
        if name in _FIELDS:
            ((series[_FIELDS[name]], _),) = keys_of(model, [value])
        elif name in _SPANS:
            series[_SPANS[name]] = int(value.total_seconds())
        elif name == "granularity":
            series[name] = value
    options: dict[str, Any] = {"timeseries": series}
    if "expire_after" in said:
        options["expireAfterSeconds"] = int(said["expire_after"].total_seconds())
    return options


def _shard_key(model: Any) -> tuple[tuple[str, Any], ...] | None:
    said = model._options.shard_key
    if said is None:
        return None
    keys = keys_of(model, list(said))
    return tuple((path, kind) for (path, _), kind in zip(keys, said.values(), strict=True))


def _search_indexes(relatives: Iterable[Any]) -> Iterator[SearchIndexSpec]:
    for model in relatives:
        for index in model._meta.indexes:
            if hasattr(index, "search_definition"):
                yield SearchIndexSpec(
                    index.name, index.search_type, index.search_definition(model)
                )
