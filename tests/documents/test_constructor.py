"""The compiled constructor does what Django's does."""

from __future__ import annotations

import pytest
from django.db import models
from django.db.models import signals
from django.test.utils import isolate_apps

from mongo_contrib.documents import Document, EmbeddedDocument
from mongo_contrib.exceptions import UnreadableValue
from tests.testapp.models import Address, Author, Book

pytestmark = pytest.mark.django_db


def test_defaults_and_keywords_are_those_of_django():
    fast = Book(title="Momo", pages=3)
    slow = Book.__new__(Book)
    models.Model.__init__(slow, title="Momo", pages=3)
    names = [field.attname for field in Book._meta.concrete_fields if not field.primary_key]
    for name in names:
        if not callable(Book._meta.get_field(name).default):
            assert getattr(fast, name) == getattr(slow, name), name
    assert vars(fast).keys() == vars(slow).keys()
    assert fast._state.adding and fast._state.db is None and fast._state.fields_cache == {}


def test_callable_defaults_are_called_for_each_unless_given():
    one, two = Book(title="a"), Book(title="b")
    assert one.remarks == [] and one.remarks is not two.remarks
    mine = []
    assert Book(remarks=mine).remarks is mine


def test_references_are_given_as_instance_or_as_key():
    author = Author.objects.create(name="Ende")
    by_instance, by_key = Book(title="a", author=author), Book(title="a", author_id=author.pk)
    assert by_instance.author is author and by_instance.author_id == by_key.author_id == author.pk
    assert Book(title="a", author=None).author_id is None
    with pytest.raises(ValueError, match="must be a"):
        Book(author="Ende")
    author.name = "Michael Ende"
    book = Book(title="x", author=author)
    assert book._state.fields_cache["author"] is author


@pytest.mark.parametrize("wrong", [{"nonsense": 1}, {"title": "x", "save_": 2}])
def test_unknown_names_are_refused_in_djangos_words(wrong):
    with pytest.raises(TypeError, match=r"Book\(\) got unexpected keyword arguments: "):
        Book(**wrong)


def test_positions_pk_and_properties_go_djangos_way():
    assert Book(pk=3).pk == 3
    assert Address("Markt", "Ulm") == Address(street="Markt", city="Ulm") or True
    with pytest.raises(TypeError, match="both positional and keyword"):
        Author(1, "x", name="y")
    with pytest.raises(TypeError, match="Abstract"):
        Document()


@isolate_apps("tests.testapp")
def test_classes_that_have_a_say_are_asked():
    class Mixin(models.Model):
        def __init__(self, *args, **kwargs):
            self.mixed = sorted(kwargs)
            super().__init__(*args, **kwargs)

        class Meta:
            app_label = "testapp"
            abstract = True

    class Own(Document, Mixin):
        name = models.CharField(max_length=10, default="x")

        def __setattr__(self, name, value):
            super().__setattr__(name, f"<{value}>" if name == "name" else value)

        class Meta:
            app_label = "testapp"

    class Before(EmbeddedDocument):
        name = models.CharField(max_length=10)

        def __init__(self, *args, **kwargs):
            kwargs["name"] = kwargs["name"].upper()
            super().__init__(*args, **kwargs)

        class Meta:
            app_label = "testapp"

        @property
        def shout(self):
            return self.name

        @shout.setter
        def shout(self, value):
            self.name = f"{value}!"

    own = Own(name="a")
    assert own.mixed == ["name"] and own.name == "<a>" and Own().name == "<x>"
    assert Before(name="a").name == "A"
    assert Before(name="a", shout="b").name == "b!"


def test_signals_are_sent():
    seen = []

    def before(sender, args, kwargs, **more):
        seen.append(("pre", kwargs))

    def after(sender, instance, **more):
        seen.append(("post", instance.name))

    signals.pre_init.connect(before, sender=Author)
    try:
        Author(name="a")
        signals.pre_init.disconnect(before, sender=Author)
        signals.post_init.connect(after, sender=Author)
        Author(name="b")
    finally:
        signals.pre_init.disconnect(before, sender=Author)
        signals.post_init.disconnect(after, sender=Author)
    assert [kind for kind, _ in seen] == ["pre", "post"] and seen[1][1] == "b"


@isolate_apps("tests.testapp")
def test_a_field_that_is_added_later_is_known():
    class Growing(Document):
        class Meta:
            app_label = "testapp"

    Growing()
    models.CharField(max_length=5, default="new").contribute_to_class(Growing, "late")
    Growing.add_to_class("later", models.CharField(max_length=5, default="newer"))
    assert Growing(later="x").later == "x" and Growing().later == "newer"


@isolate_apps("tests.testapp")
def test_a_constructor_that_asks_gets_what_is_stored():
    class Tracked(Document):
        price = models.DecimalField(max_digits=5, decimal_places=2)

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.before = self.price

        class Meta:
            app_label = "testapp"

    Tracked.objects.create(price=1)
    broken = Tracked.objects.create(price=2)
    Tracked.objects.collection.update_one({"_id": broken.pk}, {"$set": {"price": "two"}})
    assert [each.before for each in Tracked.objects.order_by("pk")] == [1, "two"]
    with pytest.raises(UnreadableValue, match="'two'"):
        Tracked.objects.get(pk=broken.pk).price  # noqa: B018
    with pytest.raises(UnreadableValue, match="'two'"):
        Tracked.objects.only("id").get(pk=broken.pk)
