"""The forms of the files' admin: content that comes, and what is told of it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import SuspiciousFileOperation, ValidationError
from django.utils.translation import gettext_lazy as _

from .exceptions import FileRefused
from .names import clean_file
from .signatures import SNIFFED, sniff

__all__ = ["AddFileForm", "ChangeFileForm"]


class ContentForm(forms.ModelForm):
    """A form that takes content which the storage takes."""

    content = forms.FileField(label=_("Content"), max_length=255)

    def clean_content(self) -> Any:
        """The upload; ValidationError for one that the storage's options refuse."""
        content = self.cleaned_data["content"]
        if content:
            limits = self._meta.model.get_storage().limits
            head = content.read(SNIFFED)
            content.seek(0)
            try:
                limits.check_size(content.size, content.name)
                limits.check_type(sniff(head, self.wanted_name(content)), content.name)
            except FileRefused as refusal:
                raise ValidationError(str(refusal), code="refused") from refusal
        return content

    def wanted_name(self, content: Any) -> str:
        """The name that the content is going to have."""
        return str(content.name)


class AddFileForm(ContentForm):
    """A new file."""

    wanted = forms.CharField(
        label=_("Name"),
        max_length=255,
        required=False,
        widget=AdminTextInputWidget,
        help_text=_(
            "With folders, as in photos/prague.jpg; what ends in / is a folder. If left empty, "
            "the file's own name. A name that is taken gets a number."
        ),
    )

    field_order = ("wanted", "content")

    class Meta:
        fields = ()

    def clean_wanted(self) -> str:
        """The name in its one form; ValidationError if no file can have it."""
        name: str = self.cleaned_data["wanted"].strip()
        folder = name.endswith("/")
        try:
            return (clean_file(name) + ("/" if folder else "")) if name else ""
        except SuspiciousFileOperation as error:
            raise ValidationError(str(error), code="name") from error

    def wanted_name(self, content: Any) -> str:
        name: str = self.cleaned_data.get("wanted") or ""
        storage = self._meta.model.get_storage()
        own = storage.get_valid_name(content.name)
        return f"{name}{own}" if not name or name.endswith("/") else name


class ChangeFileForm(ContentForm):
    """What is told of a file, and other content in its place."""

    content = forms.FileField(
        label=_("Replace by"),
        required=False,
        max_length=255,
        help_text=_(
            "Other content under the same name; whoever is reading the file gets its rest."
        ),
    )

    def wanted_name(self, content: Any) -> str:
        return str(self.instance.name)
