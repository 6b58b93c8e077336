"""What the tests of plans declare, and what the server then has."""

from mongo_contrib.db.schema import CollectionSpec, IndexSpec

NAME = "schema_people"
BY_NAME = IndexSpec((("name", 1),), "by_name")
BY_EMAIL = IndexSpec((("email", 1),), "by_email", {"unique": True})


def people(*indexes, **options):
    return CollectionSpec(NAME, indexes, options, "tests.Person")


def indexes(collection):
    return {
        name: index for name, index in collection.index_information().items() if name != "_id_"
    }


def described(steps):
    return [(step.kind, step.describe()) for step in steps]
