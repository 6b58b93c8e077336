"""References where several classes share a collection, or a place in a document."""

from __future__ import annotations

import pytest
from django.db import models, transaction
from django.test.utils import isolate_apps

from mongo_contrib.documents import (
    PULL,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentListField,
    ReferenceListField,
    fetch,
)
from tests.testapp.models import RefBook, RefPerson

pytestmark = pytest.mark.django_db


@isolate_apps("tests.testapp")
def test_classes_that_share_a_collection(assert_num_commands):
    class Topic(Document):
        name = models.CharField(max_length=20)

        class Meta:
            app_label = "testapp"

    class Work(Document):
        topics = ReferenceListField(Topic, related_name="works")

        class Meta:
            app_label = "testapp"
            allow_inheritance = True

    class Film(Work):
        locations = ReferenceListField(Topic, related_name="films")

        class Meta:
            app_label = "testapp"

    art, sea = (Topic.objects.create(name=name) for name in ("art", "sea"))
    work = Work.objects.create(topics=[art, sea])
    film = Film.objects.create(topics=[sea], locations=[sea, art])
    assert set(sea.works.all()) == {work, film}
    assert set(sea.films.all()) == {film}
    film.topics.add(art)
    assert Film.objects.get().topics_id == [sea.pk, art.pk]
    with assert_num_commands(2):
        found = {
            type(each): [topic.name for topic in each.topics.all()]
            for each in Work.objects.prefetch_related("topics")
        }
    assert found == {Work: ["art", "sea"], Film: ["sea", "art"]}
    with assert_num_commands(3):
        both = list(Work.objects.all())
        fetch(both, "topics", "locations")
        assert sum(len(each.locations.all()) for each in both if isinstance(each, Film)) == 2
    sea.delete()
    film, work = Film.objects.get(), Work.objects.get(pk=work.pk)
    assert (work.topics_id, film.topics_id, film.locations_id) == ([art.pk], [art.pk], [art.pk])


@isolate_apps("tests.testapp")
def test_classes_that_share_a_place(assert_num_commands):
    class Image(Document):
        name = models.CharField(max_length=20)

        class Meta:
            app_label = "testapp"

    class Block(EmbeddedDocument):
        class Meta:
            app_label = "testapp"
            allow_inheritance = True

    class Picture(Block):
        image = models.ForeignKey(Image, PULL, related_name="+")

        class Meta:
            app_label = "testapp"

    class Gallery(Block):
        images = ReferenceListField(Image, related_name="+")

        class Meta:
            app_label = "testapp"

    class Page(Document):
        blocks = EmbeddedDocumentListField(Block)

        class Meta:
            app_label = "testapp"

    # Made last: it is found among its relatives all the same.
    class Poster(Block):
        cover = models.ForeignKey(Image, models.SET_NULL, null=True, related_name="+")

        class Meta:
            app_label = "testapp"

    one, two = (Image.objects.create(name=name) for name in "12")
    page = Page.objects.create(
        blocks=[
            Picture(image=one),
            Gallery(images=[one, two]),
            Picture(image=two),
            Poster(cover=one),
        ]
    )
    with assert_num_commands(4):
        found = Page.objects.prefetch_related(
            "blocks__image", "blocks__images", "blocks__cover"
        ).get()
        assert found.blocks[0].image.name == "1"
        assert [each.name for each in found.blocks[1].images.all()] == ["1", "2"]
        assert found.blocks[3].cover.name == "1"
    assert Page.objects.get(blocks__image=two) == page
    one.delete()
    blocks = Page.objects.get().blocks
    assert [type(each) for each in blocks] == [Gallery, Picture, Poster]
    assert blocks[0].images_id == [two.pk] and blocks[1].image == two
    assert blocks[2].cover is None


@pytest.mark.needs("transactions")
def test_what_is_rolled_back_is_not_taken_for_stored():
    person = RefPerson.objects.create(name="Ann")
    book = RefBook.objects.create(title="x")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        book.authors.add(person)
        1 / 0  # noqa: B018
    assert RefBook.objects.get().authors_id == []
    book.save()
    assert RefBook.objects.get().authors_id == [person.pk]


@pytest.mark.django_db(transaction=True)
async def test_the_managers_have_native_twins():
    book = await RefBook.objects.acreate(title="x")
    ann = await book.authors.acreate(name="Ann")
    ben, created = await book.authors.aget_or_create(name="Ben")
    assert created
    await book.authors.aset([ben, ann])
    assert [each.name async for each in book.authors.all()] == ["Ben", "Ann"]
    await book.authors.aremove(ben)
    await ben.refbook_set.aadd(book)
    assert await ben.refbook_set.acount() == 1
    assert (await ben.refbook_set.acreate(title="y")).authors_id == [ben.pk]
    await ben.refbook_set.aclear()
    await ann.adelete()
    found = await RefBook.objects.aget(title="x")
    assert found.authors_id == [] and await found.authors.adangling() == []
    async for each in RefBook.objects.prefetch_related("authors"):
        assert list(each.authors.all()) == []
