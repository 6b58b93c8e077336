"""Documents with keys that no field is declared for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.core import exceptions
from django.db import models
from django.db.models import QuerySet

from ..mapping.dynamic import UNDECLARED, Undeclared, read_undeclared, undeclared_of
from ..mapping.plan import plan_of
from .base import Document, EmbeddedDocument
from .fields.dicts import validate_storable
from .fields.nested import NestedField

if TYPE_CHECKING:
    from django.db.models import Model as _Attributes
else:
    _Attributes = object

#: Django looks for these on whatever it is given, and takes what has them for something else.
_NOT_AS_ATTRIBUTES = frozenset(
    {
        *("as_sql", "conditional", "contribute_to_class", "get_absolute_url"),
        *("get_source_expressions", "natural_key", "resolve_expression"),
    }
)


class DynamicField(NestedField):
    """`dynamic`: all undeclared values of a document, as a mapping.

    It is stored under no name of its own. Serializers see it, forms and look-ups don't; in a
    look-up, what follows it is a key: `dynamic__anything`.
    """

    lazy = False
    #: For look-ups: what follows its name is a key.
    keys_follow = True

    def __init__(self, **kwargs: Any) -> None:
        kwargs.update(editable=False, blank=True, default=dict)
        super().__init__(**kwargs)

    def get_attname_column(self) -> tuple[str, None]:
        return self.get_attname(), None

    def db_type(self, connection: Any) -> None:
        return None

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, name, property(undeclared_of, _replace))

    def to_bson(self, value: Any) -> dict[str, Any]:
        return dict(value)

    def from_bson(self, value: Any) -> Any:
        if type(value) is not dict:
            raise TypeError(f"{value!r} is not a document")
        return value

    def to_python(self, value: Any) -> Any:
        """Return a mapping of keys and values; ValidationError for anything else."""
        if isinstance(value, str):
            value = self.parse_text(value)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise exceptions.ValidationError(
                self.error_messages["stored"], code="stored", params={"message": repr(value)}
            )
        return value

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        """See `Field.validate()`; each value must be one that BSON has."""
        for key, item in value.items():
            named = models.Field()
            named.name = key
            validate_storable(named, item)


def _replace(instance: Any, values: Mapping[str, Any]) -> None:
    """Make `values` all undeclared values of an instance."""
    if values is not instance.__dict__.get(UNDECLARED):
        instance.__dict__[UNDECLARED] = Undeclared(type(instance), dict(values))


class Dynamic(_Attributes):
    """The part of a class by which undeclared values are attributes.

    An attribute that no class declares is one, unless its name begins with an underscore, or its
    value is a model instance, or a set or list of them, which Django hangs on instances.
    """

    _is_dynamic = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        cls = type(self)
        known = {name for field in cls._meta.fields for name in (field.name, field.attname)}
        values = {
            name: kwargs.pop(name)
            for name in list(kwargs)
            if name not in known and name != "pk" and _is_key(cls, name)
        }
        if values:
            self.__dict__[UNDECLARED] = Undeclared(cls, {**kwargs.pop("dynamic", {}), **values})
        super().__init__(*args, **kwargs)

    # Loading need not ask it, see mapping/setters.py.
    __init__.fills_dict = True  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> Any:
        # Only asked for what no class and no instance has.
        if not name.startswith("_") and name not in _NOT_AS_ATTRIBUTES:
            try:
                return undeclared_of(self)[name]
            except KeyError:
                pass
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if _is_key(type(self), name) and not _is_djangos(value):
            undeclared_of(self, load=False)[name] = value
        else:
            super().__setattr__(name, value)

    # Nor this one: it keeps what is declared as it is.
    __setattr__.fills_dict = True  # type: ignore[attr-defined]

    def __delattr__(self, name: str) -> None:
        if name not in self.__dict__ and _is_key(type(self), name):
            try:
                del undeclared_of(self)[name]
            except KeyError:
                raise AttributeError(
                    f"{type(self).__name__!r} object has no attribute {name!r}"
                ) from None
        else:
            super().__delattr__(name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *undeclared_of(self)})

    def __getstate__(self) -> Any:
        state = super().__getstate__()
        if UNDECLARED in state:
            state[UNDECLARED] = state[UNDECLARED].__copy__()
        return state


def _is_key(cls: Any, name: str) -> bool:
    """Tell whether an attribute of this name is an undeclared value."""
    return not name.startswith("_") and not any(name in vars(base) for base in cls.__mro__)


def _is_djangos(value: Any) -> bool:
    """Tell whether a value is what Django hangs on instances: for `to_attr`, for forms."""
    if isinstance(value, list) and value:
        value = value[0]
    return isinstance(value, models.Model | QuerySet)


class DynamicDocument(Dynamic, Document):
    """A document that keeps keys which no field is declared for, and gives them as attributes.

    `dynamic` is the mapping of them all, also of those whose names are taken.
    """

    dynamic = DynamicField()

    class Meta:
        abstract = True

    def refresh_from_db(self, using: Any = None, fields: Any = None, **kwargs: Any) -> None:
        super().refresh_from_db(using=using, fields=fields, **kwargs)
        if fields is None:
            self.__dict__[UNDECLARED] = Undeclared.stored(type(self), read_undeclared(self))
            self._state.narrowing = None


class DynamicEmbeddedDocument(Dynamic, EmbeddedDocument):
    """An embedded document that keeps undeclared keys; see `DynamicDocument`."""

    dynamic = DynamicField()

    class Meta:
        abstract = True

    def _to_bson(self) -> dict[str, Any]:
        return plan_of(type(self)).encode(self, add=False, raw=True)
