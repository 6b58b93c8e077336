"""What users and groups hold besides Django's fields: folded names, permissions, groups."""

from __future__ import annotations

from typing import Any

from django.core.validators import RegexValidator
from django.db import models
from django.db.utils import NotSupportedError
from django.utils.translation import gettext_lazy as _

from mongo_contrib.documents import ListField, ObjectIdField

from .conf import conf
from .folding import fold


class FoldedField(models.TextField):
    """The text of another field of the document, folded, so that an index can find it.

    It is never set by hand: every way of writing the other field writes it too (see
    `AbstractBaseUser` and `UserQuerySet`). Look-ups of the other field that ignore case are
    answered from it.
    """

    def __init__(self, source: str | None = None, **kwargs: Any) -> None:
        self.source = source
        # Fixtures don't carry it: it is computed when they are loaded.
        super().__init__(**{"editable": False, "serialize": False, "blank": True, **kwargs})

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "source": self.source}

    @property
    def source_field(self) -> models.Field:
        """The field that is folded."""
        return self.model._meta.get_field(self.source)

    def fold(self, value: Any) -> str | None:
        """Return the folded form of a value of the source."""
        if hasattr(value, "resolve_expression"):
            raise NotSupportedError(
                f"{self.source_field.name!r} can't be set by an expression, because "
                f"{self.name!r} is computed from its value; load, change and save()."
            )
        return None if value is None else self.fold_text(str(value))

    def fold_text(self, text: str) -> str:
        return fold(text)

    def answers(self, lookup: str) -> bool:
        """Tell whether this look-up of the source is to be asked of this field."""
        return lookup == "iexact"

    def refresh(self, instance: models.Model) -> None:
        """Set the value from the source's, unless that one is deferred."""
        values = instance.__dict__
        if self.source_field.attname in values:
            values[self.attname] = self.fold(values[self.source_field.attname])

    def pre_save(self, instance: models.Model, add: bool) -> Any:
        self.refresh(instance)
        return super().pre_save(instance, add)


class UsernameKeyField(FoldedField):
    """The name by which a user logs in, as the unique index compares it.

    All look-ups of the user name by equality go here, so that `get(username="Alice")` finds
    "alice" if, and only if, a second user of that name would be refused.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.pop("source", None)
        super().__init__(**{"unique": True, **kwargs})

    @property
    def source_field(self) -> models.Field:
        return self.model._meta.get_field(self.model.USERNAME_FIELD)

    def fold_text(self, text: str) -> str:
        return fold(text, keep_case=conf.case_sensitive_usernames)

    def answers(self, lookup: str) -> bool:
        return lookup in ("exact", "in") or (
            lookup == "iexact" and not conf.case_sensitive_usernames
        )


def folded_fields(model: Any) -> list[FoldedField]:
    """Return the folded fields of a class."""
    return [field for field in model._meta.concrete_fields if isinstance(field, FoldedField)]


class _SetField(ListField):
    """A list that is a set of choices: no default to declare, and a picker in forms."""

    def __init__(self, base_field: models.Field, **kwargs: Any) -> None:
        super().__init__(base_field, **{"default": list, "blank": True, **kwargs})

    def deconstruct(self) -> Any:
        name, path, _args, kwargs = super().deconstruct()
        return name, path, [], kwargs

    def formfield(self, **kwargs: Any) -> Any:
        # A hidden initial would make every form look changed: lists don't compare as texts.
        return models.Field.formfield(self, **{"show_hidden_initial": False, **kwargs})


class PermissionListField(_SetField):
    """Permissions as strings: `["atlas.change_city", ...]`."""

    description = _("List of permissions")

    def __init__(self, **kwargs: Any) -> None:
        shape = RegexValidator(
            r"^[^.\s]+\.\S+$", _("“%(value)s” is no permission, as in “app_label.codename”.")
        )
        super().__init__(models.CharField(max_length=255, validators=[shape]), **kwargs)

    def formfield(self, **kwargs: Any) -> Any:
        from .pickers import PermissionPicker

        return super().formfield(**{"form_class": PermissionPicker, **kwargs})


class GroupIdField(ObjectIdField):
    """The id of a group; takes the group itself too."""

    def to_python(self, value: Any) -> Any:
        return super().to_python(value.pk if isinstance(value, models.Model) else value)


class GroupListField(_SetField):
    """Groups by their ids, which a new name does not change and which are never used again."""

    description = _("List of groups")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(GroupIdField(), **kwargs)

    def formfield(self, **kwargs: Any) -> Any:
        from .pickers import GroupPicker

        return super().formfield(**{"form_class": GroupPicker, **kwargs})
