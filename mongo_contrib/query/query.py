"""What a query set asks for, as a small immutable list of conditions and options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Q, sql
from django.db.utils import NotSupportedError

from ..repository import Repository
from . import arithmetic, functions  # noqa: F401  their expressions register
from .aggregates import is_backward
from .asking import Asking
from .compiler import DocumentCompiler
from .computed import needs_scope
from .conditions import NOTHING
from .expressions import Scope, parts
from .grouping import aggregate
from .nodes import Node, group
from .ordering import SORT, Ordered, sort_stages
from .paths import value_at
from .selection import Selective


class DocumentQuery(Asking, Ordered, Selective):
    """The query of a `DocumentQuerySet`; the part of `sql.Query`'s interface that Django uses.

    Every attribute is immutable, so that a clone is a copy of references.
    """

    # What SQL queries have and documents never do; read by Django, django-filter and DRF.
    extra: dict[str, Any] = {}
    extra_select: dict[str, Any] = {}
    extra_order_by: tuple[Any, ...] = ()
    combinator = None
    combined_queries: tuple[Any, ...] = ()
    distinct_fields: tuple[str, ...] = ()
    explain_info = None
    filter_is_sticky = False
    subquery = False
    _filtered_relations: dict[str, Any] = {}

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.where: tuple[Node, ...] = ()
        self.having: tuple[Node, ...] = ()
        self.asked: tuple[Q, ...] = ()
        self.order_by: tuple[Any, ...] = ()
        self.default_ordering = True
        self.standard_ordering = True
        self.low_mark = 0
        self.high_mark: int | None = None
        self.distinct = False
        # Accepted and of no effect, as on every backend without row locks.
        self.select_for_update = False
        #: What `pipeline()` adds, and whether documents of this class come of it.
        self.stages: tuple[Any, ...] = ()
        self.stages_yield_documents = False
        self.zone: Any = None
        self.hint: Any = None
        self.max_time_ms: int | None = None
        #: Whether the server may sort and group on its disk, and which members are read from.
        self.disk_use: bool | None = None
        self.read_preference: Any = None
        #: What else the driver's verbs take: collation, comment.
        self.options: dict[str, Any] = {}
        #: Where documents come from if not from a plain match: near(), search().
        self.source: Any = None

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
        repository: Repository = self.model._repository(using)
        if self.read_preference is None:
            return repository
        return repository._reading_from(self.read_preference)

    def combine(self, other: DocumentQuery, connector: str) -> None:
        """Join the conditions of both; of everything else, this query's stays."""
        if self.model is not other.model:
            raise TypeError("Cannot combine queries on two different base models.")
        if self.is_sliced or other.is_sliced:
            raise TypeError("Cannot combine queries once a slice has been taken.")
        if self.distinct != other.distinct:
            raise TypeError("Cannot combine a unique query with a non-unique query.")
        if self.grouping is not None or other.grouping is not None:
            raise NotSupportedError(
                "Groups can't be combined; combine the filters before values().annotate(), or "
                "use .pipeline([...])."
            )
        sides = [group(Q.AND, each.where) for each in (self, other)]
        node = group(connector, sides)
        self.where = () if node == {} else (node,)
        self.order_by = other.order_by or self.order_by

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
        if ordering and self.stages and not self.stages_yield_documents:
            raise TypeError("Cannot reorder after pipeline() or dates(); add a $sort stage.")
        keys = [self.sort_key(item) for item in ordering]
        if self.stages and ordering:
            self._sort_stages(keys)
        elif ordering:
            self.order_by = (*self.order_by, *ordering)
        else:
            self.default_ordering = False

    def _sort_stages(self, keys: list[Any]) -> None:
        scope = Scope(self.model)
        stages = sort_stages(keys, scope)
        if scope.joins:
            raise NotSupportedError(
                "Can't order across a reference after pipeline(); add $lookup and $sort stages."
            )
        self.stages = (*self.stages, *stages, {"$unset": SORT})

    def clear_ordering(self, force: bool = False, clear_default: bool = True) -> None:
        if not force and (self.is_sliced or self.distinct_fields):
            return
        self.order_by = ()
        if clear_default:
            self.default_ordering = False

    # Fields

    def add_distinct_fields(self, *names: str) -> None:
        """Make each row of `values()` come once; `DocumentQuerySet` has refused `names`."""
        self.distinct = True

    # Django's own questions

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

    def add_annotation(self, annotation: Any, alias: str, select: bool = True) -> None:
        """See `Annotated.add_annotation()`."""
        if self.stages and not self.stages_yield_documents:
            raise TypeError("Cannot annotate after pipeline() or dates(); add a $set stage.")
        super().add_annotation(annotation, alias, select)
        for part in parts(self.annotations[alias]):
            if part.contains_aggregate and is_backward(part):
                self._refuse_narrowed(part)

    def add_filtered_relation(self, relation: Any, alias: str) -> None:
        raise NotSupportedError("FilteredRelation is SQL's; use .pipeline([...]) with $lookup.")

    def add_extra(self, *args: Any, **kwargs: Any) -> None:
        raise NotSupportedError("extra() is SQL; use .match({...}) or .pipeline([...]).")

    # Running

    def find_options(self, using: str, *, sort: bool = True) -> dict[str, Any] | None:
        """Return the arguments of `find()` but the projection; None if nothing can match."""
        condition = self.condition(using)
        if condition is NOTHING:
            return None
        options: dict[str, Any] = {"filter": condition}
        if sort and (keys := self.sort()):
            options["sort"] = [(path.path, direction) for path, direction in keys]
            if self.disk_use is not None:
                options["allow_disk_use"] = self.disk_use
        if self.low_mark:
            options["skip"] = self.low_mark
        if self.high_mark is not None:
            options["limit"] = self.limit
        options.update(self.server_options())
        return options

    def write_options(self) -> dict[str, Any]:
        """Return the options that say what matches, for writing as for reading."""
        return dict(self.options) if self.hint is None else {"hint": self.hint, **self.options}

    def server_options(self) -> dict[str, Any]:
        options = dict(self.options)
        if self.hint is not None:
            options["hint"] = self.hint
        if self.max_time_ms is not None:
            options["max_time_ms"] = self.max_time_ms
        return options

    @property
    def is_rows(self) -> bool:
        """Whether the rows are those of groups: of `annotate()`, or of `distinct()`."""
        return self.grouping is not None or (self.distinct and self.selected is not None)

    @property
    def filters_plainly(self) -> bool:
        """Whether `find()` can tell which documents are meant, and `count()` how many."""
        if self.stages or (self.source is not None and not self.source.finds_plainly(self.where)):
            return False
        return not any(needs_scope(node) for node in self.where)

    @property
    def is_find(self) -> bool:
        """Whether `find()` yields what is asked for."""
        return (
            self.source is None
            and self.filters_plainly
            and not self.annotation_mask
            and self.sorts_plainly
        )

    def run_pipeline(
        self, using: str, stages: list[dict[str, Any]], **options: Any
    ) -> Iterator[dict[str, Any]]:
        if self.disk_use is not None:
            options["allowDiskUse"] = self.disk_use
        found = self.repository(using).aggregate(stages, **self.server_options(), **options)
        return found if self.source is None else self.source.told(found, using)

    def has_results(self, using: str, limit: int | None = None) -> bool:
        if self.filters_plainly and self.grouping is None:
            options = self.find_options(using, sort=False)
            if options is None:
                return False
            options.pop("limit", None)
            return self.repository(using).exists(**options)
        return self.get_compiler(using).count(limit=1) > 0

    def get_count(self, using: str) -> int:
        if not self.filters_plainly or self.is_rows:
            return self.get_compiler(using).count()
        options = self.find_options(using, sort=False)
        return 0 if options is None else self.repository(using).count(**options)

    def get_aggregation(self, using: str, expressions: dict[str, Any]) -> dict[str, Any]:
        return aggregate(self, using, expressions)

    def stored_values(self, using: str, column: str, limit: int) -> list[Any]:
        """Return the values stored at a path, null left out, at most `limit`; mostly once.

        Through a list it leads to a list of values. Of rows that are computed, it is their only
        value.
        """
        if not self.is_find or self.is_rows:
            return self.get_compiler(using).stored_values(column, limit)
        ordered = self.is_sliced
        options = self.find_options(using, sort=ordered)
        if options is None:
            return []
        position = any(part.isdecimal() for part in column.split("."))
        if not (column == "_id" or ordered or "." in column or self._has_collation):
            # A thousand that refer to one tell one key.
            stages = [{"$match": options["filter"]}, {"$group": {"_id": f"${column}"}}]
            grouped = self.run_pipeline(using, [*stages, {"$limit": limit + 1}])
            return [value for row in grouped if (value := row["_id"]) is not None][:limit]
        options["limit"] = min(options.get("limit") or limit, limit)
        # A position can't be projected: its list is.
        top = column.partition(".")[0] if position else column
        found = self.repository(using).find(projection={top: 1}, **options)
        return [value for each in found if (value := value_at(each, column)) is not None]

    @property
    def _has_collation(self) -> bool:
        """Whether to the server texts may be equal that differ."""
        return "collation" in self.options or self.model._options.collation is not None

    def explain(self, using: str, format: str | None = None, **options: Any) -> dict[str, Any]:
        """Return the server's explanation of the `find`, verbosity `executionStats` by default.

        Of what needs a pipeline it is that of the pipeline.
        """
        if format is not None:
            raise ValueError(f"Unknown format {format!r}: the server explains in documents.")
        return self.get_compiler(using).explain(**options)
