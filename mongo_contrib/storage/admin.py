"""The files of a bucket in Django's admin: looked at, described, checked, replaced and deleted."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.core.paginator import Paginator
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.http import Http404, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.urls import NoReverseMatch, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from . import previews
from .admin_filters import SizeFilter, TypeFilter
from .admin_forms import AddFileForm, ChangeFileForm
from .backend import GridFSStorage
from .models import FileDocument
from .tus.admin import AdminResumableFileInput
from .tus.forms import ResumableFileField
from .tus.widgets import HELD
from .uploaders import users_of

__all__ = ["FileAdmin"]

#: The longest text that is searched for.
LONGEST_TERM = 150
# Nobody waits longer for a page, and no server works longer on one that nobody waits for.
PATIENCE_MS = 20_000
#: Bytes that are read at once to compare files with their hashes; `manage.py gridfs verify` has
#: no such bound.
MOST_VERIFIED = 512 * 1024 * 1024


class BoundedPaginator(Paginator):
    """Counts no further than the pages that anybody would turn."""

    bound = 10_000

    @cached_property
    def count(self) -> int:
        found: Any = self.object_list
        return min(int(found[: self.bound].count()), self.bound)


class FileAdmin(admin.ModelAdmin):
    """Lists the files of a bucket; of a class of yours: `admin.site.register(Photo, FileAdmin)`.

    A list costs the same number of queries whatever it shows: one is for the uploaders' names.
    Previews are asked for by the browser, where the serving view decides who sees them.
    """

    list_display = ("preview", "name", "size", "content_type", "when", "by", "link")
    list_display_links = ("name",)
    list_filter = (TypeFilter, SizeFilter, "uploaded")
    list_per_page = 50
    search_fields = ("name",)
    search_help_text = _(
        "A part of the original name, or the beginning of a name with its folders"
    )
    # An ObjectId begins with the time, and has an index.
    ordering = ("-pk",)
    actions = ("verify_selected",)
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    change_form_template = "mongo_storage/admin/change_form.html"

    class Media:
        css = {"all": ("mongo_storage/admin.css",)}

    # What is shown

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).max_time_ms(PATIENCE_MS)

    def get_changelist_instance(self, request: Any) -> Any:
        """See `ModelAdmin`; the uploaders of the page are fetched at once."""
        changelist = super().get_changelist_instance(request)
        changelist.result_list = self.named(changelist.result_list)
        return changelist

    def get_object(self, request: Any, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            self.named([found])
        return found

    def named(self, files: Iterable[Any]) -> list[Any]:
        """The files, each of which knows its uploader's name."""
        files = list(files)
        users = users_of(file.uploader for file in files)
        for file in files:
            user = users.get(str(file.uploader))
            file.uploader_name = str(file.uploader or "") if user is None else user.get_username()
        return files

    @admin.display(description=_("preview"))
    def preview(self, file: Any) -> Any:
        return previews.preview(file.get_storage(), file)

    @admin.display(description=_("size"), ordering="length")
    def size(self, file: Any) -> str:
        return str(filesizeformat(file.length))

    @admin.display(description=_("uploaded"), ordering="uploaded")
    def when(self, file: Any) -> str:
        moment = timezone.template_localtime(file.uploaded)
        return str(date_format(moment, "SHORT_DATETIME_FORMAT"))

    @admin.display(description=_("uploader"))
    def by(self, file: Any) -> str:
        return getattr(file, "uploader_name", "") or self.get_empty_value_display()

    @admin.display(description=_("download"))
    def link(self, file: Any) -> Any:
        return previews.download_link(file.get_storage(), file)

    @admin.display(description=_("preview"))
    def shown(self, file: Any) -> Any:
        """What is seen or heard of it on its own page."""
        shown = previews.preview(file.get_storage(), file, pixels=previews.LARGE)
        if not shown and previews.is_text(file):
            try:
                shown = previews.text_head(file.read(0, previews.HEAD), file.length)
            except OSError as error:  # damaged, or deleted meanwhile
                shown = str(error)
        return shown or self.get_empty_value_display()

    @admin.display(description=_("size"))
    def sizes(self, file: Any) -> str:
        """The size, and what it takes where that is less."""
        found = _("%(size)s (%(bytes)d bytes)") % {
            "size": filesizeformat(file.length),
            "bytes": file.length,
        }
        if file.encoding:
            found = _("%(size)s, stored as %(encoding)s in %(stored)s") % {
                "size": found,
                "encoding": file.encoding,
                "stored": filesizeformat(file.stored_length),
            }
        return str(found)

    @admin.display(description=_("SHA-256"))
    def hash(self, file: Any) -> Any:
        return format_html("<code>{}</code>", file.sha256 or self.get_empty_value_display())

    # What is found

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """See `ModelAdmin`; a query string's regular expressions and endless texts are refused."""
        if lookup.endswith(("__regex", "__iregex")) or len(str(value)) > LONGEST_TERM:
            return False
        return super().lookup_allowed(lookup, value, request)

    def get_search_results(
        self, request: Any, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        """See `ModelAdmin`; a term with a slash is the beginning of a name, which an index finds.

        Another one may also be anywhere in the name that the file had where it came from.
        """
        term = search_term.strip()
        if not term:
            return queryset, False
        if len(term) > LONGEST_TERM:
            return queryset.none(), False
        wanted = Q(name__startswith=term)
        if "/" not in term:
            wanted |= Q(original_name__icontains=term)
        return queryset.filter(wanted), False

    # Forms

    #: The UploadView with `held` for the bucket, or the name of its pattern, by which content
    #: comes in pieces. None is the default storage's, if that is of this bucket.
    upload_url: str | None = None

    def get_upload_url(self, request: Any) -> str | None:
        """The address that takes content in pieces; None where it comes with the form."""
        if self.upload_url is not None:
            return self.upload_url
        storage = self.model.get_storage()
        if (storage.alias, storage.bucket) != place_of(default_storage):
            return None
        try:
            return str(reverse(HELD))
        except NoReverseMatch:
            return None

    def get_form(self, request: Any, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """See `ModelAdmin`; content comes with a new file, or in the place of another."""
        kwargs.setdefault("form", ChangeFileForm if change else AddFileForm)
        form = super().get_form(request, obj, change=change, **kwargs)
        url = self.get_upload_url(request)
        if url is not None:
            plain = form.base_fields["content"]
            form.base_fields["content"] = ResumableFileField(
                storage=self.model.get_storage(),
                request=request,
                widget=AdminResumableFileInput(url=url),
                label=plain.label,
                help_text=plain.help_text,
                required=plain.required,
                max_length=plain.max_length,
            )
        return form

    def get_fieldsets(self, request: Any, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": ("wanted", "content")})]
        own = [
            field.name
            for field in self.opts.get_fields()
            if field.concrete and field.editable and not field.primary_key
        ]
        told = [name for name in own if name not in ("content_type", "original_name", "fields")]
        replacing = ("content",) if self.has_change_permission(request, obj) else ()
        return [
            (None, {"fields": ("shown", "name", "link", "sizes", "uploaded", "by")}),
            (_("Description"), {"fields": ("content_type", "original_name", *told, "fields")}),
            (_("Content"), {"fields": (*replacing, "hash", "chunk_size", "id")}),
        ]

    def get_readonly_fields(self, request: Any, obj: Any = None) -> Any:
        if obj is None:
            return ()
        return ("shown", "name", "link", "sizes", "uploaded", "by", "hash", "chunk_size", "id")

    def save_form(self, request: Any, form: Any, change: bool) -> Any:
        """See `ModelAdmin`; where content comes, it says who has sent it."""
        obj = super().save_form(request, form, change)
        obj.new_content = form.cleaned_data.get("content")
        if obj.new_content:
            obj.wanted_name = form.wanted_name(obj.new_content)
            given = getattr(obj.new_content, "metadata", None) or {}
            obj.new_content.metadata = {"uploader": request.user, **given}
        return obj

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        """Store new content, and what has been edited of the rest."""
        content = obj.__dict__.pop("new_content", None)
        try:
            if change:
                obj.save()
        except DatabaseError as error:
            if obj.get_storage().files.find_id(obj.pk) is None:  # deleted meanwhile
                raise Http404(str(error)) from error
            raise
        if content:
            self._store(obj, content, change)

    def _store(self, obj: Any, content: Any, change: bool) -> None:
        storage = copy(obj.get_storage())
        # Who may add a file may not therefore replace others', whatever the storage does else.
        storage.allow_overwrite = change
        if change:
            info = storage.files.find_id(obj.pk)
            kept = {} if info is None else info.fields
            content.metadata = {**kept, **content.metadata}
            name = storage.save(obj.storage_name, content)
        else:
            name = storage.save(obj.__dict__.pop("wanted_name"), content)
        # Not by a query, which would not see it in a transaction that began before.
        found = storage.get_info(name)
        obj.pk, obj.name, obj._state.adding = found.id, found.name, False

    def response_change(self, request: Any, obj: Any) -> Any:
        """See `ModelAdmin`; a file with new content has another page."""
        if "_continue" in request.POST and self._url("change", obj) != request.path:
            self.message_user(request, _("The file has new content."), messages.SUCCESS)
            return HttpResponseRedirect(self._url("change", obj))
        return super().response_change(request, obj)

    # Deleting: after the view's transaction, which nothing of a file is part of.

    def delete_model(self, request: Any, obj: Any) -> None:
        """Delete a file with its content, once nothing can go wrong any more."""
        delete = partial(super().delete_model, request, obj)
        transaction.on_commit(delete, using=obj.get_storage().alias)

    def delete_queryset(self, request: Any, queryset: Any) -> None:
        """See delete_model()."""
        keys = list(queryset.values_list("pk", flat=True))
        found = self.model._default_manager.filter(pk__in=keys)
        delete = partial(super().delete_queryset, request, found)
        transaction.on_commit(delete, using=self.model.get_storage().alias)

    # Checking

    def get_urls(self) -> list[Any]:
        """See `ModelAdmin`; and one to compare a file with its hash."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_verify"
        view = self.admin_site.admin_view(self.verify_view)
        return [path("<path:object_id>/verify/", view, name=name), *super().get_urls()]

    def verify_view(self, request: Any, object_id: str) -> Any:
        """Compare a file with its hash, and tell on its page how that went."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404("There is no such file.")
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        self._verify(request, [obj])
        return HttpResponseRedirect(self._url("change", obj))

    @admin.action(
        permissions=["view"], description=_("Compare the selected files with their hash")
    )
    def verify_selected(self, request: Any, queryset: Any) -> None:
        """Read the selected files, and tell which are damaged."""
        self._verify(request, queryset)

    def _verify(self, request: Any, files: Iterable[Any]) -> None:
        sound, left = 0, MOST_VERIFIED
        for file in files:
            left -= file.length
            if left < 0:
                message = _(
                    "No more than %(size)s are read here: see “manage.py gridfs verify” for the "
                    "rest, beginning with %(name)s."
                ) % {"size": filesizeformat(MOST_VERIFIED), "name": file}
                self.message_user(request, message, messages.WARNING)
                break
            try:
                compared = file.verify()
            except OSError as error:
                self.message_user(request, str(error), messages.ERROR)
                continue
            if compared:
                sound += 1
            else:
                message = _("%(name)s is all there, and has no hash to be compared with.")
                self.message_user(request, message % {"name": file}, messages.WARNING)
        if sound:
            message = ngettext(
                "%(count)d file is as it was stored.",
                "%(count)d files are as they were stored.",
                sound,
            )
            self.message_user(request, message % {"count": sound}, messages.SUCCESS)

    def _url(self, view: str, obj: Any) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{view}"
        return str(reverse(name, args=[quote(obj.pk)], current_app=self.admin_site.name))


def place_of(storage: Any) -> tuple[str, str] | None:
    """The alias and the bucket of a storage of ours."""
    return (storage.alias, storage.bucket) if isinstance(storage, GridFSStorage) else None


@admin.register(FileDocument)
class FileDocumentAdmin(FileAdmin):
    """The files of the default bucket."""

    def has_module_permission(self, request: Any) -> bool:
        """See `ModelAdmin`; where the database is not MongoDB there is nothing to show."""
        return self.model._using is not None and super().has_module_permission(request)
