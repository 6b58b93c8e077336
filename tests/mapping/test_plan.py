"""Documents of classes and fields that want to be asked are loaded as Django loads rows."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import models
from django.test.utils import isolate_apps

from mongo_contrib.documents import Document, EmbeddedDocument, EmbeddedDocumentField
from mongo_contrib.mapping.plan import plan_of

pytestmark = pytest.mark.django_db


class Shouting:
    """A descriptor that does more than to keep the value."""

    def __init__(self, field):
        self.field = field

    def __get__(self, instance, owner=None):
        return self if instance is None else instance.__dict__[self.field.attname]

    def __set__(self, instance, value):
        instance.__dict__[self.field.attname] = value.upper()


class ShoutingField(models.CharField):
    descriptor_class = Shouting


class WordsField(models.TextField):
    """A list to Python, text to the database."""

    def get_prep_value(self, value):
        return None if value is None else " ".join(value)

    def from_db_value(self, value, expression, connection):
        return value.split()


class AnyField(models.Field):
    """A field that knows nothing of this package."""

    def get_internal_type(self):
        return "AnyField"


@isolate_apps("tests.testapp")
def test_descriptors_of_fields_see_what_is_loaded():
    class Speech(Document):
        text = ShoutingField(max_length=20)

        class Meta:
            app_label = "testapp"

    speech = plan_of(Speech).hydrate({"_id": 1, "text": "hear"}, "default")
    assert speech.text == "HEAR"


@isolate_apps("tests.testapp")
def test_from_db_of_a_class_is_called():
    class Watched(Document):
        name = models.CharField(max_length=20)
        other = models.CharField(max_length=20)

        @classmethod
        def from_db(cls, db, field_names, values):
            instance = super().from_db(db, field_names, values)
            instance.seen = (db, dict(zip(field_names, values, strict=True)))
            return instance

        class Meta:
            app_label = "testapp"

    watched = plan_of(Watched).hydrate({"_id": 1, "name": "x", "other": "y"}, "default")
    assert watched.seen == ("default", {"id": 1, "name": "x", "other": "y"})
    watched = plan_of(Watched).partial(["_id", "name"]).hydrate({"_id": 1, "name": "x"}, "other")
    assert watched.seen == ("other", {"id": 1, "name": "x"})
    assert watched.get_deferred_fields() == {"other"}


@isolate_apps("tests.testapp")
def test_setattr_of_a_class_is_called():
    class Careful(Document):
        name = models.CharField(max_length=20)

        def __setattr__(self, name, value):
            super().__setattr__(name, f"<{value}>" if name == "name" else value)

        class Meta:
            app_label = "testapp"

    assert plan_of(Careful).hydrate({"_id": 1, "name": "x"}, "default").name == "<x>"


@isolate_apps("tests.testapp")
def test_an_embedded_class_with_an_init_of_its_own_has_all_its_attributes():
    class Part(EmbeddedDocument):
        name = models.CharField(max_length=20)

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.made = True

        class Meta:
            app_label = "testapp"

    part = plan_of(Part).hydrate({"name": "x"}, None)
    assert (part.name, part.pk, part.made) == ("x", None, True)


@isolate_apps("tests.testapp")
def test_somebodys_own_preparation_of_values_is_heard_first():
    class Text(Document):
        words = WordsField(default=list)

        class Meta:
            app_label = "testapp"

    text = Text.objects.create(words=["a", "b"])
    assert Text.objects.collection.find_one({"_id": text.pk})["words"] == "a b"
    assert Text.objects.get(words=["a", "b"]).words == ["a", "b"]


@isolate_apps("tests.testapp")
def test_a_preparation_can_not_make_a_container_of_text():
    class Odd(models.CharField):
        def get_prep_value(self, value):
            return value

    class Odder(Document):
        text = Odd(max_length=20)

        class Meta:
            app_label = "testapp"

    with pytest.raises(ValidationError, match="single value"):
        Odder.objects.filter(text={"$ne": None})


@isolate_apps("tests.testapp")
def test_changes_inside_of_values_of_unknown_fields_are_seen():
    class Holder(Document):
        bag = AnyField(null=True)

        class Meta:
            app_label = "testapp"

    holder = Holder.objects.create(bag={"a": [1]})
    holder.bag["a"].append(2)
    holder.save()
    holder = Holder.objects.get(pk=holder.pk)
    assert holder.bag == {"a": [1, 2]}
    holder.bag["a"].append(3)
    holder.save()
    assert Holder.objects.get(pk=holder.pk).bag == {"a": [1, 2, 3]}


@isolate_apps("tests.testapp")
def test_a_projection_knows_nothing_of_what_it_leaves_out():
    class Part(EmbeddedDocument):
        name = models.CharField(max_length=20)

        class Meta:
            app_label = "testapp"

    class Whole(Document):
        part = EmbeddedDocumentField(Part, null=True)
        name = models.CharField(max_length=20)

        class Meta:
            app_label = "testapp"

    whole = plan_of(Whole).partial(["_id", "name"]).hydrate({"_id": 1, "name": "x"}, "default")
    assert whole._state.loaded == {"_id": 1, "name": "x", "part": ...}


@isolate_apps("tests.testapp")
def test_what_a_field_prepares_for_databases_is_what_is_stored():
    class Secret(models.TextField):
        def get_db_prep_save(self, value, connection):
            value = super().get_db_prep_save(value, connection)
            return None if value is None else value[::-1]

        def from_db_value(self, value, expression, connection):
            return value[::-1]

    class Safe(Document):
        word = Secret()

        class Meta:
            app_label = "testapp"

    safe = Safe.objects.create(word="abc")
    assert Safe.objects.collection.find_one({"_id": safe.pk})["word"] == "cba"
    assert Safe.objects.get(pk=safe.pk).word == "abc"
