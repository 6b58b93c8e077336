"""`inspectmongo` on real collections, and what it prints used as an app."""

from __future__ import annotations

import datetime
import subprocess
import sys
from io import StringIO

import pytest
from bson import ObjectId
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command

from atlas.geonames import Selection, cities, countries
from atlas.models import City, Country, Import, Note, Photo
from tests.management.conftest import Manage

pytestmark = pytest.mark.django_db

SETTINGS = """
SECRET_KEY = "only for tests"
USE_TZ = True
INSTALLED_APPS = ["mongo_contrib", "inspected"]
DATABASE_ROUTERS = ["mongo_contrib.routers.DocumentRouter"]
DATABASES = {{"default": {{"ENGINE": "mongo_contrib.db", "HOST": {host!r}, "NAME": {name!r}}}}}
"""

#: Read every document, every field of it, and everything it refers to; save it again.
READ = """
import sys
import django
django.setup()
from django.apps import apps
from mongo_contrib.test import CaptureCommands
for model in apps.get_app_config("inspected").get_models():
    if not getattr(model, "_is_document", False):
        continue
    number = 0
    for document in model.objects.iterator():
        number += 1
        for field in model._meta.concrete_fields:
            getattr(document, field.name)
        if number < 20:
            if "clean" in sys.argv:
                document.full_clean(validate_unique=False)
            with CaptureCommands() as commands:
                document.save()
            assert len(commands) == 0, (document, commands[0])
    print(model.__name__, number, flush=True)
"""


