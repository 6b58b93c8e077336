"""Documents by their distance from a point."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldError
from django.db.utils import ProgrammingError

from .conditions import Condition, all_of, none_of
from .geo import around, is_geo, is_point, metres, position
from .paths import resolve
from .sources import Source
from .stages import ANNOTATED


class Near(Source):
    """Documents by their distance from a point, the nearest first."""

    def __init__(
        self,
        model: Any,
        name: str,
        point: Any,
        max_distance: Any,
        min_distance: Any,
        distance: str,
    ) -> None:
        path = resolve(model, name)
        if path.relation is not None or path.rest or path.list_path or not is_geo(path):
            raise FieldError(
                f"near() needs a field of places; {name!r} of {model._meta.label} is none."
            )
        self.model = model
        self.name = name
        self.path = path
        self.distance = distance
        self.point = position(path, "near", point)
        self.max_distance = (
            None if max_distance is None else metres(path, "max_distance", max_distance)
        )
        self.min_distance = (
            None if min_distance is None else metres(path, "min_distance", min_distance)
        )

        # Of shapes, none finds the same documents.
        self.is_condition = is_point(self.path)

    def condition(self) -> Condition:
        """Return what near() asks of documents, where their order does not matter."""
        conditions: list[Condition] = [{self.path.path: {"$ne": None}}]
        if self.max_distance is not None:
            conditions.append(around(self.path, "near", self.point, self.max_distance))
        if self.min_distance:
            nearer = around(self.path, "near", self.point, self.min_distance, strictly=True)
            conditions.append(none_of(nearer))
        return all_of(conditions)

    def first(self, condition: dict[str, Any]) -> list[dict[str, Any]]:
        arguments: dict[str, Any] = {
            "near": {"type": "Point", "coordinates": self.point},
            "key": self.path.path,
            "distanceField": f"{ANNOTATED}.{self.distance}",
            "spherical": True,
            "query": condition,
        }
        if self.max_distance is not None:
            arguments["maxDistance"] = self.max_distance
        if self.min_distance is not None:
            arguments["minDistance"] = self.min_distance
        return [{"$geoNear": arguments}]

    def explanation(self, error: Exception, using: str) -> Exception | None:
        # NoQueryExecutionPlans and IndexNotFound.
        if getattr(error.__cause__, "code", None) not in (27, 291):
            return None
        return ProgrammingError(
            f"near() needs a 2dsphere index of {self.name!r}, which the collection of "
            f"{self.model._meta.label} lacks: declare GeoSphereIndex(fields=[{self.name!r}]) in "
            "Meta.indexes, and run migrate."
        )
