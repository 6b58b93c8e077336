"""What a server and the driver raise, and what Django's users get."""

import pytest
from bson import Int64
from bson.errors import InvalidDocument
from django.db import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)
from pymongo import IndexModel, InsertOne, UpdateOne
from pymongo import errors as driver

from mongo_contrib import exceptions
from mongo_contrib.exceptions import (
    AccessDenied,
    DocumentInvalid,
    DocumentTooLarge,
    DuplicateKeyError,
    QueryTimeout,
    ServerUnavailable,
    ValueNotStorable,
    WriteConflict,
    translate,
    translated_errors,
)
from mongo_contrib.exceptions.translation import CLASSES


@pytest.fixture
def people(repository):
    people = repository("people")
    people.create_indexes(
        [
            IndexModel([("email", 1)], name="email_1", unique=True, sparse=True),
            IndexModel([("home.city", 1), ("n", -1)], name="place", unique=True, sparse=True),
        ]
    )
    people.insert_one({"_id": 1, "email": "a@x", "home": {"city": "Oslo"}, "n": 3})
    return people


# Duplicates


def check_email(error):
    assert isinstance(error, IntegrityError)
    assert (error.collection, error.index) == ("people", "email_1")
    assert error.fields == ("email",)
    assert error.values == {"email": "a@x"}
    message = "Duplicate value for index 'email_1' of collection 'people': email='a@x'"
    assert str(error).startswith(message)
    assert isinstance(error.__cause__, driver.OperationFailure)


@pytest.mark.parametrize(
    "write",
    [
        lambda people: people.insert_one({"email": "a@x"}),
        lambda people: people.insert_many([{"_id": 7}, {"email": "a@x"}]),
        lambda people: people.update_one({"_id": 2}, {"$set": {"email": "a@x"}}, upsert=True),
        lambda people: people.replace_one({"_id": 2}, {"email": "a@x"}, upsert=True),
        lambda people: people.find_one_and_update(
            {"_id": 2}, {"$set": {"email": "a@x"}}, upsert=True
        ),
        lambda people: people.find_one_and_replace({"_id": 2}, {"email": "a@x"}, upsert=True),
        lambda people: people.bulk_write([InsertOne({"email": "a@x"})]),
        lambda people: people.bulk_write(
            [UpdateOne({"_id": 2}, {"$set": {"email": "a@x"}}, upsert=True)]
        ),
    ],
)
def test_a_duplicate_names_collection_index_field_and_value(people, write):
    with pytest.raises(DuplicateKeyError) as raised:
        write(people)
    check_email(raised.value)


async def test_the_same_for_async_verbs(people):
    with pytest.raises(DuplicateKeyError) as raised:
        await people.ainsert_one({"email": "a@x"})
    check_email(raised.value)


def test_a_duplicate_names_all_fields_in_the_order_of_the_index(people):
    with pytest.raises(DuplicateKeyError) as raised:
        people.insert_one({"n": 3, "home": {"city": "Oslo"}})
    assert raised.value.fields == ("home.city", "n")
    assert raised.value.values == {"home.city": "Oslo", "n": 3}
    assert "home.city='Oslo', n=3" in str(raised.value)


def test_a_duplicate_id(people):
    with pytest.raises(DuplicateKeyError, match="_id=1"):
        people.insert_one({"_id": 1})


@pytest.mark.needs("index_collation")
def test_under_a_collation_the_value_is_the_one_that_was_written(repository):
    people = repository("people")
    people.create_indexes(
        [IndexModel("name", unique=True, collation={"locale": "en", "strength": 2})]
    )
    people.insert_one({"name": "Ann"})
    with pytest.raises(DuplicateKeyError) as raised:
        people.insert_one({"name": "ANN"})
    assert raised.value.values == {"name": "ANN"}


def test_all_errors_of_a_bulk_are_kept_and_the_first_decides(people):
    with pytest.raises(DuplicateKeyError, match=r"_id=1 \(the first of 2 errors\)") as raised:
        people.insert_many([{"_id": 1}, {"_id": 5}, {"email": "a@x"}], ordered=False)
    assert [error["index"] for error in raised.value.write_errors] == [0, 2]
    assert people.exists({"_id": 5})


# What DocumentDB says: no keyPattern, no keyValue, the index by its name.
BARE = {"code": 11000, "errmsg": "Duplicate key violation on the requested collection: Index '%s'"}


def bare(index):
    details = {**BARE, "errmsg": BARE["errmsg"] % index}
    return driver.DuplicateKeyError(details["errmsg"], 11000, details)


def test_a_bare_error_is_completed_from_the_index_and_the_document(people):
    with pytest.raises(DuplicateKeyError) as raised, people._translating({"email": "a@x"}):
        raise bare("email_1")
    check_email(raised.value)


async def test_a_bare_error_is_completed_in_async_code(people):
    with pytest.raises(DuplicateKeyError) as raised:
        async with people._translating({"email": "a@x"}):
            raise bare("email_1")
    check_email(raised.value)


