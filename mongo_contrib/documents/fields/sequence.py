"""Numbers that count up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.core import checks
from django.db import models, router
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from ...bridge import native
from ...repository import Repository
from ..sequences import Sequence


class SequenceField(models.BigIntegerField):
    """A number of its own for each document, given when it is first saved without one.

    Counts 1, 2, 3, or from `start` by `step`. Each collection's field has a counter of its own,
    unless several share one by `sequence_name`. Numbers are given once; those of saves that
    failed are not given again, so there are gaps. `format` makes a text of the number: a format
    string such as `"INV-{:05d}"`, or a function.
    """

    description = _("Sequence number")

    def __init__(
        self,
        *args: Any,
        sequence_name: str | None = None,
        start: int = 1,
        step: int = 1,
        format: str | Callable[[int], str] | None = None,
        **kwargs: Any,
    ) -> None:
        self.sequence_name = sequence_name
        self.start = start
        self.step = step
        self.format = format
        kwargs = {"editable": False, "blank": True, **kwargs}
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        if self.sequence_name is not None:
            kwargs["sequence_name"] = self.sequence_name
        if self.start != 1:
            kwargs["start"] = self.start
        if self.step != 1:
            kwargs["step"] = self.step
        if self.format is not None:
            kwargs["format"] = self.format
        return name, path, args, kwargs

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        errors = super().check(**kwargs)
        if type(self.start) is not int or type(self.step) is not int or self.step < 1:
            errors.append(
                checks.Error(
                    f"A SequenceField counts from a whole number upward, not from {self.start!r} "
                    f"by {self.step!r}.",
                    hint="start= is an int, step= an int above zero.",
                    obj=self,
                    id="mongo_contrib.E052",
                )
            )
        return errors

    def get_internal_type(self) -> str:
        return "BigIntegerField" if self.format is None else "CharField"

    # Values: a text where there is a format

    @cached_property
    def validators(self) -> list[Any]:
        if self.format is None:
            return super().validators
        return [*self.default_validators, *self._validators]

    def to_python(self, value: Any) -> Any:
        if self.format is None:
            return super().to_python(value)
        return None if value is None else str(value)

    def get_prep_value(self, value: Any) -> Any:
        if self.format is None:
            return super().get_prep_value(value)
        return self.to_python(models.Field.get_prep_value(self, value))

    def formfield(self, **kwargs: Any) -> Any:
        if self.format is None:
            return super().formfield(**kwargs)
        return models.Field.formfield(self, **{"form_class": forms.CharField, **kwargs})

    # Giving numbers

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = super().pre_save(model_instance, add)
        if value is None:
            value = self.next_value(_alias(model_instance))
            setattr(model_instance, self.attname, value)
        return value

    def get_pk_value_on_save(self, instance: models.Model) -> Any:
        return self.next_value(_alias(instance))

    def prepare_many(self, instances: Iterable[models.Model], using: str) -> None:
        """Give numbers to all instances that have none, by one command."""
        without = [each for each in instances if getattr(each, self.attname) is None]
        if without:
            for each, value in zip(without, self.next_values(len(without), using), strict=True):
                setattr(each, self.attname, value)

    def sequence(self, using: str | None = None) -> Sequence:
        """Return the counter, by default on the alias that documents of the class live on."""
        meta = self.model._meta
        return Sequence(
            self.sequence_name or f"{meta.db_table}.{self.column}",
            using=using or _alias(self.model),
            start=self.start,
            step=self.step,
        )

    def next_value(self, using: str | None = None) -> Any:
        """Take the next number and return it, formatted."""
        return self.next_values(1, using)[0]

    async def anext_value(self, using: str | None = None) -> Any:
        """See next_value()."""
        return await native(self.next_value, using)

    def next_values(self, count: int, using: str | None = None) -> list[Any]:
        """Take the next `count` numbers by one command and return them, formatted."""
        return [self.formatted(number) for number in self.sequence(using).take(count)]

    async def anext_values(self, count: int, using: str | None = None) -> list[Any]:
        """See next_values()."""
        return await native(self.next_values, count, using)

    def peek(self, using: str | None = None) -> Any:
        """Return what is given next, unless somebody is faster."""
        return self.formatted(self.sequence(using).peek())

    async def apeek(self, using: str | None = None) -> Any:
        """See peek()."""
        return await native(self.peek, using)

    def set_next(self, number: int, using: str | None = None) -> None:
        """Let `number` be given next."""
        self.sequence(using).set_next(number)

    async def aset_next(self, number: int, using: str | None = None) -> None:
        """See set_next()."""
        await native(self.set_next, number, using)

    def catch_up(self, using: str | None = None) -> None:
        """Let no number be given that is stored already, as after loading fixtures.

        Formatted numbers can't be read back: say `set_next()` for those.
        """
        if self.format is not None or getattr(self.model, "_is_embedded", False):
            return
        alias = using or _alias(self.model)
        found = Repository(self.model._meta.db_table, using=alias).find_one(
            {self.column: {"$type": "number"}}, {self.column: 1}, sort=[(self.column, -1)]
        )
        if found is not None:
            self.sequence(alias).leave_behind(int(found[self.column]))

    async def acatch_up(self, using: str | None = None) -> None:
        """See catch_up()."""
        await native(self.catch_up, using)

    def formatted(self, number: int) -> Any:
        """Return what is stored for a number."""
        if self.format is None:
            return number
        return self.format.format(number) if isinstance(self.format, str) else self.format(number)


def _alias(document: Any) -> str:
    """Return the alias that holds a document, or the documents of a class."""
    if isinstance(document, models.Model):
        return router.db_for_write(type(document), instance=document)
    return router.db_for_write(document)
