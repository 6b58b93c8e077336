"""What a query set asks for, as a small immutable list of conditions and options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import FieldError
from django.db.models import F, Q, sql
from django.db.models.constants import LOOKUP_SEP
from django.db.models.expressions import OrderBy
from django.db.utils import NotSupportedError

from ..mapping.plan import Plan, plan_of
from ..repository import Repository
from .aggregates import aggregate
from .compiler import DocumentCompiler
from .conditions import NOTHING, Condition, all_of
from .filters import build
from .nodes import Node, evaluate, group
from .paths import Path, get_field, resolve


class DocumentQuery:
    """The query of a `DocumentQuerySet`; the part of `sql.Query`'s interface that Django uses.

    Every attribute is immutable, so that a clone is a copy of references.
    """

    # What SQL queries have and documents never do; read by Django, django-filter and DRF.
    annotations: dict[str, Any] = {}
    annotation_select: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    extra_select: dict[str, Any] = {}
    extra_order_by: tuple[Any, ...] = ()
    combinator = None
    combined_queries: tuple[Any, ...] = ()
    distinct_fields: tuple[str, ...] = ()
    explain_info = None
    filter_is_sticky = False
    group_by = None
    selected = None
    subquery = False
    _filtered_relations: dict[str, Any] = {}

    def __init__(self, model: Any) -> None:
        self.model = model
        self.where: tuple[Node, ...] = ()
        self.order_by: tuple[Any, ...] = ()
        self.default_ordering = True
        self.standard_ordering = True
        self.low_mark = 0
        self.high_mark: int | None = None
        self.distinct = False
        self.values_select: tuple[str, ...] = ()
        self.deferred_loading: tuple[frozenset[str], bool] = (frozenset(), True)
        self.select_related: Any = False
        # Accepted and of no effect, as on every backend without row locks.
        self.select_for_update = False
        self.stages: tuple[dict[str, Any], ...] = ()
        self.zone: Any = None
        self.hint: Any = None
        self.max_time_ms: int | None = None

    # Copies

    def clone(self) -> DocumentQuery:
        copy = self.__class__.__new__(self.__class__)
        copy.__dict__.update(self.__dict__)
        return copy

    def chain(self, klass: Any = None, using: str | None = None) -> DocumentQuery:
        return self.clone()

    def __deepcopy__(self, memo: dict[int, Any]) -> DocumentQuery:
        return self.clone()

    def __str__(self) -> str:
        """Return the MQL as far as it is known without asking a server."""
        return f"{self.model._meta.db_table}.find({list(self.where)!r})"

    def get_meta(self) -> Any:
        return self.model._meta

    def get_compiler(
        self, using: str | None = None, connection: Any = None, elide_empty: bool = True
    ) -> DocumentCompiler:
        alias = using if using is not None else getattr(connection, "alias", None)
        if alias is None:
            raise ValueError("Need either using or connection")
        return DocumentCompiler(self, alias)

    def repository(self, using: str) -> Repository:
        return self.model._repository(using)

    # Conditions

    def add_q(self, q: Q, reuse_all: bool = False) -> None:
        node = build(self.model, q)
        if node != {}:
            self.where = (*self.where, node)

    def match(self, condition: dict[str, Any]) -> None:
        self.where = (*self.where, condition)

    def combine(self, other: DocumentQuery, connector: str) -> None:
        """Join the conditions of both; of everything else, this query's stays."""
        if self.model is not other.model:
            raise TypeError("Cannot combine queries on two different base models.")
        if self.is_sliced or other.is_sliced:
            raise TypeError("Cannot combine queries once a slice has been taken.")
        if self.distinct != other.distinct:
            raise TypeError("Cannot combine a unique query with a non-unique query.")
        sides = [group(Q.AND, each.where) for each in (self, other)]
        node = group(connector, sides)
        self.where = () if node == {} else (node,)
        self.order_by = other.order_by or self.order_by

    def set_empty(self) -> None:
        self.where = (*self.where, NOTHING)

    def is_empty(self) -> bool:
        return NOTHING in self.where

    def has_filters(self) -> bool:
        return bool(self.where)

    def condition(self, using: str) -> Condition:
        """Return the MQL filter; the parts that another collection decides are asked for now."""
        return all_of(evaluate(node, using) for node in self.where)

    # Slices

    @property
    def is_sliced(self) -> bool:
        return self.low_mark != 0 or self.high_mark is not None

    def can_filter(self) -> bool:
        return not self.is_sliced

    def set_limits(self, low: int | None = None, high: int | None = None) -> None:
        """Adjust the slice by one that is relative to it."""
        if self.stages:
            self._slice_stages(low or 0, high)
            return
        if high is not None:
            high += self.low_mark
            self.high_mark = high if self.high_mark is None else min(self.high_mark, high)
        if low is not None:
            low += self.low_mark
            self.low_mark = low if self.high_mark is None else min(self.high_mark, low)
        if self.low_mark == self.high_mark:
            self.set_empty()

    def _slice_stages(self, low: int, high: int | None) -> None:
        """Take a part of what the stages yield."""
        if high is not None and high <= low:
            self.set_empty()
            return
        added: list[dict[str, Any]] = [{"$skip": low}] if low else []
        if high is not None:
            added.append({"$limit": high - low})
        self.stages = (*self.stages, *added)

    def has_limit_one(self) -> bool:
        return self.high_mark is not None and self.limit == 1

    def clear_limits(self) -> None:
        self.low_mark, self.high_mark = 0, None

    @property
    def limit(self) -> int:
        """How many documents at most; 0 for all, as the driver has it."""
        return 0 if self.high_mark is None else self.high_mark - self.low_mark

    # Order

    def add_ordering(self, *ordering: Any) -> None:
        if self.stages and ordering:
            raise TypeError("Cannot reorder after pipeline() or dates(); add a $sort stage.")
        for item in ordering:
            self.sort_key(item)
        if ordering:
            self.order_by = (*self.order_by, *ordering)
        else:
            self.default_ordering = False

    def clear_ordering(self, force: bool = False, clear_default: bool = True) -> None:
        if not force and (self.is_sliced or self.distinct_fields):
            return
        self.order_by = ()
        if clear_default:
            self.default_ordering = False

    def sort_key(self, item: Any) -> tuple[Path, int]:
        """Return path and direction of one item of `order_by()`; FieldError for unknown names."""
        direction = 1
        if isinstance(item, OrderBy):
            if item.nulls_first or item.nulls_last:
                raise NotSupportedError(
                    "nulls_first and nulls_last can't be chosen: MongoDB sorts null before all "
                    "values. Use .pipeline([...])."
                )
            direction = -1 if item.descending else 1
            item = item.expression
        if isinstance(item, F):
            item = item.name
        if not isinstance(item, str) or item == "?":
            raise NotSupportedError(
                f"Can't order by {item!r}; use .pipeline([...]) with $sort or $sample."
            )
        if item.startswith("-"):
            direction, item = -direction, item[1:]
        path = resolve(self.model, item.removeprefix("+"))
        if path.relation is not None:
            raise NotSupportedError(
                f"Can't order by {item!r}, which lies in another collection; use .pipeline([...]) "
                "with $lookup and $sort."
            )
        if path.rest:
            raise FieldError(f"Cannot resolve {item!r} into a field to order by.")
        return path, direction

    def sort(self) -> list[tuple[Path, int]]:
        """Return what documents are sorted by, in order."""
        ordering = self.order_by
        if not ordering and self.default_ordering:
            ordering = self.model._meta.ordering
        sign = 1 if self.standard_ordering else -1
        keys: dict[str, tuple[Path, int]] = {}
        for item in ordering:
            path, direction = self.sort_key(item)
            # Of one path, the first direction decides; the driver would take the last.
            keys.setdefault(path.path, (path, direction * sign))
        return list(keys.values())

    # Fields

    def set_values(self, fields: tuple[str, ...]) -> None:
        self.select_related = False
        self.deferred_loading = (frozenset(), True)
        if not fields:
            fields = tuple(field.attname for field in self.model._meta.concrete_fields)
        for name in fields:
            self.value_path(name)
        self.values_select = tuple(fields)

    def add_distinct_fields(self, *names: str) -> None:
        """Make each row of `values()` come once; `DocumentQuerySet` has refused `names`."""
        self.distinct = True

    def value_path(self, name: str) -> Path:
        """Return the path of one item of `values()`; references may be crossed forward."""
        path = resolve(self.model, name)
        if path.rest or (path.relation is not None and not path.relation.concrete):
            raise FieldError(f"Cannot resolve {name!r} into a field of {self.model._meta.label}.")
        if path.relation is not None:
            target = path.relation.remote_field.model
            target._base_manager.values(path.remainder)
        return path

    def clear_deferred_loading(self) -> None:
        self.deferred_loading = (frozenset(), True)

    def add_deferred_loading(self, names: Any) -> None:
        existing, defer = self.deferred_loading
        names = self._top_level(names)
        if defer:
            self.deferred_loading = (existing | names, True)
        else:
            self.deferred_loading = (existing - names, False)

    def add_immediate_loading(self, names: Any) -> None:
        existing, defer = self.deferred_loading
        names = self._top_level(names)
        self.deferred_loading = (names - existing if defer and existing else names, False)

    def _top_level(self, names: Any) -> frozenset[str]:
        """Return attribute names; of a path, the field of the document that it starts from."""
        found = set()
        for name in names:
            first, _, rest = name.partition(LOOKUP_SEP)
            field = get_field(self.model, first)
            if field.is_relation and rest:
                # only("country__name"): what select_related() fetches comes whole.
                continue
            if not field.concrete:
                raise FieldError(f"{name!r} is no field of {self.model._meta.label}.")
            found.add(field.attname)
        return frozenset(found)

    def plan(self) -> Plan:
        """Return how found documents become instances, all of them or without deferred fields."""
        plan = plan_of(self.model)
        names, defer = self.deferred_loading
        if not names:
            return plan
        columns = {
            field.column
            for field in plan.fields
            if (field.attname in names) != defer or field.field.primary_key
        }
        return plan.partial(columns)

    # References

    def add_select_related(self, fields: Any) -> None:
        tree: dict[str, Any] = {} if isinstance(self.select_related, bool) else self.select_related
        tree = _copy_tree(tree)
        for name in fields:
            level, model = tree, self.model
            for part in name.split(LOOKUP_SEP):
                model = _referenced(model, part)
                level = level.setdefault(part, {})
        self.select_related = tree

    def related_lookups(self) -> list[str]:
        """Return what `select_related()` names, as look-ups to prefetch."""
        if self.select_related is True:
            return [
                field.name
                for field in self.model._meta.concrete_fields
                if field.is_relation and not field.null
            ]
        return list(_leaves(self.select_related or {}))

    # Django's own questions

    def resolve_ref(self, name: str, *args: Any, **kwargs: Any) -> Any:
        raise NotSupportedError(f"{name!r} can't become a SQL column; use .pipeline([...]).")

    def resolve_expression(self, *args: Any, **kwargs: Any) -> Any:
        raise NotSupportedError(
            "A query set of documents can't be part of another expression; give it to an 'in' "
            "look-up, or use .pipeline([...]) with $lookup."
        )

    def exists(self, *args: Any, **kwargs: Any) -> DocumentQuery:
        """Return what `Exists()` keeps of this query; `filters.build()` says what it can mean."""
        return self.clone()

    def try_transform(self, lhs: Any, name: str) -> Any:
        """Return `lhs` transformed, as django-filter asks; the fields' own transforms apply."""
        return sql.Query(self.model).try_transform(lhs, name)

    def add_annotation(self, annotation: Any, alias: str, **kwargs: Any) -> None:
        raise NotSupportedError(
            f"annotate({alias}={annotation}) has no counterpart here; use .pipeline([...]) with "
            "$set or $group."
        )

    def add_filtered_relation(self, relation: Any, alias: str) -> None:
        raise NotSupportedError("FilteredRelation is SQL's; use .pipeline([...]) with $lookup.")

    def add_extra(self, *args: Any, **kwargs: Any) -> None:
        raise NotSupportedError("extra() is SQL; use .match({...}) or .pipeline([...]).")

    # Running

    def find_options(self, using: str) -> dict[str, Any] | None:
        """Return the arguments of `find()` but the projection; None if nothing can match."""
        condition = self.condition(using)
        if condition is NOTHING:
            return None
        options: dict[str, Any] = {"filter": condition}
        if sort := self.sort():
            options["sort"] = [(path.path, direction) for path, direction in sort]
        if self.low_mark:
            options["skip"] = self.low_mark
        if self.high_mark is not None:
            options["limit"] = self.limit
        options.update(self.server_options())
        return options

    def server_options(self) -> dict[str, Any]:
        options = {}
        if self.hint is not None:
            options["hint"] = self.hint
        if self.max_time_ms is not None:
            options["max_time_ms"] = self.max_time_ms
        return options

    def leading_stages(self, using: str) -> list[dict[str, Any]] | None:
        """Return the stages that yield this query's documents; None if there can be none."""
        options = self.find_options(using)
        if options is None:
            return None
        stages: list[dict[str, Any]] = []
        if options["filter"]:
            stages.append({"$match": options["filter"]})
        if "sort" in options and (self.is_sliced or self.stages):
            stages.append({"$sort": dict(options["sort"])})
        if "skip" in options:
            stages.append({"$skip": options["skip"]})
        if "limit" in options:
            stages.append({"$limit": options["limit"]})
        return [*stages, *self.stages]

    def run_pipeline(self, using: str, stages: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        return self.repository(using).aggregate(stages, **self.server_options())

    def has_results(self, using: str, limit: int | None = None) -> bool:
        options = self.find_options(using)
        if options is None:
            return False
        if self.stages:
            return any(True for _ in self.get_compiler(using).documents())
        options.pop("limit", None)
        options.pop("sort", None)
        return self.repository(using).exists(**options)

    def get_count(self, using: str) -> int:
        options = self.find_options(using)
        if options is None:
            return 0
        if self.stages or (self.distinct and self.values_select):
            return self.get_compiler(using).count()
        options.pop("sort", None)
        return self.repository(using).count(**options)

    def get_aggregation(self, using: str, expressions: dict[str, Any]) -> dict[str, Any]:
        return aggregate(self, using, expressions)

    def stored_values(self, using: str, column: str, limit: int) -> list[Any]:
        """Return the values stored under `column`, null left out, at most `limit`."""
        options = self.find_options(using)
        if options is None:
            return []
        options["limit"] = min(options.get("limit") or limit, limit)
        if "skip" not in options and self.high_mark is None:
            options.pop("sort", None)
        found = self.repository(using).find(projection={column: 1}, **options)
        return [value for document in found if (value := document.get(column)) is not None]

    def explain(self, using: str, format: str | None = None, **options: Any) -> dict[str, Any]:
        """Return the server's explanation of the `find`, verbosity `executionStats` by default."""
        if format is not None:
            raise ValueError(f"Unknown format {format!r}: the server explains in documents.")
        return self.get_compiler(using).explain(**options)


def _copy_tree(tree: dict[str, Any]) -> dict[str, Any]:
    return {name: _copy_tree(branch) for name, branch in tree.items()}


def _leaves(tree: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, branch in tree.items():
        if branch:
            yield from _leaves(branch, f"{prefix}{name}{LOOKUP_SEP}")
        else:
            yield f"{prefix}{name}"


def _referenced(model: Any, name: str) -> Any:
    """Return the class that a name in `select_related()` leads to."""
    field = get_field(model, name)
    if not field.is_relation or not (field.many_to_one or field.one_to_one):
        choices = [each.name for each in model._meta.concrete_fields if each.is_relation]
        raise FieldError(
            f"Invalid field name(s) given in select_related: {name!r}. Choices are: "
            f"{', '.join(choices) or '(none)'}"
        )
    return field.related_model
