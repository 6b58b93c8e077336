"""One small experiment per capability of a server, each on a scratch collection of its own.

A probe gets the database and the name of a collection that does not exist; it returns whether the
server can do what is asked, or lets the server's refusal (OperationFailure) through. Whoever calls
it drops the collection. Announcing a command is not enough: some servers take an index and ignore
what makes it special.
"""

from collections.abc import Callable, Mapping
from typing import Any

from bson import DBRef, ObjectId
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS
from pymongo import ReadPreference
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

Document = dict[str, Any]
Probe = Callable[[Database[Document], str], bool]

CASELESS = {"locale": "en", "strength": 2}


def transactions(database: Database[Document], name: str) -> bool:
    # Reading suffices: a standalone server refuses the transaction's number. So this probe, the
    # only one that production asks for by itself, leaves nothing behind.
    with database.client.start_session() as session:
        # Else it would inherit what the client prefers, which may be refused.
        session.start_transaction(read_preference=ReadPreference.PRIMARY)
        database[name].find_one({}, session=session)
        session.abort_transaction()
    return True


def change_streams(database: Database[Document], name: str) -> bool:
    with database[name].watch():
        return True


def text_index(database: Database[Document], name: str) -> bool:
    collection = filled(database, name)
    collection.create_index([("text", "text")])
    return collection.count_documents({"$text": {"$search": "alpha"}}) == 1


def hashed_index(database: Database[Document], name: str) -> bool:
    database[name].create_index([("number", "hashed")])
    return True


def ttl_index(database: Database[Document], name: str) -> bool:
    return index_keeps(database[name], "expireAfterSeconds", 60)


def partial_index(database: Database[Document], name: str) -> bool:
    collection = filled(database, name)
    condition = {"number": {"$gt": 1}}
    collection.create_index("text", unique=True, partialFilterExpression=condition)
    # Twice the same text, but outside the condition.
    collection.insert_many([{"text": "same", "number": 0}, {"text": "same", "number": 0}])
    return refused(collection, {"text": "Beta", "number": 2}, 11000)


def far_dates(database: Database[Document], name: str) -> bool:
    """Whether dates beyond Python's, which end with the year 9999, are kept."""
    options: CodecOptions[Document] = CodecOptions(
        datetime_conversion=DatetimeConversion.DATETIME_AUTO
    )
    collection = database[name].with_options(codec_options=options)
    collection.insert_one({"_id": 1, "date": DatetimeMS(2**60)})
    return collection.find_one() == {"_id": 1, "date": DatetimeMS(2**60)}


def dbrefs(database: Database[Document], name: str) -> bool:
    """Whether the driver's references can be stored in an indexed field."""
    collection = database[name]
    collection.create_index("reference")
    collection.insert_one({"_id": 1})
    update = {"$set": {"reference": DBRef("elsewhere", ObjectId())}}
    return collection.update_one({"_id": 1}, update).modified_count == 1


def geometry_collections(database: Database[Document], name: str) -> bool:
    """Whether a 2dsphere index takes collections of geometries."""
    collection = database[name]
    collection.create_index([("shape", "2dsphere")])
    corners = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]
    polygon = {"type": "Polygon", "coordinates": [corners]}
    shapes = [point(1, 2), polygon]
    collection.insert_one({"shape": {"type": "GeometryCollection", "geometries": shapes}})
    return True


def refused_shapes(database: Database[Document], name: str) -> bool:
    """Whether a 2dsphere index refuses polygons whose edges cross."""
    collection = database[name]
    collection.create_index([("shape", "2dsphere")])
    bow_tie = [[0.0, 0.0], [2.0, 2.0], [2.0, 0.0], [0.0, 2.0], [0.0, 0.0]]
    try:
        collection.insert_one({"shape": {"type": "Polygon", "coordinates": [bow_tie]}})
    except OperationFailure:
        return True
    return False


def freed_unique_values(database: Database[Document], name: str) -> bool:
    """Whether a value that an update took out of a unique index can be used again."""
    collection = database[name]
    collection.create_index("text", unique=True)
    collection.insert_one({"_id": 1, "text": "old"})
    collection.update_one({"_id": 1}, {"$set": {"text": "new"}})
    return not refused(collection, {"text": "old"}, 11000)


def index_collation(database: Database[Document], name: str) -> bool:
    collection = filled(database, name)
    collection.create_index("text", unique=True, collation=CASELESS)
    return refused(collection, {"text": "ALPHA"}, 11000)


def default_collation(database: Database[Document], name: str) -> bool:
    collection = database.create_collection(name, collation=CASELESS)
    collection.insert_one({"text": "Alpha"})
    return collection.count_documents({"text": "ALPHA"}) == 1


