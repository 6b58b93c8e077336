"""The stages that yield the documents of a query: conditions first, so that indexes serve them."""

from __future__ import annotations

from typing import Any

from ..mapping.families import class_condition
from .computed import needs_scope
from .conditional import condition_in
from .conditions import NOTHING, Condition, all_of
from .crossing import within
from .expressions import Scope
from .joins import JOINED
from .nodes import Node, evaluate
from .ordering import SORT, is_random, sort_stages

#: Where annotations lie in the documents that the server sends.
ANNOTATED = "__annotated"


class Match:
    """A `$match` among the stages of `pipeline()`, of which the condition is known later."""

    def __init__(self, node: Node) -> None:
        self.node = node


def matching(condition: Condition) -> list[dict[str, Any]]:
    return [{"$match": condition}] if condition and condition is not NOTHING else []


def document_stages(
    query: Any, scope: Scope, *, sort: bool | None = None
) -> list[dict[str, Any]] | None:
    """Return the stages that yield a query's documents as they are stored; None if none can be.

    They are sorted if the order matters to what comes after, or if `sort`.
    """
    filtered = filter_stages(query, scope)
    if filtered is None:
        return None
    stages = filtered
    if sort is False:
        return stages
    keys = query.sort()
    if keys and (sort or query.is_sliced or query.stages):
        if is_random(keys) and query.limit and not query.low_mark:
            return [*stages, {"$sample": {"size": query.limit}}, *_added(query, scope)]
        sorting = sort_stages(keys, scope)
        stages += [*scope.joins.stages(), *sorting]
    return [*stages, *_slice(query), *_added(query, scope)]


def filter_stages(query: Any, scope: Scope) -> list[dict[str, Any]] | None:
    """Return the stages that yield the documents that fulfil the conditions; None if none can."""
    plain = [node for node in query.where if not needs_scope(node)]
    conditions = [evaluate(within(node, query.max_time_ms), scope.using or "") for node in plain]
    condition = all_of([class_condition(query.model), *conditions])
    if condition is NOTHING:
        return None
    if query.source is not None:
        stages = query.source.stages(condition)
    else:
        stages = matching(condition)
    joined = [node for node in query.where if needs_scope(node)]
    if joined:
        condition = all_of([condition_in(scope, node) for node in joined])
        if condition is NOTHING:
            return None
        stages += [*scope.joins.stages(), *matching(condition)]
    return stages


def _slice(query: Any) -> list[dict[str, Any]]:
    stages: list[dict[str, Any]] = [{"$skip": query.low_mark}] if query.low_mark else []
    if query.high_mark is not None:
        stages.append({"$limit": query.limit})
    return stages


def _added(query: Any, scope: Scope) -> list[dict[str, Any]]:
    """Return the stages of `pipeline()`, and of what came after it."""
    stages = []
    for stage in query.stages:
        if isinstance(stage, Match):
            condition = evaluate(stage.node, scope.using or "")
            stage = {"$match": {"_id": {"$in": []}} if condition is NOTHING else condition}
        stages.append(stage)
    return stages


def annotated_stages(query: Any, scope: Scope, columns: Any = None) -> list[dict[str, Any]] | None:
    """Return the stages that yield documents with their annotations under `ANNOTATED`.

    `columns` is the projection if not all that `only()` leaves is asked for. Annotations are
    computed for what is sent alone, unless it is sorted by one of them.
    """
    keys = query.sort()
    annotations = query.annotation_select
    early = any(getattr(path.expression, "_alias", None) in annotations for path, _ in keys)
    if not early or query.stages or (is_random(keys) and query.limit):
        stages = document_stages(query, scope, sort=True)
        if stages is None:
            return None
        if annotations:
            stages += _annotating(annotations, scope)
    else:
        stages = filter_stages(query, scope)
        if stages is None:
            return None
        stages += _annotating(annotations, scope)
        places = {alias: f"${ANNOTATED}.{alias}" for alias in annotations}
        sorting = sort_stages(keys, scope, places)
        stages += [*scope.joins.stages(), *sorting, *_slice(query)]
    gone = [JOINED] if scope.joins.used else []
    if any(SORT in stage.get("$set", {}) for stage in stages):
        gone.append(SORT)
    if columns is None and query.deferred_loading[0] and _are_documents(query):
        columns = query.plan().projection
    if columns is not None:
        stages.append({"$project": {**columns, ANNOTATED: 1} if annotations else columns})
    elif gone:
        stages.append({"$unset": gone})
    return stages


def _annotating(annotations: dict[str, Any], scope: Scope) -> list[dict[str, Any]]:
    computed = {alias: scope.compile(value) for alias, value in annotations.items()}
    return [*scope.joins.stages(), {"$set": {ANNOTATED: computed}}]


def _are_documents(query: Any) -> bool:
    return not query.stages or query.stages_yield_documents
