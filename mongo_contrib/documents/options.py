"""What `Meta` of a document class says beyond Django: its own options, read and validated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from .option_values import VALIDATORS, WrongOption

#: Options that a class inside documents has too.
EMBEDDED = frozenset({"allow_inheritance", "class_name", "strict"})
#: Options of the collection: classes that share one share these.
OF_COLLECTION = frozenset(
    {"collection", "capped", "time_series", "collation", "shard_key", "validation"}
)


@dataclass(frozen=True)
class DocumentOptions:
    """The options of `Meta` that Django does not know, validated; on each class as `_options`.

    They are inherited as Django's are: from `Meta` of an abstract parent, unless the class has a
    `Meta` of its own that does not extend it; and from a parent whose collection is shared.
    """

    #: The collection's name as `Meta` says it (`collection` or `db_table`), else None.
    collection: str | None = None
    #: Whether subclasses are stored in the same place, told apart by `_cls`.
    allow_inheritance: bool = False
    #: What `_cls` says of this class: the first is written, all are read; () for the default.
    class_name: tuple[str, ...] = ()
    #: Whether stored documents that lack fields, or have unknown ones, are refused.
    strict: bool = False
    #: What the server does with a document that its validator refuses: "error", "warn" or None.
    validation: str | None = None
    #: `{"size": bytes, "max": documents}`; max is optional.
    capped: Mapping[str, int] | None = None
    #: `{"time_field": ..., "meta_field": ..., "granularity": ..., "expire_after": ...}`.
    time_series: Mapping[str, Any] | None = None
    #: The default collation of the collection, in the server's spelling.
    collation: Mapping[str, Any] | None = None
    #: Field names with 1 or "hashed", in order.
    shard_key: Mapping[str, Any] | None = None
    read_preference: Any = None
    read_concern: Any = None
    write_concern: Any = None

    @property
    def concerns(self) -> dict[str, Any]:
        """Return what a Repository takes of these options."""
        given = {
            "read_preference": self.read_preference,
            "read_concern": self.read_concern,
            "write_concern": self.write_concern,
        }
        return {name: value for name, value in given.items() if value is not None}


NAMES = frozenset(field.name for field in fields(DocumentOptions))


def read_options(
    name: str, bases: tuple[type, ...], meta: type | None, *, embedded: bool = False
) -> DocumentOptions:
    """Return the options of a class that is being made; ImproperlyConfigured for wrong ones."""
    shared = _shares_collection_of(bases)
    inherited = DocumentOptions()
    if shared is not None:
        inherited = replace(shared._options, class_name=())
    if meta is None:
        if shared is not None:
            return inherited
        # As Django: the first that has one, which an abstract parent keeps.
        meta = next((base.Meta for base in bases if hasattr(base, "Meta")), None)
        if meta is None:
            return inherited
    given = {option: getattr(meta, option) for option in NAMES if hasattr(meta, option)}
    if not embedded and (collection := _collection(name, meta)) is not None:
        given["collection"] = collection
    values = {}
    for option, value in given.items():
        try:
            if embedded and option not in EMBEDDED and value is not None:
                raise WrongOption(value, "left out: what is stored inside documents has none")
            values[option] = VALIDATORS[option](value)
        except WrongOption as error:
            raise ImproperlyConfigured(
                f"{name}.Meta.{option} is {error.found!r}; it must be {error.right}."
            ) from None
    if shared is not None:
        _refuse_another_collection(name, shared, inherited, values)
    return replace(inherited, **values)


def django_meta(meta: type) -> type:
    """Return `meta` as Django takes it: without the options that are not Django's.

    Children that extend it (`class Meta(Base.Meta)`) still inherit them.
    """
    attributes = {
        option: value
        for option, value in vars(meta).items()
        if option not in NAMES and not option.startswith("_")
    }
    if vars(meta).get("collection") is not None:
        attributes["db_table"] = meta.collection  # type: ignore[attr-defined]
    # Django refuses names that it doesn't know only in the class itself, not in its bases.
    return type(meta.__name__, (meta,), {"__module__": meta.__module__, **attributes})


def _shares_collection_of(bases: tuple[type, ...]) -> Any:
    """Return the nearest class among the ancestors that is not abstract, or None."""
    for base in bases:
        for klass in base.__mro__:
            if hasattr(klass, "_options") and not klass._meta.abstract:  # type: ignore[attr-defined]
                return klass
    return None


def _collection(name: str, meta: type) -> Any:
    """Return what the nearest class says, as `collection` or as Django's `db_table`."""
    for klass in meta.__mro__:
        said = {option: vars(klass).get(option) for option in ("collection", "db_table")}
        said = {option: value for option, value in said.items() if value}
        if len(set(said.values())) > 1:
            raise ImproperlyConfigured(
                f"{name}.Meta names its collection twice: collection is {said['collection']!r} "
                f"and db_table is {said['db_table']!r}; leave out one of them."
            )
        if said:
            return next(iter(said.values()))
    return None


def _refuse_another_collection(
    name: str, shared: Any, inherited: DocumentOptions, values: dict[str, Any]
) -> None:
    for option in OF_COLLECTION & values.keys():
        of_parent = getattr(inherited, option)
        if option == "collection":
            of_parent = shared._meta.db_table
        if values[option] not in (None, of_parent):
            raise ImproperlyConfigured(
                f"{name}.Meta.{option} is {values[option]!r}, but {name} is stored in the "
                f"collection of {shared._meta.label}, where it is {of_parent!r}; say it there."
            )
        del values[option]
