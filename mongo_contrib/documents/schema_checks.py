"""System checks of what a class declares of its collection: options of `Meta` and indexes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core import checks
from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import models
from django.db.utils import NotSupportedError

from .index_keys import keys_of, kind_of
from .index_specs import index_specs
from .indexes import DocumentIndex, GeoSphereIndex, TextIndex, TTLIndex, WildcardIndex

# What collations and kinds of indexes do not go with.
_NEVER_UNIQUE = (TextIndex, WildcardIndex)


def check_schema(model: Any) -> list[checks.CheckMessage]:
    """Return what is wrong with the options and the indexes of a document class."""
    found: list[checks.CheckMessage] = [*_paths(model), *_time_series(model), *_capped(model)]
    try:
        specs = list(index_specs(model))
    except (LookupError, FieldError, NotSupportedError, ValueError):
        # E030 has told it.
        return [*found, *_sql_options(model)]
    return [
        *found,
        *_unique_kinds(model),
        *_ttl(model, specs),
        *_one_text_index(model, specs),
        *_geo(model),
        *_sql_options(model),
        *_shards(model, specs),
    ]


def _paths(model: Any) -> Iterator[checks.CheckMessage]:
    """Fields that an option of `Meta` names are there."""
    options = model._options
    series = options.time_series or {}
    named = [("shard_key", name) for name in options.shard_key or ()]
    named += [
        ("time_series", series[key]) for key in ("time_field", "meta_field") if key in series
    ]
    for option, name in named:
        try:
            keys_of(model, [name])
        except (FieldError, FieldDoesNotExist, NotSupportedError) as error:
            yield checks.Error(
                f"'{option}' names {name!r}, which is no field of the document: {error}",
                obj=model,
                id="mongo_contrib.E070",
            )


def _time_series(model: Any) -> Iterator[checks.CheckMessage]:
    series = model._options.time_series
    if series is None:
        return
    wrong = []
    try:
        field = model._meta.get_field(series["time_field"])
        if field.get_internal_type() != "DateTimeField" or field.null:
            wrong.append(f"its time_field {field.name!r} must be a DateTimeField that is not null")
    except FieldDoesNotExist:
        pass
    if model._options.capped is not None:
        wrong.append("it can't be capped too")
    if model._options.allow_inheritance:
        wrong.append("its documents can't be of several classes (allow_inheritance)")
    if model._options.validation is not None:
        wrong.append("it can't have a validator (validation)")
    if unique := [field.name for field in model._meta.local_fields if _is_unique(field)]:
        wrong.append(f"it can't have unique fields ({', '.join(unique)})")
    if model._meta.constraints or model._meta.unique_together:
        wrong.append("it can't have unique constraints")
    if wrong:
        yield checks.Error(
            f"A time series collection is not what {model._meta.label} declares: "
            f"{'; '.join(wrong)}.",
            hint="Change the field or the option, or do without Meta.time_series.",
            obj=model,
            id="mongo_contrib.E071",
        )


def _is_unique(field: Any) -> bool:
    return bool(field.unique and not field.primary_key)


def _capped(model: Any) -> Iterator[checks.CheckMessage]:
    """The server refuses these in capped collections, or does them without an effect."""
    if model._options.capped is None:
        return
    if any(isinstance(index, TTLIndex) for index in model._meta.indexes):
        yield checks.Error(
            f"{model._meta.label} is capped, where nothing can expire: the server takes no TTL "
            "index.",
            hint="Leave out the TTLIndex, or Meta.capped.",
            obj=model,
            id="mongo_contrib.E072",
        )
    if model._options.shard_key is not None:
        yield checks.Error(
            f"{model._meta.label} is capped, which a sharded collection can't be.",
            hint="Leave out Meta.shard_key, or Meta.capped.",
            obj=model,
            id="mongo_contrib.E072",
        )


def _unique_kinds(model: Any) -> Iterator[checks.CheckMessage]:
    for index in model._meta.indexes:
        if not getattr(index, "unique", False):
            continue
        hashed = getattr(index, "kind", None) == "hashed"
        if hashed or isinstance(index, _NEVER_UNIQUE):
            yield checks.Error(
                f"The index {index.name!r} is a {type(index).__name__}, which can't be unique.",
                hint="Declare a UniqueConstraint beside it.",
                obj=model,
                id="mongo_contrib.E073",
            )


def _ttl(model: Any, specs: list[Any]) -> Iterator[checks.CheckMessage]:
    """A TTL index is about one date; the server ignores it otherwise."""
    for index in model._meta.indexes:
        if not isinstance(index, TTLIndex):
            continue
        dates = len(index.fields) == 1 and _kind(model, index.fields[0]) in ("date", "list")
        if not dates:
            yield checks.Error(
                f"The TTL index {index.name!r} is on {', '.join(index.fields)}: nothing would "
                "ever expire.",
                hint="Name one DateTimeField or DateField.",
                obj=model,
                id="mongo_contrib.E074",
            )
        elif index.unique:
            yield checks.Warning(
                f"The TTL index {index.name!r} is unique: no two documents could expire at one "
                "time.",
                hint="Declare what must be unique by itself, as a UniqueConstraint.",
                obj=model,
                id="mongo_contrib.W074",
            )


def _one_text_index(model: Any, specs: list[Any]) -> Iterator[checks.CheckMessage]:
    texts = [spec.name for spec in specs if any(kind == "text" for _, kind in spec.keys)]
    if len(texts) > 1:
        yield checks.Error(
            f"{model._meta.label} has {len(texts)} text indexes: {', '.join(texts)}. MongoDB "
            "allows one to a collection.",
            hint="Make one of them, with all fields and their weights.",
            obj=model,
            id="mongo_contrib.E075",
        )
    for index in model._meta.indexes:
        if isinstance(index, TextIndex) and set(index.weights) - set(index.fields) - {"*"}:
            other = ", ".join(sorted(set(index.weights) - set(index.fields)))
            if index.fields != ["*"]:
                yield checks.Error(
                    f"The text index {index.name!r} gives weights to what it does not hold: "
                    f"{other}.",
                    hint="Name the same fields in weights as in fields.",
                    obj=model,
                    id="mongo_contrib.E075",
                )


def _geo(model: Any) -> Iterator[checks.CheckMessage]:
    for index in model._meta.indexes:
        if isinstance(index, GeoSphereIndex) and not any(
            _kind(model, name) in ("geo", "open", "list") for name in index.fields
        ):
            yield checks.Error(
                f"The index {index.name!r} is a GeoSphereIndex, but none of its fields is "
                f"GeoJSON: {', '.join(index.fields)}.",
                hint="Name a PointField or another field of GeoJSON.",
                obj=model,
                id="mongo_contrib.E076",
            )


def _sql_options(model: Any) -> Iterator[checks.CheckMessage]:
    """Options of Django's indexes and constraints that only SQL databases know."""
    for each in [*model._meta.indexes, *model._meta.constraints]:
        given = [
            name
            for name in ("include", "opclasses", "db_tablespace", "deferrable")
            if getattr(each, name, None)
        ]
        if given:
            yield checks.Warning(
                f"{type(each).__name__} {each.name!r} says {', '.join(given)}, which has no "
                "meaning in MongoDB.",
                hint="Leave it out.",
                obj=model,
                id="mongo_contrib.W077",
            )
        if isinstance(each, DocumentIndex) and each.sparse and each.condition is not None:
            yield checks.Error(
                f"The index {each.name!r} is sparse and has a condition; MongoDB takes one of "
                "them.",
                hint="Say what must exist in the condition: Q(field__isnull=False).",
                obj=model,
                id="mongo_contrib.E077",
            )


