"""Indexes: Django's `Index` and `UniqueConstraint`, and the kinds that only MongoDB has.

Fields may be paths into embedded documents (`"stats__population"`) and name lists, whose elements
are indexed singly, with `-` for descending. An index without a name gets the driver's
(`population_-1_name_1`), so that one that was made by hand is recognised.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import models
from pymongo.collation import Collation

from .index_keys import Keys, keys_of, kind_of


class DocumentIndex(models.Index):
    """An index with what SQL has not: base of all kinds, and itself the plain one.

    `unique` refuses a second document with the same values, a missing one counted as null:
    `UniqueConstraint`, which does not count null, is what Django users expect. `sparse` leaves
    documents out that have none of the fields. A `hidden` index is kept up to date and not used.
    `collation` is a dict in the server's spelling (`{"locale": "de", "strength": 2}`): queries
    use the index only if they ask for the same.
    """

    #: Stands in the place of the direction.
    kind: str | None = None
    needs: str | None = None

    def __init__(
        self,
        *expressions: Any,
        unique: bool = False,
        sparse: bool = False,
        hidden: bool = False,
        collation: Mapping[str, Any] | Collation | None = None,
        **kwargs: Any,
    ) -> None:
        if isinstance(collation, Collation):
            collation = collation.document
        if collation is not None and "locale" not in collation:
            raise ValueError(
                f"{type(self).__name__}.collation is {collation!r}; it must name a locale, as "
                '{"locale": "en", "strength": 2}.'
            )
        self.unique = unique
        self.sparse = sparse
        self.hidden = hidden
        self.collation = None if collation is None else dict(collation)
        super().__init__(*expressions, **kwargs)

    def keys(self, model: Any) -> Keys:
        """Return the stored paths with directions; FieldError for unknown names."""
        return keys_of(model, self.fields, self.kind)

    def options(self) -> dict[str, Any]:
        """Return what the driver's `IndexModel` takes beside the keys."""
        return {
            name: value
            for name in ("unique", "sparse", "hidden", "collation")
            if (value := getattr(self, name))
        }

    def options_of(self, model: Any) -> dict[str, Any]:
        """Return options() with the paths of this class, where an option names fields."""
        return self.options()

    def deconstruct(self) -> Any:
        path, expressions, kwargs = super().deconstruct()
        return path, expressions, {**kwargs, **self.arguments()}

    def arguments(self) -> dict[str, Any]:
        """Return the arguments beside Django's that make an equal index."""
        return {
            name: value
            for name in ("unique", "sparse", "hidden", "collation")
            if (value := getattr(self, name))
        }


class TTLIndex(DocumentIndex):
    """Let the server delete documents once `expire_after` has passed since the date in `field`.

    The server sweeps about once a minute, so documents linger: queries that must not see
    expired ones have to say so.
    """

    needs = "ttl_index"

    def __init__(
        self, field: str | None = None, *, expire_after: datetime.timedelta, **kwargs: Any
    ) -> None:
        self.expire_after = expire_after
        if field is not None:
            kwargs["fields"] = [field]
        super().__init__(**kwargs)

    def options(self) -> dict[str, Any]:
        return {**super().options(), "expireAfterSeconds": int(self.expire_after.total_seconds())}

    def arguments(self) -> dict[str, Any]:
        return {**super().arguments(), "expire_after": self.expire_after}


