"""Queries of files as documents, turned into those of GridFS's own: no server needed."""

import pytest
from django.db import NotSupportedError

from mongo_contrib.storage.repository import _OURS as OURS
from mongo_contrib.storage.repository import SIZE, check_update, mentions, sized, wanted

OR_LENGTH = {"$set": {SIZE: {"$cond": [OURS, f"${SIZE}", "$length"]}}}


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ({SIZE: 5}, True),
        ({"$and": [{"filename": "a"}, {SIZE: {"$gt": 5}}]}, True),
        ({"$expr": {"$gt": [f"${SIZE}", 5]}}, True),
        ([(SIZE, -1)], True),
        ({"length": 5}, False),
        ({"metadata.sizes": 5}, False),
        (None, False),
    ],
)
def test_whether_the_size_is_asked_for(part, found):
    assert mentions(SIZE, part) is found


def test_what_an_index_serves_comes_before_sizes_are_told():
    asked = [{"$match": {"$and": [{"filename": "a"}, {SIZE: {"$gt": 5}}]}}, {"$limit": 1}]
    assert sized(asked) == [
        {"$match": {"$and": [{"filename": "a"}]}},
        OR_LENGTH,
        {"$match": {"$and": [{SIZE: {"$gt": 5}}]}},
        {"$limit": 1},
    ]
    assert sized([{"$match": {"filename": "a"}}, {"$sort": {SIZE: 1}}]) == [
        {"$match": {"$and": [{"filename": "a"}]}},
        OR_LENGTH,
        {"$sort": {SIZE: 1}},
    ]
    plain = [{"$match": {"filename": "a"}}, {"$limit": 1}]
    assert sized(plain) == plain


def test_projections_have_all_metadata_or_none():
    assert wanted(None) is None
    assert wanted({"filename": 1, "_id": 0}) == {"filename": 1, "_id": 0}
    assert wanted({"metadata.contentType": 1, "metadata": 1}) == {"metadata": 1}
    assert wanted({SIZE: 1}) == {"metadata": 1, "length": 1}


@pytest.mark.parametrize(
    "update",
    [
        {"$set": {"filename": "b"}},
        {"$set": {"metadata": {}}},
        {"$unset": {"metadata.sha256": ""}},
        {"$set": {"metadata.sharedContent.x": 1}},
        {"$rename": {"metadata.album": "metadata.sha256"}},
        [{"$set": {"length": 1}}],
        [{"$unset": ["metadata.blocks"]}],
    ],
)
def test_updates_of_what_is_no_metadata(update):
    with pytest.raises(NotSupportedError, match="metadata"):
        check_update(update)


def test_updates_of_metadata():
    check_update({"$set": {"metadata.album": "Prag", "metadata.contentType": "text/html"}})
    check_update({"$unset": {"metadata.contentType": ""}})
    check_update([{"$set": {"metadata.year": {"$add": ["$metadata.year", 1]}}}])
