"""A formset over the embedded documents of one list."""

from __future__ import annotations

from typing import Any

from bson import BSON
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import BaseModelFormSet
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from mongo_contrib.mapping.lazy import is_pending

# The suite's own, for UUIDs.
_CODECS: CodecOptions[Any] = CodecOptions(uuid_representation=UuidRepresentation.STANDARD)


class EmbeddedDocumentFormSet(BaseModelFormSet):
    """Edits the list `field` of the document `instance`.

    A valid formset has put the new list on the instance, so that whoever then saves that writes
    once. Items that the formset doesn't show stay. Each form carries a fingerprint of the item
    that it was made of: if somebody has changed or removed that one since, the form is
    refused rather than written over another item.
    """

    #: The parent's EmbeddedDocumentListField; the inline sets it.
    field: Any = None
    #: Whether the items that are there may be changed.
    can_change = True

    default_error_messages = {
        **BaseModelFormSet.default_error_messages,
        "changed_meanwhile": _(
            "Somebody else has changed or removed this one since you opened the page. Load the "
            "page again to see how it is now."
        ),
        "unreadable": _("What is stored here can't be read, and nothing can be added to it."),
    }

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        instance: Any = None,
        save_as_new: bool = False,
        **kwargs: Any,
    ) -> None:
        self.instance = self.field.model() if instance is None else instance
        self.save_as_new = save_as_new
        #: The places of initial forms whose item is gone.
        self._missing: set[int] = set()
        # The admin gives an inline's query set, which finds nothing: items have no collection.
        kwargs["queryset"] = None
        super().__init__(data, files, **kwargs)

    @classmethod
    def get_default_prefix(cls) -> str:
        return cls.field.name

    @property
    def is_unreadable(self) -> bool:
        """Whether what is stored is no list of documents: it stays as it is."""
        getattr(self.instance, self.field.attname)
        return is_pending(self.instance, self.field)

    @property
    def items(self) -> list[Any]:
        """The embedded documents that the instance has; none if they can't be read."""
        items = getattr(self.instance, self.field.attname)
        return [] if items is None or self.is_unreadable else list(items)

    # What the forms are made of

    def get_queryset(self) -> list[Any]:
        """Return the item of each initial form; a new one where its item is gone."""
        if not hasattr(self, "_queryset"):
            found = self._posted_items() if self.is_bound else self.items
            self._missing = {place for place, item in enumerate(found) if item is None}
            self._queryset = [self.model() if item is None else item for item in found]
            self._number(self._queryset)
        return self._queryset

    def _number(self, items: list[Any]) -> None:
        """Give the items the places by which people know them."""
        key = self.model._meta.pk
        if not getattr(key, "stored", True):
            for place, item in enumerate(items, start=1):
                setattr(item, key.attname, place)

    def _posted_items(self) -> list[Any]:
        """Return the item that each initial form was made of, None where it is gone."""
        items = self.items
        free = dict(enumerate(map(fingerprint, items)))
        found: list[Any] = []
        for index in range(self.initial_form_count()):
            token = self.data.get(f"{self.add_prefix(index)}-{self._token_name}")
            # Others may have changed the order; of two equal items, the one in its old place.
            places = [index, *free]
            place = next((each for each in places if each in free and free[each] == token), None)
            if place is None:
                found.append(None)
            else:
                found.append(items[place])
                del free[place]
        return found

    def initial_form_count(self) -> int:
        if self.save_as_new:
            return 0
        count = super().initial_form_count()
        # A browser may send any number; that of all forms is bounded.
        return max(0, min(count, self.total_form_count())) if self.is_bound else count

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        if i < self.initial_form_count():
            kwargs["instance"] = self.get_queryset()[i]
        # Not the parent's: it looks the item up by a key, which items don't have.
        return super(BaseModelFormSet, self)._construct_form(i, **kwargs)

    @property
    def _token_name(self) -> str:
        key = self.model._meta.pk
        return "_item" if key.editable else key.name

    def add_fields(self, form: Any, index: int | None) -> None:
        """Add the fingerprint, as the field that the inlines' templates always show."""
        name = self._token_name
        form.fields[name] = TokenField(
            fingerprint(form.instance) if index is not None and self._is_initial(index) else None
        )
        # Where a key can't be edited, the templates show `_pk_field`; else, only `fk`.
        shown: Any = forms.Field()
        shown.name = name
        if self.model._meta.pk.editable:
            self.fk = shown
        else:
            self._pk_field = shown
        super(BaseModelFormSet, self).add_fields(form, index)

    def _is_initial(self, index: int) -> bool:
        return index < self.initial_form_count()

    # What comes of them

    def clean(self) -> None:
        """Validate the list as the field does, if the forms are right and change something."""
        super().clean()
        changed = any(form.has_changed() or self._is_deleted(form) for form in self.forms)
        if changed and self.is_unreadable:
            raise ValidationError(self.error_messages["unreadable"], code="unreadable")
        if changed and not any(form.errors for form in self.forms if not self._is_deleted(form)):
            self.field.clean(self._new_list(), self.instance)

    def full_clean(self) -> None:
        super().full_clean()
        if not self.is_bound:
            return
        for place, form in enumerate(self.initial_forms):
            if place in self._missing and self.can_change and not self._is_deleted(form):
                form.add_error(
                    None,
                    ValidationError(
                        self.error_messages["changed_meanwhile"], code="changed_meanwhile"
                    ),
                )
        if not any(self._errors) and not self._non_form_errors and not self.is_unreadable:
            self.assign()

    def assign(self) -> None:
        """Put the list as the forms have it on the instance."""
        items = self._new_list()
        self._number(items)
        setattr(self.instance, self.field.attname, items)

    def _new_list(self) -> list[Any]:
        deleted = {id(form.instance) for form in self.initial_forms if self._is_deleted(form)}
        kept = [item for item in self.items if id(item) not in deleted]
        return kept + self._new_items()

    def _new_items(self) -> list[Any]:
        return [
            form.instance
            for form in self.extra_forms
            if form.has_changed() and not self._is_deleted(form)
        ]

    def _is_deleted(self, form: Any) -> bool:
        return self.can_delete and self._should_delete_form(form)

    def validate_unique(self) -> None:
        """Within a list nothing is unique: indexes know documents, not their items."""

    def save(self, commit: bool = True) -> list[Any]:
        """Note what was done, for the log; it is stored when the instance is saved."""
        self.saved_forms: list[Any] = []
        if not commit:
            self.save_m2m = lambda: None
        initial = [
            form for place, form in enumerate(self.initial_forms) if place not in self._missing
        ]
        self.deleted_objects = [form.instance for form in initial if self._is_deleted(form)]
        self.changed_objects = [
            (form.instance, form.changed_data)
            for form in initial
            if form.has_changed() and not self._is_deleted(form)
        ]
        self.new_objects = self._new_items()
        return [item for item, _ in self.changed_objects] + self.new_objects


class TokenField(forms.CharField):
    """Hidden; says which item its form was made of."""

    widget = forms.HiddenInput

    def __init__(self, token: str | None) -> None:
        super().__init__(initial=token, required=False)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


def fingerprint(item: Any) -> str:
    """Return a text that only this value has, as far as it is stored."""
    # As it was read, for encoding may set fields anew; and without those that are set whenever
    # somebody saves the parent, or else every save would be a change of all its items.
    loaded = getattr(item._state, "loaded", None)
    stored = dict(item._to_bson() if loaded is None else loaded)
    for field in item._meta.concrete_fields:
        if getattr(field, "auto_now", False):
            stored.pop(field.column, None)
    # Keyed, so that it tells nothing about fields that the form doesn't show.
    digest = salted_hmac(
        "mongo_contrib.admin.formsets",
        BSON.encode(stored, codec_options=_CODECS),
        algorithm="sha256",
    )
    return digest.hexdigest()[:20]