async def test_a_bare_error_of_a_bulk_is_completed_in_async_code(people):
    error = {**BARE, "errmsg": BARE["errmsg"] % "email_1", "index": 0, "op": {"email": "a@x"}}
    with pytest.raises(DuplicateKeyError) as raised:
        async with people._translating():
            raise driver.BulkWriteError({"writeErrors": [error]})
    check_email(raised.value)


def test_a_bare_error_of_an_unknown_index_still_tells_what_it_can(people):
    gone = people._translating({"email": "a@x"})
    with pytest.raises(DuplicateKeyError, match="'gone' of collection 'people'") as raised, gone:
        raise bare("gone")
    assert raised.value.fields == ()


def test_a_bare_error_without_the_document_names_the_fields():
    error = translate(bare("place"), collection="c", index_keys=lambda name: ["home.city", "n"])
    assert error.fields == ("home.city", "n")
    assert error.values == {}
    assert str(error).endswith("home.city, n")


@pytest.mark.parametrize(
    ("message", "index"),
    [
        ("E11000 duplicate key error collection: d.c index: email_1 dup key: { : 1 }", "email_1"),
        ("... index: email_1 collation: {...} dup key: { email: 1 }", "email_1"),
        ("... index: d.c.$email_1 dup key: { : 1 }", "email_1"),
        ("no such thing", None),
    ],
)
def test_the_index_is_found_in_the_message(message, index):
    error = translate(driver.DuplicateKeyError(message, 11000, {"errmsg": message}))
    assert error.index == index


def test_of_a_list_no_element_is_blamed():
    error = translate(
        driver.DuplicateKeyError(
            "", 11000, {"keyPattern": {"tags": 1}, "keyValue": {"tags": "b"}}
        ),
        document={"tags": ["a", "b"]},
    )
    assert error.values == {"tags": "b"}


# Documents that cannot be stored


@pytest.mark.needs("validators")
def test_a_validator_names_path_and_reason(repository, database):
    database.create_collection(
        "validated",
        validator={
            "$jsonSchema": {
                "required": ["name"],
                "properties": {
                    "age": {"bsonType": "int", "minimum": 3},
                    "home": {"bsonType": "object", "properties": {"zip": {"bsonType": "string"}}},
                },
            }
        },
    )
    with pytest.raises(DocumentInvalid) as raised:
        repository("validated").insert_one({"age": 1, "home": {"zip": 7}})
    error = raised.value
    assert isinstance(error, DataError)
    assert error.collection == "validated"
    assert set(error.reasons) == {"name", "age", "home.zip"}
    assert error.reasons["name"] == "missing"
    assert "minimum" in error.reasons["age"]
    assert "collection 'validated' refused the document" in str(error)
    assert "home.zip" in str(error)


def test_a_validator_without_details_is_told_too():
    error = translate(driver.WriteError("", 121, {}), collection="c")
    assert isinstance(error, DocumentInvalid)
    assert error.reasons == {}


@pytest.mark.parametrize(
    ("value", "what"),
    [(object(), "object"), (2**64, "8-byte"), ("\udc00", "surrogates"), ({1: 2}, "string keys")],
)
def test_what_bson_cannot_hold_is_told_by_path(people, value, what):
    with pytest.raises(ValueNotStorable, match=f"'people'.*under 'home.value'.*{what}"):
        people.insert_one({"_id": 5, "fine": [1], "home": {"fine": 1, "value": value}})


def test_what_bson_cannot_hold_in_a_filter(people):
    with pytest.raises(ValueNotStorable, match="'people'"):
        people.find_one({"a": object()})


async def test_what_bson_cannot_hold_in_async_code(people):
    with pytest.raises(ValueNotStorable, match="under 'value'"):
        await people.ainsert_one({"value": object()})


def test_the_largest_integer_is_no_error(people):
    people.insert_one({"_id": 5, "n": 2**63 - 1})
    assert people.find_one({"_id": 5})["n"] == Int64(2**63 - 1)


def test_a_document_over_the_limit(people):
    with pytest.raises(DocumentTooLarge, match="people"):
        people.insert_one({"text": "x" * (17 * 1024 * 1024)})


def test_a_document_that_grows_over_the_limit(people):
    people.insert_one({"_id": 9, "text": "x" * (9 * 1024 * 1024)})
    with pytest.raises(DatabaseError):
        people.update_one({"_id": 9}, [{"$set": {"more": {"$concat": ["$text", "$text"]}}}])


