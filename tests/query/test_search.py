"""Searches of text and vectors: the MQL they become, and what servers without them are told."""

import pytest
from django.core.exceptions import FieldError, ValidationError
from django.db import NotSupportedError, connection, models
from django.db.models import Q

from mongo_contrib.documents import SearchIndex, VectorSearchIndex
from mongo_contrib.documents.schema import collection_specs
from mongo_contrib.query.expressions import Scope
from mongo_contrib.query.stages import annotated_stages
from tests.testapp.models import Article, Order


def stages(queryset):
    return annotated_stages(queryset.query, Scope(queryset.model, "default"))


SCORE = {"$set": {"__annotated": {"score": "$__annotated.score"}}}


def measured(meta):
    return {"$set": {"__annotated.score": {"$meta": meta}}}


# Text


def test_text_is_searched_first_and_sorted_by_score():
    found = Article.objects.filter(kind="news").text_search(
        "to be", language="none", case_sensitive=True, diacritic_sensitive=True
    )
    text = {
        "$search": "to be",
        "$language": "none",
        "$caseSensitive": True,
        "$diacriticSensitive": True,
    }
    assert stages(found[2:5]) == [
        {"$match": {"$text": text, "kind": "news"}},
        measured("textScore"),
        SCORE,
        {"$sort": {"__annotated.score": -1}},
        {"$skip": 2},
        {"$limit": 3},
    ]


def test_another_order_and_name_can_be_chosen():
    found = Article.objects.text_search("x", score="fit").order_by("title")
    assert stages(found)[-2:] == [
        {"$sort": {"headline": 1}},
        {"$set": {"__annotated": {"fit": "$__annotated.fit"}}},
    ]
    ordered = Article.objects.order_by("kind").text_search("x")
    assert {"$sort": {"kind": 1}} in stages(ordered)


def test_a_score_narrows_after_it_was_measured():
    found = Article.objects.text_search("x").filter(score__gt=1.5)
    assert stages(found)[:3] == [
        {"$match": {"$text": {"$search": "x"}}},
        measured("textScore"),
        {"$match": {"__annotated.score": {"$gt": 1.5}}},
    ]


def test_text_counts_and_writes_as_a_condition():
    found = Article.objects.filter(kind="news").text_search("x")
    expected = {"kind": "news", "$text": {"$search": "x"}}
    assert found.query.find_options("default", sort=False) == {"filter": expected}
    assert found.query.condition("default") == expected


@pytest.mark.needs("text_index")
@pytest.mark.django_db
def test_text_is_found_where_servers_can():
    Article.objects.collection.create_index([("headline", "text"), ("body", "text")])
    for title in ("coffee", "coffee coffee", "tea"):
        Article.objects.create(title=title, body="A drink.")
    found = Article.objects.text_search("coffee")
    assert [article.title for article in found] == ["coffee coffee", "coffee"]
    assert found[0].score > found[1].score > 0
    assert found.count() == 2 and found.filter(title="coffee").get().score > 0
    assert found.update(kind="hot") == 2


@pytest.mark.django_db
def test_a_server_without_text_search_says_what_to_use():
    Article.objects.create(title="x")
    if connection.features.has("text_index"):
        with pytest.raises(Exception, match=r"TextIndex\(fields"):
            list(Article.objects.text_search("x"))
        return
    for ask in (list, lambda found: found.count(), lambda found: found.exists()):
        with pytest.raises(NotSupportedError, match="icontains"):
            ask(Article.objects.text_search("x"))


# Search indexes


def test_words_are_searched_in_fields():
    found = Article.objects.filter(kind="news").search("coffe", "title", "body", fuzzy=True)
    text = {"query": "coffe", "path": ["headline", "body"], "fuzzy": {}}
    assert stages(found[:10]) == [
        {"$search": {"index": "default", "text": text}},
        measured("searchScore"),
        {"$match": {"kind": "news"}},
        {"$limit": 10},
        SCORE,
    ]
    everywhere = stages(Article.objects.search("x", index="other"))[0]["$search"]
    assert everywhere == {"index": "other", "text": {"query": "x", "path": {"wildcard": "*"}}}
    one = stages(Article.objects.search("x", "author__views", fuzzy={"maxEdits": 1}))
    assert one[0]["$search"]["text"] == {
        "query": "x",
        "path": "author.views",
        "fuzzy": {"maxEdits": 1},
    }


def test_an_operator_is_taken_as_it_is():
    phrase = {"phrase": {"query": "to be", "path": "body"}}
    assert stages(Article.objects.search(phrase))[0] == {"$search": {"index": "default", **phrase}}


def test_vectors_are_searched_by_their_index():
    found = Article.objects.filter(title="x").vector_search(
        "vector", [1, 0.5, 0], limit=5, filter=Q(kind="news") | Q(kind__in=["x"])
    )
    assert stages(found) == [
        {
            "$vectorSearch": {
                "index": "vector_vector",
                "path": "vector",
                "queryVector": [1, 0.5, 0],
                "limit": 5,
                "numCandidates": 100,
                "filter": {"$or": [{"kind": "news"}, {"kind": {"$in": ["x"]}}]},
            }
        },
        measured("vectorSearchScore"),
        {"$match": {"headline": "x"}},
        SCORE,
    ]
    exact = stages(Article.objects.vector_search("vector", (1.0,), exact=True, index="v"))
    assert exact[0]["$vectorSearch"] == {
        "index": "v",
        "path": "vector",
        "queryVector": [1.0],
        "limit": 10,
        "exact": True,
    }


