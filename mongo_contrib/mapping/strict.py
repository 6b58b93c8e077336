"""Plans of classes whose `Meta` says `strict`: documents are read only if they fit the class."""

from __future__ import annotations

from typing import Any

from ..exceptions.classes import DocumentMismatch
from .families import CLASS_KEY
from .hydration import Hydrator
from .plan import Plan


class StrictPlan(Plan):
    """Refuses documents that lack a field, or have one that the class does not know."""

    #: Whether the class says what fields there can be.
    closed = True

    def _hydrator(self, db: str | None, fetch_mode: Any) -> Hydrator:
        make = super()._hydrator(db, fetch_mode)
        required = frozenset(each.column for each in self.fields if is_required(each.field))
        has_required = required.issubset
        known = self.columns | {CLASS_KEY}
        knows = known.issuperset
        closed = self.closed

        def checked(document: dict[str, Any]) -> Any:
            if not has_required(document) or (closed and not knows(document)):
                raise _mismatch(
                    self.model,
                    document,
                    missing=sorted(required - document.keys()),
                    unknown=sorted(map(str, document.keys() - known)) if closed else [],
                )
            return make(document)

        return checked


def is_required(field: Any) -> bool:
    """Tell whether every document has to have the field: no default, and not null."""
    return not (field.null or field.has_default()) and field.column != CLASS_KEY


def _mismatch(
    model: Any, document: dict[str, Any], *, missing: list[str], unknown: list[str]
) -> DocumentMismatch:
    label, key = model._meta.label, document.get("_id")
    found = [
        *([f"lacks {', '.join(map(repr, missing))}"] if missing else []),
        *([f"has {', '.join(map(repr, unknown))}, which is no field of it"] if unknown else []),
    ]
    return DocumentMismatch(
        f"{label} {'(embedded)' if key is None else key}: the stored document "
        f"{' and '.join(found)}, and the class is strict. Look at it with "
        ".pipeline([...]), and repair it by .collection.update_one(...).",
        document=label,
        key=key,
        missing=missing,
        unknown=unknown,
    )