class App:
    """The printed classes as the only app of a project on the same database."""

    def __init__(self, path, source, host, name):
        (path / "inspected").mkdir()
        (path / "inspected" / "__init__.py").write_text("")
        (path / "inspected" / "models.py").write_text(source)
        (path / "inspected_settings.py").write_text(SETTINGS.format(host=host, name=name))
        self.manage = Manage("inspected_settings")
        self.manage.environment["PYTHONPATH"] += f":{path}"

    def read(self, *options):
        """How many documents of each class were read."""
        done = subprocess.run(
            [sys.executable, "-c", READ, *options],
            env=self.manage.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return {name: int(number) for name, number in map(str.split, done.stdout.splitlines())}


@pytest.fixture
def app(tmp_path, address, connection):
    """An app of the classes that are printed for these collections; a function."""

    def app(*collections, **options):
        source = inspected(*collections, **options)
        return App(tmp_path, source, address, connection.settings_dict["NAME"])

    return app


def inspected(*collections, **options):
    out, err = StringIO(), StringIO()
    call_command("inspectmongo", *collections, stdout=out, stderr=err, **options)
    return out.getvalue()


@pytest.fixture
def atlas(settings):
    """Atlas with all its countries, some cities, notes, photos with and without an owner."""
    memory = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    settings.STORAGES = {**settings.STORAGES, "default": memory}
    Country.objects.bulk_create(countries())
    by_code = {country.code: country for country in Country.objects.all()}
    records = list(Selection.LARGE.records().values())[:400]
    City.objects.bulk_create(cities(records, by_code))
    for city in City.objects.all()[:3]:
        city.notes = [Note(text="a remark"), Note(text="another", author="me")]
        city.save()
        photo = Photo(city=city, caption="seen")
        photo.image.save("photo.jpg", ContentFile(b"\xff\xd8"))
    Import(name="cities", count=400).save()
    return ["atlas_country", "atlas_city", "atlas_photo", "atlas_import"]


def test_classes_of_atlas_are_as_declared_there_and_read_every_document(atlas, app):
    inspected = app(*atlas)
    assert "No planned operations" in inspected.manage("migrate", "--check")
    assert inspected.read("clean") == {
        "Country": Country.objects.count(),
        "City": 400,
        "Photo": 3,
        "Import": 1,
    }
    inspected.manage("check")


def test_a_small_sample_may_miss_fields_and_still_reads_all(atlas, app):
    inspected = app(*atlas, sample=5)
    assert "No planned operations" in inspected.manage("migrate", "--check")
    assert inspected.read()["City"] == 400


def test_references_are_found_by_ids_that_exist_elsewhere(atlas):
    source = inspected(*atlas)
    assert 'country = models.ForeignKey("Country", on_delete=models.DO_NOTHING' in source
    assert 'city = models.ForeignKey("City", on_delete=models.DO_NOTHING' in source


def test_references_to_installed_classes_name_them(atlas):
    assert 'models.ForeignKey("atlas.City"' in "".join(inspected("atlas_photo").split())


def test_references_in_lists_and_in_embedded_documents(connection, app):
    people = [ObjectId() for _ in range(5)]
    database = connection.database
    database["things_person"].insert_many({"_id": key, "name": "x"} for key in people)
    database["things_team"].insert_one(
        {"members": people[:3], "lead": {"person": people[0], "since": 2000}, "odd": ObjectId()}
    )
    source = inspected("things_person", "things_team")
    flat = " ".join(source.split()).replace("( ", "(")
    assert 'members = ReferenceListField("Person", db_index=False' in flat
    assert 'db_column="members"' in flat
    assert "person = models.ForeignKey(" in source
    assert "odd = ObjectIdField()" in source
    inside = app("things_person", "things_team")
    assert "No planned operations" in inside.manage("migrate", "--check")
    assert inside.read("clean") == {"Person": 5, "Team": 1}


def test_numbers_are_references_only_by_name(connection):
    database = connection.database
    database["things_user"].insert_many({"_id": number} for number in range(10))
    database["things_post"].insert_one({"user": 3, "stars": 3, "user_ids": [1, 2]})
    source = inspected("things_post", "things_user")
    assert 'user = models.ForeignKey("User"' in source
    assert "stars = models.IntegerField()" in source
    assert "user_ids = ReferenceListField(" in source


def test_strange_collections_become_classes_that_work(connection, app):
    now = datetime.datetime(2026, 1, 1, 3, tzinfo=datetime.UTC)
    collection = connection.database["things_odd"]
    collection.insert_many(
        {
            "_id": f"key {number}",
            "class": "a",
            "save": number,
            "first-name": "x",
            "2fa": True,
            "scores": {str(2000 + year): year * 1.5 for year in range(number % 4)},
            "mixed": number if number % 2 else str(number),
            "items": [{"_id": ObjectId(), "sku": "a", "when": now}],
            "where": {"type": "Point", "coordinates": [1.5, 2.5]},
            "a.b": 1,
            **({"seldom": 1} if number < 3 else {}),
        }
        for number in range(20)
    )
    collection.create_index([("items.sku", -1), ("class", 1)])
    collection.create_index("save", unique=True, partialFilterExpression={"save": {"$gt": 3}})
    collection.create_index([("where", "2dsphere")])
    collection.create_index("never")
    source = inspected("things_odd")
    assert "# missing 85 %, int 15 %" in source
    assert "a.b" in source
    inside = app("things_odd")
    assert "No planned operations" in inside.manage("migrate", "--check")
    assert inside.read("clean") == {"Odd": 20}


def test_several_classes_of_one_collection(connection, app):
    collection = connection.database["things_animal"]
    collection.insert_many(
        [
            {"_cls": "Animal", "name": "x"},
            {"_cls": "Animal.Dog", "name": "x", "breed": "y"},
            {"_cls": "Animal.Dog.Puppy", "name": "x", "breed": "y", "weeks": 3},
            {"_cls": "Animal.Cat", "name": "x", "lives": 9},
        ]
    )
    collection.create_index("_cls")
    collection.create_index("breed")
    inside = app("things_animal")
    assert "No planned operations" in inside.manage("migrate", "--check")
    assert inside.read("clean") == {"Animal": 4, "Dog": 2, "Puppy": 1, "Cat": 1}


def test_collections_of_installed_apps_are_left_out_unless_named(atlas):
    with pytest.raises(CommandError, match="There is nothing to describe"):
        inspected()
    source = inspected(all=True)
    assert 'collection = "atlas_city"' in source


def test_what_belongs_to_files_is_left_out(connection):
    for part in ("files", "chunks", "replaced", "contents", "uploads", "thumbnails.files"):
        connection.database[f"pictures.{part}"].insert_one({"n": 1})
    connection.database["tickets.contents"].insert_one({"n": 1})
    printed = inspected()
    assert '"tickets.contents"' in printed
    assert "pictures" not in printed.lower()


def test_views_are_no_collections(connection):
    connection.database.create_collection("things_view", viewOn="atlas_city", pipeline=[])
    with pytest.raises(CommandError, match="nothing to describe"):
        inspected("things_view")
    connection.database.drop_collection("things_view")


def test_unknown_collections_are_named_with_those_there_are(atlas):
    with pytest.raises(CommandError, match=r"no collection 'nowhere'; it has .*atlas_city"):
        inspected("nowhere", "atlas_city")


def test_a_sample_of_nothing_is_refused():
    with pytest.raises(CommandError, match="--sample must be at least 1, not 0"):
        inspected(sample=0)
