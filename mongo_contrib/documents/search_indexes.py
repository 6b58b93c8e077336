"""Search indexes: those of MongoDB Atlas, for `search()` and `vector_search()`.

They are declared in `Meta.indexes`; `migrate` creates them on servers that have them, and says
which it leaves out on others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models

from ..query.searching import stored_path

#: How Atlas compares vectors.
SIMILARITIES = ("cosine", "dotProduct", "euclidean")
QUANTIZATIONS = ("none", "scalar", "binary")


class _AtlasIndex(models.Index):
    """Base of both. `fields` stays empty: the server's own indexes take no part in this."""

    search_type = ""

    def __init__(self, *, name: str) -> None:
        self.name = name
        self.fields: list[str] = []
        self.fields_orders: list[tuple[str, str]] = []
        self.expressions = ()
        self.opclasses = ()
        self.condition = None
        self.include = ()
        self.db_tablespace = None

    def search_definition(self, model: Any) -> dict[str, Any]:
        """Return the definition that the server is given; FieldError for unknown names."""
        raise NotImplementedError

    def arguments(self) -> dict[str, Any]:
        """Return what `__init__()` was given, but what is the default."""
        raise NotImplementedError

    def deconstruct(self) -> Any:
        return f"{type(self).__module__}.{type(self).__qualname__}", (), self.arguments()

    def clone(self) -> Any:
        return type(self)(**self.arguments())

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments().items())
        return f"<{type(self).__name__}: {arguments}>"


class SearchIndex(_AtlasIndex):
    """What `search()` finds text by.

    Without `fields`, all there is to find is indexed (dynamic mapping). `mappings` are Atlas's
    own, for what this has no word for: they stand in for `fields`.
    """

    search_type = "search"

    def __init__(
        self,
        *,
        fields: Sequence[str] = (),
        mappings: Mapping[str, Any] | None = None,
        analyzer: str | None = None,
        name: str = "default",
    ) -> None:
        if fields and mappings:
            raise ValueError("SearchIndex takes fields or mappings, not both.")
        super().__init__(name=name)
        self.search_fields = tuple(fields)
        self.mappings = None if mappings is None else dict(mappings)
        self.analyzer = analyzer

    def arguments(self) -> dict[str, Any]:
        arguments = {
            "fields": list(self.search_fields),
            "mappings": self.mappings,
            "analyzer": self.analyzer,
        }
        return {**{key: value for key, value in arguments.items() if value}, "name": self.name}

    def search_definition(self, model: Any) -> dict[str, Any]:
        mappings = self.mappings
        if mappings is None:
            mappings = {"dynamic": not self.search_fields}
            for name in self.search_fields:
                _put(mappings, stored_path(model, name, "SearchIndex").split("."))
        definition: dict[str, Any] = {"mappings": mappings}
        if self.analyzer:
            definition["analyzer"] = self.analyzer
        return definition


def _put(mappings: dict[str, Any], path: list[str]) -> None:
    """Map the text at a stored path; what leads there are documents."""
    fields = mappings.setdefault("fields", {})
    if len(path) == 1:
        fields[path[0]] = {"type": "string"}
        return
    _put(fields.setdefault(path[0], {"type": "document", "dynamic": False}), path[1:])


class VectorSearchIndex(_AtlasIndex):
    """What `vector_search()` finds the nearest vectors by.

    `field` holds vectors of so many `dimensions`. `filters` names the fields by which a search
    can be narrowed.
    """

    search_type = "vectorSearch"

    def __init__(
        self,
        field: str,
        *,
        dimensions: int,
        similarity: str = "cosine",
        quantization: str | None = None,
        filters: Sequence[str] = (),
        name: str | None = None,
    ) -> None:
        if isinstance(dimensions, bool) or not isinstance(dimensions, int) or dimensions < 1:
            raise ValueError(f"Vectors have a number of dimensions from 1 on, not {dimensions!r}.")
        if similarity not in SIMILARITIES:
            raise ValueError(
                f"similarity is one of {', '.join(SIMILARITIES)}, not {similarity!r}."
            )
        if quantization is not None and quantization not in QUANTIZATIONS:
            raise ValueError(
                f"quantization is one of {', '.join(QUANTIZATIONS)}, not {quantization!r}."
            )
        super().__init__(name=name or f"{field}_vector")
        self.vector_field = field
        self.dimensions = dimensions
        self.similarity = similarity
        self.quantization = quantization
        self.filters = tuple(filters)

    def arguments(self) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "field": self.vector_field,
            "dimensions": self.dimensions,
            "similarity": self.similarity,
        }
        if self.quantization:
            arguments["quantization"] = self.quantization
        if self.filters:
            arguments["filters"] = list(self.filters)
        return {**arguments, "name": self.name}

    def search_definition(self, model: Any) -> dict[str, Any]:
        vector: dict[str, Any] = {
            "type": "vector",
            "path": stored_path(model, self.vector_field, "VectorSearchIndex"),
            "numDimensions": self.dimensions,
            "similarity": self.similarity,
        }
        if self.quantization:
            vector["quantization"] = self.quantization
        filters = [
            {"type": "filter", "path": stored_path(model, name, "VectorSearchIndex")}
            for name in self.filters
        ]
        return {"fields": [vector, *filters]}