def _shards(model: Any, specs: list[Any]) -> Iterator[checks.CheckMessage]:
    """Each shard knows only its own documents: uniqueness must begin with the shard key."""
    said = model._options.shard_key
    if said is None:
        return
    try:
        key = tuple(path for path, _ in keys_of(model, list(said)))
    except (FieldError, NotSupportedError):
        return
    for spec in specs:
        if spec.unique and spec.paths[: len(key)] != key:
            yield checks.Error(
                f"The unique index {spec.name!r} does not begin with the shard key "
                f"({', '.join(key)}), so no shard could tell whether a value is unique.",
                hint="Put the fields of the shard key first, or leave out Meta.shard_key.",
                obj=model,
                id="mongo_contrib.E078",
            )


def _kind(model: Any, name: str) -> str:
    try:
        return kind_of(model, name)
    except (FieldError, NotSupportedError, LookupError):
        return ""


def check_embedded_schema(model: Any) -> list[checks.CheckMessage]:
    """Return what is wrong with the indexes that an embedded class declares."""
    return [
        checks.Error(
            f"The constraint {constraint.name!r} of the embedded {model._meta.label} can't be "
            "enforced by MongoDB.",
            hint="Use UniqueConstraint(fields=[...]), or validators on the fields.",
            obj=model,
            id="mongo_contrib.E079",
        )
        for constraint in model._meta.constraints
        if not isinstance(constraint, models.UniqueConstraint) or not constraint.fields
    ]
