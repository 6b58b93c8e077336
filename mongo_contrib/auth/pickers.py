"""Form fields that pick permissions and groups, for every ModelForm of users and groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.apps import apps
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError

from .permissions import permission_choices


class PermissionPicker(forms.MultipleChoiceField):
    """Any number of the permissions of the installed models; the cleaned value is a list."""

    #: Django's UserChangeForm refines the query set that this field would have over SQL.
    queryset = Permission.objects.none()
    choices: Any

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"choices": permission_choices, **kwargs})

    def keep(self, values: Iterable[str]) -> None:
        """Offer these too, so that saving a form drops no permission of an app that is gone."""
        choices = list(self.choices)
        known = {value for value, _ in choices}
        self.choices = [*choices, *((value, value) for value in values if value not in known)]

    def validate(self, value: list[str]) -> None:
        forms.Field.validate(self, value)
        known = {choice for choice, _ in self.choices}
        for each in value:
            if each not in known:
                raise ValidationError(
                    self.error_messages["invalid_choice"],
                    code="invalid_choice",
                    params={"value": each},
                )


class GroupPicker(forms.ModelMultipleChoiceField):
    """Any number of groups; the cleaned value is the list of their ids."""

    def __init__(self, queryset: Any = None, **kwargs: Any) -> None:
        if queryset is None:
            queryset = apps.get_model("mongo_auth", "Group")._default_manager.order_by("name")
        super().__init__(queryset, **kwargs)

    def clean(self, value: Any) -> list[Any]:
        return [group.pk for group in super().clean(value)]
