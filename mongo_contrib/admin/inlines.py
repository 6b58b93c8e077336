"""Lists of embedded documents as the stock admin's inlines."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib.admin.checks import InlineModelAdminChecks
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.admin.options import InlineModelAdmin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth import get_permission_codename
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.forms import ALL_FIELDS
from django.forms.models import modelform_defines_fields, modelformset_factory

from .fields import EmbeddedFieldsMixin
from .formsets import EmbeddedDocumentFormSet


class EmbeddedDocumentInlineChecks(InlineModelAdminChecks):
    """The stock checks, with a list in the place of a foreign key."""

    def _check_exclude_of_parent_model(self, obj: Any, parent_model: Any) -> list[Any]:
        return []

    def _check_relation(self, obj: Any, parent_model: Any) -> list[Any]:
        try:
            obj.get_field()
        except ImproperlyConfigured as error:
            return [checks.Error(str(error), obj=obj.__class__, id="mongo_admin.E001")]
        return []

    def _check_formset(self, obj: Any) -> list[Any]:
        if issubclass(obj.formset, EmbeddedDocumentFormSet):
            return []
        return [
            checks.Error(
                "The value of 'formset' must inherit from 'EmbeddedDocumentFormSet'.",
                obj=obj.__class__,
                id="mongo_admin.E002",
            )
        ]


class EmbeddedDocumentInline(EmbeddedFieldsMixin, InlineModelAdmin):
    """Edits an `EmbeddedDocumentListField` of the parent; base of the two that have a template.

    `model` is the embedded class. `field` names the list, which is only needed if the parent has
    more than one of that class. Who may change the parent may change its list.
    """

    field: str | None = None
    formset = EmbeddedDocumentFormSet
    checks_class = EmbeddedDocumentInlineChecks

    def get_field(self) -> Any:
        """Return the parent's field that is edited; ImproperlyConfigured if it isn't clear."""
        lists = [
            field
            for field in self.parent_model._meta.concrete_fields
            if is_list(field) and field.document is self.model
        ]
        label, embedded = self.parent_model._meta.label, self.model._meta.label
        if self.field is not None:
            for field in lists:
                if field.name == self.field:
                    return field
            raise ImproperlyConfigured(
                f"{type(self).__name__}.field is {self.field!r}, which is no "
                f"EmbeddedDocumentListField of {embedded} in {label}; "
                f"{self._choices(field.name for field in lists)}."
            )
        if len(lists) == 1:
            return lists[0]
        raise ImproperlyConfigured(
            f"{type(self).__name__} needs an attribute 'field': the name of the list of "
            f"{embedded} in {label}; {self._choices(field.name for field in lists)}."
        )

    @staticmethod
    def _choices(names: Any) -> str:
        return f"it has {', '.join(map(repr, names)) or 'none'}"

    def get_formset(self, request: Any, obj: Any = None, **kwargs: Any) -> Any:
        """Return the formset class, as `InlineModelAdmin.get_formset()` does."""
        fields = kwargs.pop("fields", False)
        if fields is False:
            fields = flatten_fieldsets(self.get_fieldsets(request, obj))
        from .repair import repairing

        form = kwargs.pop("form", self.form)
        exclude = self.get_exclude(request, obj)
        if exclude is None:
            exclude = getattr(getattr(form, "_meta", None), "exclude", None)
        if fields is None and not modelform_defines_fields(form):
            fields = ALL_FIELDS
        can_change = self.has_change_permission(request, obj)
        options = {
            "form": protected(repairing(form), can_change, self.has_add_permission(request, obj)),
            "formset": self.formset,
            "fields": fields,
            "exclude": [*(exclude or ()), *self.get_readonly_fields(request, obj)] or None,
            "formfield_callback": partial(self.formfield_for_dbfield, request=request),
            "extra": self.get_extra(request, obj, **kwargs),
            "min_num": self.get_min_num(request, obj, **kwargs),
            "max_num": self.get_max_num(request, obj, **kwargs),
            "can_delete": self.can_delete and self.has_delete_permission(request, obj),
            **kwargs,
        }
        formset = modelformset_factory(self.model, **options)
        formset.field = self.get_field()
        formset.can_change = can_change
        return formset

    # An embedded document has no permissions of its own: changing it changes its parent.

    def has_add_permission(self, request: Any, obj: Any = None) -> bool:
        return self._parent_has_permission(request, "change" if obj else "add", obj)

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return self._parent_has_permission(request, "change" if obj else "add", obj)

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return self._parent_has_permission(request, "view", obj)

    def _parent_has_permission(self, request: Any, action: str, obj: Any) -> bool:
        try:
            parent = self.admin_site.get_model_admin(self.parent_model)
        except NotRegistered:
            options = self.parent_model._meta
            codename = get_permission_codename(action, options)
            return request.user.has_perm(f"{options.app_label}.{codename}")
        if action == "add":
            return parent.has_add_permission(request)
        return getattr(parent, f"has_{action}_permission")(request, obj)


class EmbeddedStackedInline(EmbeddedDocumentInline):
    """Embedded documents below each other, as in `admin.StackedInline`."""

    template = "admin/edit_inline/stacked.html"


class EmbeddedTabularInline(EmbeddedDocumentInline):
    """Embedded documents in a table, as in `admin.TabularInline`."""

    template = "admin/edit_inline/tabular.html"


def is_list(field: Any) -> bool:
    """Whether a field holds a list of embedded documents."""
    return bool(field.get_internal_type() == "EmbeddedDocumentListField")


def protected(base: Any, can_change: bool, can_add: bool) -> Any:
    """Return the form class, of which what the user may not do counts as not done."""

    class ProtectedForm(base):
        def has_changed(self) -> bool:
            allowed = can_add if self.instance._state.adding else can_change
            return allowed and super().has_changed()

    return ProtectedForm