# Malformed requests and refusals


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (lambda people: people.find_one({"$bogus": 1}), ProgrammingError),
        (lambda people: people.update_one({}, {"$bogus": {"a": 1}}), ProgrammingError),
        (lambda people: list(people.aggregate([{"$bogus": 1}])), ProgrammingError),
        (lambda people: people.find_one({"a": {"$regex": "("}}), DataError),
        (lambda people: list(people.find(hint="bogus")), ProgrammingError),
        (lambda people: people.update_one({}, {"$set": {"_id": 9}}), ProgrammingError),
        (
            lambda people: people.update_one({}, {"$set": {"a": 1}, "$inc": {"a": 1}}),
            ProgrammingError,
        ),
        (lambda people: people.update_one({}, {"$inc": {"email": 1}}), DataError),
        (lambda people: people.drop_index("bogus"), ProgrammingError),
    ],
)
def test_a_malformed_request_names_the_collection(people, request_, expected):
    with pytest.raises(expected, match="people") as raised:
        request_(people)
    assert "full error" not in str(raised.value)
    assert isinstance(raised.value.__cause__, driver.PyMongoError)


def test_a_time_limit(people):
    people.insert_many([{"n": n} for n in range(400)])
    slow = [
        {"$lookup": {"from": "people", "pipeline": [], "as": "all"}},
        {"$unwind": "$all"},
        {"$group": {"_id": None, "n": {"$sum": "$all.n"}}},
    ]
    with pytest.raises(QueryTimeout, match="time limit"):
        list(people.aggregate(slow, max_time_ms=1))


# The table, without a server


@pytest.mark.parametrize(
    ("exc", "expected"),
    [
        (driver.ServerSelectionTimeoutError("none"), ServerUnavailable),
        (driver.AutoReconnect("lost"), ServerUnavailable),
        (driver.NetworkTimeout("slow"), ServerUnavailable),
        (driver.NotPrimaryError("not primary"), ServerUnavailable),
        (driver.WaitQueueTimeoutError("busy"), ServerUnavailable),
        (driver.OperationFailure("no", 18), AccessDenied),
        (driver.OperationFailure("no", 13), AccessDenied),
        (driver.OperationFailure("bad auth", 8000), AccessDenied),
        (driver.ExecutionTimeout("slow", 50), QueryTimeout),
        (driver.OperationFailure("conflict", 112), WriteConflict),
        (driver.OperationFailure("gone", 251), WriteConflict),
        (driver.OperationFailure("too long", 290), WriteConflict),
        (driver.OperationFailure("snapshot too old", 239), WriteConflict),
        (driver.OperationFailure("too large", 257), OperationalError),
        (
            driver.OperationFailure("x", 1, {"errorLabels": ["TransientTransactionError"]}),
            WriteConflict,
        ),
        (driver.OperationFailure("large", 10334), DocumentTooLarge),
        (driver.DocumentTooLarge("large"), DocumentTooLarge),
        (InvalidDocument("cannot encode"), ValueNotStorable),
        (OverflowError("8-byte ints"), ValueNotStorable),
        (driver.OperationFailure("no ns", 26), ProgrammingError),
        (driver.OperationFailure("exists", 48), ProgrammingError),
        (driver.OperationFailure("standalone", 20), NotSupportedError),
        (driver.OperationFailure("in txn", 263), NotSupportedError),
        (driver.OperationFailure("no command", 59), NotSupportedError),
        (driver.WriteConcernError("no", 100), OperationalError),
        (driver.InvalidOperation("closed"), InterfaceError),
        (driver.InvalidOperation("Cannot use ended session"), ProgrammingError),
        (driver.InvalidName("a..b"), ProgrammingError),
        (driver.ConfigurationError("sessions"), ProgrammingError),
        (driver.PyMongoError("else"), DatabaseError),
        (driver.OperationFailure("unheard of", 987654), DatabaseError),
        (driver.OperationFailure("without a code"), DatabaseError),
    ],
)
def test_each_error_of_the_driver_has_its_counterpart(exc, expected):
    assert type(translate(exc, collection="c")) is expected


def test_a_bulk_that_failed_to_be_acknowledged():
    exc = driver.BulkWriteError({"writeConcernErrors": [{"code": 64, "errmsg": "waiting"}]})
    assert type(translate(exc)) is OperationalError
    assert type(translate(driver.BulkWriteError({}))) is DatabaseError


def test_every_error_of_the_driver_becomes_one_of_djangos():
    for name in dir(driver):
        value = getattr(driver, name)
        if isinstance(value, type) and issubclass(value, driver.PyMongoError):
            with pytest.raises(Error), translated_errors():
                raise make(value)


def make(cls):
    if cls.__name__ == "EncryptedCollectionError":
        return cls(ValueError("x"), {})
    if issubclass(cls, driver.EncryptionError):
        return cls(ValueError("x"))
    if cls is driver.ClientBulkWriteException:
        return cls({}, verbose=False)
    return cls({}) if cls is driver.BulkWriteError else cls("x")


def test_other_errors_pass():
    with pytest.raises(KeyError), translated_errors():
        raise KeyError


def test_every_class_of_the_table_is_djangos():
    assert all(issubclass(cls, DatabaseError) for cls in CLASSES.values())


def test_ours_are_djangos():
    for name in exceptions.__all__:
        value = getattr(exceptions, name)
        if isinstance(value, type) and issubclass(value, Exception):
            assert issubclass(value, DatabaseError)
            assert value.__doc__
            assert name in exceptions.__doc__
