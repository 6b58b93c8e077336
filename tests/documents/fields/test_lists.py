"""ListField's bounds and nesting, SortedListField, lists of embedded documents in order."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import DataError, models
from django.forms import modelform_factory
from django.test.utils import isolate_apps

from mongo_contrib.documents import Document, EmbeddedDocumentField, ListField, SortedListField
from mongo_contrib.test import CaptureCommands
from tests.testapp.models import Player, Ranking


def stored(document):
    return type(document).objects.collection.find_one({"_id": document.pk})


def test_the_default_is_an_empty_list_unless_null_is_allowed():
    ranking = Ranking()
    assert ranking.matrix == [] and ranking.numbers == []
    assert ranking.few is None
    assert ListField(models.IntegerField(), default=None).get_default() is None


@pytest.mark.django_db
def test_empty_and_none_are_told_apart():
    none, empty = Ranking.objects.create(few=None), Ranking.objects.create(few=[])
    assert "few" not in stored(none)
    assert stored(empty)["few"] == []
    assert Ranking.objects.get(few__isnull=True) == none
    assert Ranking.objects.get(few__len=0) == empty
    assert (Ranking.objects.get(pk=none.pk).few, Ranking.objects.get(pk=empty.pk).few) == (
        None,
        [],
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"few": [1]}, {"few": ["Has 1 elements; there must be at least 2."]}),
        ({"few": [1, 2, 3, 4]}, {"few": ["Has 4 elements; there may be 3 at most."]}),
        (
            {"players": [Player(name="x")] * 4},
            {"players": ["Has 4 elements; there may be 3 at most."]},
        ),
    ],
)
def test_lists_have_bounds(values, message):
    with pytest.raises(ValidationError) as caught:
        Ranking(**values).full_clean(validate_unique=False)
    assert caught.value.message_dict == message


@pytest.mark.parametrize("few", [None, [], [1, 2], [1, 2, 3]])
def test_what_lies_within_the_bounds_is_valid(few):
    Ranking(few=few).full_clean(validate_unique=False)


def test_the_form_knows_the_bounds():
    field = Ranking._meta.get_field("few").formfield()
    assert field.clean("1\n2") == [1, 2]
    assert field.clean("") == []
    with pytest.raises(ValidationError, match=r"at least 2"):
        field.clean("1")
    with pytest.raises(ValidationError, match=r"3 at most"):
        field.clean("1\n2\n3\n4")


@pytest.mark.django_db
def test_lists_in_lists_are_edited_as_text():
    Form = modelform_factory(Ranking, fields=["matrix"])
    form = Form({"matrix": "[[1, 2], [3]]"})
    ranking = form.save()
    assert Ranking.objects.get().matrix == [[1, 2], [3]]
    assert Form(instance=ranking)["matrix"].value() == "[[1, 2], [3]]"
    assert Form({"matrix": '[[1, "x"]]'}).errors == {
        "matrix": ["Item 1: Item 2: “x” value must be an integer."]
    }


def test_a_save_without_validation_names_the_position():
    with pytest.raises(ValueError, match=r"Item 2: Item 1: .*'x'"):
        Ranking._meta.get_field("matrix").to_bson([[1], ["x"]])
    with pytest.raises(DataError, match=r"Item 1: .* 64-bit"):
        Ranking._meta.get_field("few").to_bson([2**64])


@pytest.mark.django_db
def test_sorted_lists_are_stored_in_order():
    ranking = Ranking.objects.create(
        numbers=[3, None, 1, 2],
        best=[1.0, 3.0, 2.0],
        events=[{"at": {"year": 2}}, {"x": 1}, {"at": {"year": 1}}],
        players=[Player(name="a", points=1), {"name": "b", "points": 5}],
    )
    # The instance has what is stored.
    assert ranking.numbers == [None, 1, 2, 3]
    assert [player.name for player in ranking.players] == ["b", "a"]
    document = stored(ranking)
    assert document["numbers"] == [None, 1, 2, 3]
    assert document["best"] == [3.0, 2.0, 1.0]
    assert document["events"] == [{"x": 1}, {"at": {"year": 1}}, {"at": {"year": 2}}]
    assert [each["points"] for each in document["players"]] == [5, 1]
    read = Ranking.objects.get()
    with CaptureCommands() as sent:
        read.save()
        ranking.save()
    assert not len(sent)
    read.numbers.append(0)
    read.players[1].points = 9
    read.save()
    assert stored(ranking)["numbers"] == [None, 0, 1, 2, 3]
    assert [each["points"] for each in stored(ranking)["players"]] == [9, 5]


@pytest.mark.django_db
def test_updates_and_lookups_of_sorted_lists_are_sorted_too():
    ranking = Ranking.objects.create()
    Ranking.objects.update(numbers=[2, 1])
    assert stored(ranking)["numbers"] == [1, 2]
    assert Ranking.objects.get(numbers=[2, 1]) == ranking
    assert Ranking.objects.get(numbers__contains=[2]) == ranking


def test_what_cannot_be_compared_is_told():
    field = Ranking._meta.get_field("events")
    with pytest.raises(ValidationError, match=r"“events” can't be sorted: '<' not supported"):
        field.to_bson([{"at": {"year": 1}}, {"at": {"year": "x"}}])


def test_fields_can_be_cloned_and_rebuilt():
    for name in ("few", "numbers", "best", "events", "players"):
        field = Ranking._meta.get_field(name)
        assert field.clone().deconstruct()[3] == field.deconstruct()[3]


@isolate_apps("tests.testapp")
@pytest.mark.parametrize("kind", [ListField, SortedListField])
def test_a_list_of_embedded_documents_has_a_field_of_its_own(kind):
    class Wrong(Document):
        players = kind(EmbeddedDocumentField(Player))

        class Meta:
            app_label = "testapp"

    (error,) = [each for each in Wrong.check() if each.id == "mongo_contrib.E050"]
    assert "EmbeddedDocumentListField" in error.hint
