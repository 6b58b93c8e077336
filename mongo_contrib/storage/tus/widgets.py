"""File inputs that upload in pieces, with a progress bar; plain ones where there is no script."""

from typing import Any, ClassVar

from django.conf import settings
from django.forms import ClearableFileInput
from django.forms.widgets import FILE_INPUT_CONTRADICTION
from django.shortcuts import resolve_url

from ..claimed import StoredUpload
from .tokens import token_of

__all__ = ["HELD", "ResumableFileInput", "ResumableInputMixin", "UploadToken"]

#: The URL name of the view that takes files for forms.
HELD = "mongo_uploads:held"


class UploadToken(str):
    """What a form sends in the place of a file that was uploaded before."""

    __slots__ = ()


class ResumableInputMixin:
    """Makes a ClearableFileInput one that uploads in pieces; `template_name` wraps its own."""

    template_name: str = "mongo_storage/resumable_file_input.html"
    #: The template of the file input itself.
    file_template_name: str = ClearableFileInput.template_name
    #: Bytes of the first request; where the connection is fast, further ones have more. It is
    #: below the megabyte that web servers take by default, and whole chunks of the default size.
    piece_size: int = 4 * 255 * 1024

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["mongo_storage/resumable.css"]}
        js: ClassVar[list[str]] = ["mongo_storage/resumable.js"]

    def __init__(self, attrs: dict[str, Any] | None = None, *, url: str = HELD) -> None:
        """`url` is that of an UploadView with `held`, or the name of its pattern."""
        super().__init__(attrs)  # type: ignore[call-arg]
        self.url = url

    def token_name(self, name: str) -> str:
        """The name of the hidden input that has the token."""
        return f"{name}-upload"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        held = value if isinstance(value, StoredUpload) else None
        context: dict[str, Any] = super().get_context(  # type: ignore[misc]
            name, None if held else value, attrs
        )
        if held:
            context["widget"]["attrs"].pop("required", None)
        context["widget"].update(
            file_template=self.file_template_name,
            upload_url=resolve_url(self.url),
            piece_size=self.piece_size,
            csrf_header=settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-"),
            token_name=self.token_name(name),
            token=token_of(held.storage, held.upload.id) if held else "",
            upload_name=held.name if held else "",
        )
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        value = super().value_from_datadict(data, files, name)  # type: ignore[misc]
        token = data.get(self.token_name(name))
        if not token or value:
            return value
        return FILE_INPUT_CONTRADICTION if value is False else UploadToken(token)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        omitted = super().value_omitted_from_data(data, files, name)  # type: ignore[misc]
        return omitted and not data.get(self.token_name(name))


class ResumableFileInput(ResumableInputMixin, ClearableFileInput):
    """A ClearableFileInput that uploads in pieces."""
