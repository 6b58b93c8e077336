"""Django's forms, bound to the user class of the project.

Forms that name no class (`AuthenticationForm`, `PasswordResetForm`, `SetPasswordForm`,
`PasswordChangeForm`, `AdminPasswordChangeForm`) need nothing: use Django's.
"""

from __future__ import annotations

from typing import Any

from django import forms as django_forms
from django.contrib.auth import forms, get_user_model

from .models import Group
from .pickers import PermissionPicker

UserModel = get_user_model()

# An e-mail address as the user name keeps the validation of addresses.
_FIELD_CLASSES = (
    {"username": forms.UsernameField} if UserModel.USERNAME_FIELD == "username" else {}
)


class BaseUserCreationForm(forms.BaseUserCreationForm):
    """See Django's; names that are taken are refused by the user class itself."""

    class Meta(forms.BaseUserCreationForm.Meta):
        model = UserModel
        fields = (UserModel.USERNAME_FIELD,)
        field_classes = _FIELD_CLASSES


class UserCreationForm(forms.UserCreationForm):
    """See Django's."""

    class Meta(forms.UserCreationForm.Meta):
        model = UserModel
        fields = (UserModel.USERNAME_FIELD,)
        field_classes = _FIELD_CLASSES


class AdminUserCreationForm(forms.AdminUserCreationForm):
    """See Django's."""

    class Meta(forms.AdminUserCreationForm.Meta):
        model = UserModel
        fields = (UserModel.USERNAME_FIELD,)
        field_classes = _FIELD_CLASSES


class KeepsPermissions:
    """For forms of something that holds permissions: those that no app declares any more stay."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        form: Any = self
        for name, field in form.fields.items():
            if isinstance(field, PermissionPicker):
                field.keep(form.get_initial_for_field(field, name) or ())


class UserChangeForm(KeepsPermissions, forms.UserChangeForm):
    """See Django's."""

    class Meta(forms.UserChangeForm.Meta):
        model = UserModel
        field_classes = _FIELD_CLASSES


class GroupForm(KeepsPermissions, django_forms.ModelForm):
    """A group and its permissions."""

    class Meta:
        model = Group
        fields = ("name", "permissions")