@pytest.mark.django_db
def test_a_server_without_search_indexes_says_what_to_use():
    Article.objects.create(title="x")
    if connection.features.has("search_index"):
        pytest.skip("this server has search indexes")
    for found in (Article.objects.search("x"), Article.objects.vector_search("vector", [1.0])):
        for ask in (list, lambda found: found.count(), lambda found: found.exists()):
            with pytest.raises(NotSupportedError, match="text_search"):
                ask(found)
        with pytest.raises(NotSupportedError, match="keys"):
            found.update(kind="x")
        with pytest.raises(NotSupportedError, match="keys"):
            found.delete()


@pytest.mark.parametrize(
    ("search", "error", "told"),
    [
        (lambda: Article.objects.text_search({"$gt": ""}), TypeError, "words"),
        (lambda: Article.objects.text_search("x", score="kind"), ValueError, "another name"),
        (lambda: Article.objects.search("x", "bogus"), FieldError, "bogus"),
        (lambda: Article.objects.search(5), TypeError, "words"),
        (lambda: Article.objects.search({"text": {}}, "title"), TypeError, "words"),
        (lambda: Article.objects.vector_search("bogus", [1.0]), FieldError, "bogus"),
        (lambda: Order.objects.vector_search("scores", [1.0]), FieldError, "VectorSearchIndex"),
        (lambda: Article.objects.vector_search("vector", []), TypeError, "list of numbers"),
        (lambda: Article.objects.vector_search("vector", "1,2"), TypeError, "list of numbers"),
        (lambda: Article.objects.vector_search("vector", [{"$gt": 1}]), TypeError, "gt"),
        (lambda: Article.objects.vector_search("vector", [float("nan")]), ValueError, "finite"),
        (lambda: Article.objects.vector_search("vector", [1.0], limit=0), ValueError, "limit"),
        (
            lambda: Article.objects.vector_search("vector", [1.0], candidates=3),
            ValueError,
            "candidates",
        ),
        (
            lambda: Article.objects.vector_search("vector", [1.0], filter=Q(kind={"$gt": ""})),
            ValidationError,
            "kind",
        ),
        (lambda: Article.objects.text_search("x").search("y"), TypeError, "twice"),
        (lambda: Article.objects.all()[:1].search("y"), TypeError, "slice"),
        (lambda: Article.objects.pipeline([{"$limit": 1}]).search("y"), TypeError, "pipeline"),
    ],
)
def test_wrong_searches_are_refused(search, error, told):
    with pytest.raises(error, match=told):
        search()


# Their indexes


def test_what_indexes_are_made_of():
    text, vector = Article._meta.indexes
    assert (text.name, text.search_definition(Article)) == (
        "default",
        {
            "mappings": {
                "dynamic": False,
                "fields": {"headline": {"type": "string"}, "body": {"type": "string"}},
            }
        },
    )
    assert (vector.name, vector.search_definition(Article)) == (
        "vector_vector",
        {
            "fields": [
                {"type": "vector", "path": "vector", "numDimensions": 3, "similarity": "cosine"},
                {"type": "filter", "path": "kind"},
            ]
        },
    )
    nested = SearchIndex(fields=["author__views"], analyzer="lucene.german")
    assert nested.search_definition(Article) == {
        "mappings": {
            "dynamic": False,
            "fields": {
                "author": {
                    "type": "document",
                    "dynamic": False,
                    "fields": {"views": {"type": "string"}},
                }
            },
        },
        "analyzer": "lucene.german",
    }
    assert SearchIndex().search_definition(Article) == {"mappings": {"dynamic": True}}
    own = {"dynamic": True, "fields": {"x": {"type": "token"}}}
    assert SearchIndex(mappings=own).search_definition(Article) == {"mappings": own}


def test_migrate_knows_them():
    (spec,) = [each for each in collection_specs("default") if each.name == "testapp_article"]
    assert [(index.name, index.type) for index in spec.search_indexes] == [
        ("default", "search"),
        ("vector_vector", "vectorSearch"),
    ]


@pytest.mark.parametrize(
    "index",
    [
        SearchIndex(name="s", fields=["title"], analyzer="lucene.german"),
        VectorSearchIndex(
            "vector", dimensions=3, similarity="euclidean", quantization="scalar", filters=["kind"]
        ),
    ],
)
def test_indexes_are_copied_as_djangos_are(index):
    assert index.clone().search_definition(Article) == index.search_definition(Article)
    assert index.clone() == index and "name=" in repr(index)
    assert isinstance(index, models.Index)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: SearchIndex(fields=["x"], mappings={"dynamic": True}), "not both"),
        (lambda: VectorSearchIndex("v", dimensions=0), "dimensions"),
        (lambda: VectorSearchIndex("v", dimensions=2, similarity="near"), "cosine"),
        (lambda: VectorSearchIndex("v", dimensions=2, quantization="x"), "scalar"),
    ],
)
def test_wrong_indexes_are_refused(make, told):
    with pytest.raises(ValueError, match=told):
        make()


def test_an_index_of_an_unknown_field_is_told():
    with pytest.raises(FieldError, match="bogus"):
        SearchIndex(fields=["bogus"]).search_definition(Article)
