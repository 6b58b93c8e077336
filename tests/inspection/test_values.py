import datetime
from uuid import uuid4

from bson import Decimal128, Int64, ObjectId, Regex

from mongo_contrib.inspection.families import observe as observed
from mongo_contrib.inspection.values import KEPT, Values

DAY = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def of(*values):
    seen = Values()
    for value in values:
        seen.add(value)
    return seen


def test_types_are_named_as_the_server_names_them():
    values = of(True, 1, Int64(2), 1.5, "a", ObjectId(), uuid4(), DAY, Regex("a"), None, {}, [])
    assert values.types == {
        "bool": 1,
        "int": 2,
        "double": 1,
        "string": 1,
        "objectId": 1,
        "uuid": 1,
        "date": 1,
        "regex": 1,
        "null": 1,
        "object": 1,
        "array": 1,
    }
    assert "null" not in values.filled


def test_documents_and_arrays_are_looked_into():
    values = observed([{"a": {"b": [1, "x"]}}, {"a": {"b": []}}, {}]).values
    inside = values.keys["a"].keys["b"]
    assert (values.count, inside.count, inside.items.types) == (3, 2, {"int": 1, "string": 1})


def test_what_a_field_needs_to_know_of_texts_numbers_and_dates():
    assert (of("ab", "abcd", "").longest, of("ab", "").shortest) == (4, 0)
    assert of("a\nb").multiline
    assert (of(3, -7, 5).least, of(3, 2**40).greatest) == (-7, 2**40)
    assert (of(Decimal128("1.50"), Decimal128("NaN")).decimals) == 2
    assert (of(DAY).moments, of(DAY.replace(hour=1)).moments) == (0, 1)


def test_geojson_is_recognised_by_its_keys():
    point = {"type": "Point", "coordinates": [1.0, 2.0]}
    assert of(point, {"type": "Point"}).geometries == {"Point": 1}


def test_only_so_many_values_are_kept():
    assert len(of(*range(KEPT * 3)).kept) == KEPT
    many = of(*range(KEPT - 1))
    many.merge(of("a", "b", "c"))
    assert len(many.kept) == KEPT


def test_shares_are_of_all_documents():
    values = of(1, 1, None, "a")
    assert values.shares(5) == "int 40 %, null 20 %, string 20 %, missing 20 %"
    assert of(*[1] * 999, "a").shares(1000) == "int 99 %, string <1 %"


def test_merging_adds_everything():
    one, other = of({"a": 1}, [1]), of({"a": "x", "b": 2}, ["y"], "long text\n")
    one.merge(other)
    assert one.types == {"object": 2, "array": 2, "string": 1}
    assert one.keys["a"].types == {"int": 1, "string": 1}
    assert one.items.types == {"int": 1, "string": 1}
    assert one.multiline
