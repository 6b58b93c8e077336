"""Users and groups in the stock admin, with the pickers that people know."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.contrib.auth import admin as django_admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from .fields import GroupListField, PermissionListField
from .forms import AdminUserCreationForm, GroupForm, UserChangeForm
from .models import Group, User


class BoxedSelectMultiple(FilteredSelectMultiple):
    """The two boxes, in an element of their own: their script puts them first in the parent.

    Where Django uses them, that is the box of the "add" link; else they would precede the label.
    """

    def render(self, *args: Any, **kwargs: Any) -> Any:
        boxes = super().render(*args, **kwargs)
        return format_html('<div class="related-widget-wrapper">{}</div>', boxes)


class PickersMixin:
    """For a `ModelAdmin`: lists of permissions and of groups are picked in two boxes.

    Django's `filter_horizontal` looks so; it is for relations only (check `admin.E020`).
    """

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if isinstance(db_field, PermissionListField | GroupListField):
            kwargs["widget"] = BoxedSelectMultiple(db_field.verbose_name, is_stacked=False)
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]


class GroupFilter(admin.SimpleListFilter):
    """Users of one group, by its name; one query for the names."""

    title = _("groups")
    parameter_name = "group"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        groups = Group.objects.order_by("name").values_list("pk", "name")
        return [(str(pk), name) for pk, name in groups]

    def queryset(self, request: Any, queryset: Any) -> Any:
        # A value that is no id finds nobody.
        return queryset.filter(groups=self.value()) if self.value() else queryset


@admin.register(Group)
class GroupAdmin(PickersMixin, django_admin.GroupAdmin):
    """Django's, over documents."""

    form = GroupForm
    filter_horizontal = ()


@admin.register(User)
class UserAdmin(PickersMixin, django_admin.UserAdmin):
    """Django's, over documents; the base for a user class of one's own too."""

    form = UserChangeForm
    add_form = AdminUserCreationForm
    list_filter = ("is_staff", "is_superuser", "is_active", GroupFilter)
    filter_horizontal = ()
