"""How the admin shows what lies inside documents."""

from __future__ import annotations

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget

from mongo_contrib.documents.forms import EmbeddedDocumentWidget

from .repair import KeepsStored


class AdminEmbeddedDocumentWidget(EmbeddedDocumentWidget):
    """An embedded document as rows of the admin's form."""

    template_name = "mongo_admin/embedded_document.html"

    @property
    def media(self) -> forms.Media:
        return super().media + forms.Media(css={"all": ["mongo_admin/embedded.css"]})


class AdminListWidget(AdminTextareaWidget):
    """A list, one element a line."""

    def __init__(self) -> None:
        super().__init__({"rows": 4})


class AdminEmbeddedForm(KeepsStored):
    """Marks what has to be filled in as the admin does."""

    required_css_class = "required"