def hidden_index(database: Database[Document], name: str) -> bool:
    return index_keeps(database[name], "hidden", True)


def wildcard_index(database: Database[Document], name: str) -> bool:
    collection = filled(database, name)
    collection.create_index([("$**", 1)])
    # Some servers build it and never use it, which shows only in the plan.
    return "IXSCAN" in str(collection.find({"number": 1}).explain())


def sphere_index(database: Database[Document], name: str) -> bool:
    collection = filled(database, name)
    collection.create_index([("point", "2dsphere")])
    whole = {"$geometry": {"type": "Point", "coordinates": [1, 2]}}
    return collection.count_documents({"point": {"$geoIntersects": whole}}) == 1


def near(database: Database[Document], name: str) -> bool:
    collection = filled(database, name)
    collection.create_index([("point", "2dsphere")])
    here = {"$geometry": {"type": "Point", "coordinates": [3, 4]}}
    return [found["number"] for found in collection.find({"point": {"$near": here}})] == [2, 1]


def validators(database: Database[Document], name: str) -> bool:
    schema = {"bsonType": "object", "required": ["needed"]}
    collection = database.create_collection(name, validator={"$jsonSchema": schema})
    return refused(collection, {"other": 1}, 121)


def capped_collections(database: Database[Document], name: str) -> bool:
    collection = database.create_collection(name, capped=True, size=4096, max=1)
    collection.insert_many([{"number": 1}, {"number": 2}])
    return collection.count_documents({}) == 1


def time_series(database: Database[Document], name: str) -> bool:
    database.create_collection(name, timeseries={"timeField": "time"})
    return "timeseries" in database[name].options()


def views(database: Database[Document], name: str) -> bool:
    view = database.create_collection(name, viewOn=f"{name}_source", pipeline=[])
    # A view refuses to be written to.
    return refused(view, {"number": 1}, 166)


def search_index(database: Database[Document], name: str) -> bool:
    database.create_collection(name)
    return not list(database[name].list_search_indexes())


def sharded(database: Database[Document], name: str) -> bool:
    # Some servers present themselves as the router of a cluster and have no shards.
    return bool(database.client.admin.command("listShards")["shards"])


def snapshot_sessions(database: Database[Document], name: str) -> bool:
    with database.client.start_session(snapshot=True) as session:
        database[name].find_one({}, session=session)
    return True


def javascript(database: Database[Document], name: str) -> bool:
    return filled(database, name).count_documents({"$where": "this.number == 1"}) == 1


def fail_points(database: Database[Document], name: str) -> bool:
    database.client.admin.command("configureFailPoint", "failCommand", mode="off")
    return True


# By the name under which features.has() and needs() know them.
PROBES: Mapping[str, Probe] = {
    "2dsphere": sphere_index,
    "capped_collections": capped_collections,
    "change_streams": change_streams,
    "default_collation": default_collation,
    "fail_points": fail_points,
    "dbrefs": dbrefs,
    "far_dates": far_dates,
    "freed_unique_values": freed_unique_values,
    "geometry_collections": geometry_collections,
    "refused_shapes": refused_shapes,
    "hashed_index": hashed_index,
    "hidden_index": hidden_index,
    "index_collation": index_collation,
    "javascript": javascript,
    "near": near,
    "partial_index": partial_index,
    "search_index": search_index,
    "sharded": sharded,
    "snapshot_sessions": snapshot_sessions,
    "text_index": text_index,
    "time_series": time_series,
    "transactions": transactions,
    "ttl_index": ttl_index,
    "validators": validators,
    "views": views,
    "wildcard_index": wildcard_index,
}


def filled(database: Database[Document], name: str) -> Collection[Document]:
    """Return the scratch collection with two documents in it."""
    collection = database[name]
    collection.insert_many(
        [
            {"number": 1, "text": "Alpha", "point": point(1, 2)},
            {"number": 2, "text": "Beta", "point": point(3, 4)},
        ]
    )
    return collection


def point(longitude: int, latitude: int) -> Document:
    return {"type": "Point", "coordinates": [longitude, latitude]}


def index_keeps(collection: Collection[Document], option: str, value: Any) -> bool:
    """Return whether an index is listed with an option that it was made with."""
    name = collection.create_index("number", **{option: value})
    return bool(collection.index_information()[name].get(option) == value)


def refused(collection: Collection[Document], document: Document, code: int) -> bool:
    """Return whether the server refuses a document for the right reason."""
    try:
        collection.insert_one(document)
    except OperationFailure as exc:
        return exc.code == code
    return False