class TextIndex(DocumentIndex):
    """Let `$text` search the words of these fields; MongoDB allows one to a collection.

    `weights` says by field how much a word counts there (1 is the default), `default_language`
    whose words they are ("none" for no language), `language_field` which key of a document says
    so for itself. `prefix` names fields of which every search must give the value. The field
    `"*"` stands for every text in the document.
    """

    kind = "text"
    needs = "text_index"

    def __init__(
        self,
        *,
        weights: Mapping[str, int] | None = None,
        default_language: str | None = None,
        language_field: str | None = None,
        prefix: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        self.weights = dict(weights or {})
        self.default_language = default_language
        self.language_field = language_field
        self.prefix = list(prefix)
        super().__init__(**kwargs)

    def keys(self, model: Any) -> Keys:
        if self.fields == ["*"]:
            return (*keys_of(model, self.prefix), ("$**", "text"))
        return (*keys_of(model, self.prefix), *super().keys(model))

    def options(self) -> dict[str, Any]:
        options = super().options()
        if self.weights:
            options["weights"] = self.weights
        if self.default_language:
            options["default_language"] = self.default_language
        if self.language_field:
            options["language_override"] = self.language_field
        return options

    def options_of(self, model: Any) -> dict[str, Any]:
        options = self.options()
        if self.weights:
            paths = [path for path, _ in keys_of(model, list(self.weights))]
            options["weights"] = dict(zip(paths, self.weights.values(), strict=True))
        return options

    def arguments(self) -> dict[str, Any]:
        arguments = {
            "weights": self.weights,
            "default_language": self.default_language,
            "language_field": self.language_field,
            "prefix": self.prefix,
        }
        given = {name: value for name, value in arguments.items() if value}
        return {**super().arguments(), **given}


class GeoSphereIndex(DocumentIndex):
    """A `2dsphere` index over GeoJSON fields, which geographic queries need.

    Fields of other types are indexed plainly, before or after: `["kind", "point"]`.
    """

    kind = "2dsphere"
    needs = "2dsphere"

    def keys(self, model: Any) -> Keys:
        return tuple(
            (path, self.kind if kind_of(model, name) == "geo" else direction)
            for name, (path, direction) in zip(
                self.fields, keys_of(model, self.fields), strict=True
            )
        )


class HashedIndex(DocumentIndex):
    """A hashed index, as shard keys use; it serves equality only.

    Of several fields, `hashed` names the one that is.
    """

    kind = "hashed"
    needs = "hashed_index"

    def __init__(self, *, hashed: str | None = None, **kwargs: Any) -> None:
        self.hashed = hashed
        super().__init__(**kwargs)

    def keys(self, model: Any) -> Keys:
        if self.hashed is None:
            return super().keys(model)
        return tuple(
            (path, "hashed" if name == self.hashed else direction)
            for name, (path, direction) in zip(
                self.fields, keys_of(model, self.fields), strict=True
            )
        )

    def arguments(self) -> dict[str, Any]:
        given = {"hashed": self.hashed} if self.hashed else {}
        return {**super().arguments(), **given}


class WildcardIndex(DocumentIndex):
    """An index of every key under `field`, or of the whole document without one.

    For documents whose keys nobody knows beforehand. Of the whole document, `only` or
    `exclude` names what is indexed, or what is not.
    """

    needs = "wildcard_index"

    def __init__(
        self,
        field: str | None = None,
        *,
        only: Iterable[str] = (),
        exclude: Iterable[str] = (),
        **kwargs: Any,
    ) -> None:
        self.only = list(only)
        self.exclude = list(exclude)
        if self.only and self.exclude:
            raise ValueError("WildcardIndex takes either only or exclude, not both.")
        kwargs.setdefault("fields", [field or "*"])
        if kwargs["fields"] != ["*"] and (self.only or self.exclude):
            raise ValueError(
                "WildcardIndex takes only and exclude only for whole documents, not for a "
                f"field ({kwargs['fields'][0]!r})."
            )
        super().__init__(**kwargs)

    def keys(self, model: Any) -> Keys:
        if self.fields == ["*"]:
            return (("$**", 1),)
        ((path, _),) = keys_of(model, self.fields)
        return ((f"{path}.$**", 1),)

    def options_of(self, model: Any) -> dict[str, Any]:
        options = self.options()
        if chosen := self.only or self.exclude:
            paths = [path for path, _ in keys_of(model, chosen)]
            options["wildcardProjection"] = dict.fromkeys(paths, 1 if self.only else 0)
        return options

    def arguments(self) -> dict[str, Any]:
        given = {"only": self.only, "exclude": self.exclude}
        return {**super().arguments(), **{name: value for name, value in given.items() if value}}


class CollationIndex(DocumentIndex):
    """An index whose order and equality are a language's; strength 2 ignores case.

    Queries use it only if they ask for the same collation. Not every server has collations,
    so uniqueness that protects data belongs into a `UniqueConstraint` on a normalised field.
    """

    needs = "index_collation"

    def __init__(self, *, locale: str, strength: int = 3, **kwargs: Any) -> None:
        self.locale = locale
        self.strength = strength
        super().__init__(collation={"locale": locale, "strength": strength}, **kwargs)

    def arguments(self) -> dict[str, Any]:
        arguments = super().arguments()
        del arguments["collation"]
        return {**arguments, "locale": self.locale, "strength": self.strength}
