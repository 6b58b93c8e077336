"""The order in which a list of keys names documents."""

from __future__ import annotations

from typing import Any

from django.db.models import Expression, IntegerField

from ..mapping.encoding import encode_value
from .expressions import Scope, expression


class PositionIn(Expression):
    """Where a document's key stands among `keys`: `order_by(PositionIn(keys))`."""

    def __init__(self, keys: Any) -> None:
        super().__init__(output_field=IntegerField())
        self.keys = tuple(keys)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.keys)} keys)"


@expression(PositionIn)
def _position(scope: Scope, value: PositionIn) -> Any:
    pk = scope.model._meta.pk
    # As they are: a key that is a text may begin with a dollar sign.
    keys = {"$literal": [encode_value(pk, key) for key in value.keys]}
    return {"$indexOfArray": [keys, "$_id"]}
