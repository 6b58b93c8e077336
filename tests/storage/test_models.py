"""The files of a bucket as documents: found, described, read and deleted; made elsewhere."""

import pickle
from datetime import UTC, datetime
from io import StringIO

import pytest
from bson import Binary, Int64, ObjectId
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import DatabaseError, NotSupportedError, models
from django.db.models import F, Max, Sum
from django.forms import modelform_factory
from django.test.utils import isolate_apps

from mongo_contrib.auth.models import User
from mongo_contrib.bridge import native
from mongo_contrib.storage import DamagedFile, GridFSStorage
from mongo_contrib.storage.models import AbstractFileDocument, FileDocument

GRIDFS = "mongo_contrib.storage.GridFSStorage"
STATICFILES = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}


@pytest.fixture(autouse=True)
def storages(settings):
    """Of the default storage, one confined to a folder, and one of another bucket."""
    options = {"base_url": "/media/", "chunk_size": 4}
    settings.STORAGES = {
        "default": {"BACKEND": GRIDFS, "OPTIONS": options},
        "scans": {"BACKEND": GRIDFS, "OPTIONS": {**options, "bucket": "scans", "location": "in"}},
        "staticfiles": STATICFILES,
    }


@pytest.fixture(scope="module")
def scan():
    """A class of files of another storage, with a field of its own."""
    with isolate_apps("mongo_contrib.storage"):

        class Scan(AbstractFileDocument):
            storage = "scans"
            resolution = models.IntegerField(null=True, blank=True)

            class Meta:
                app_label = "mongo_storage"

    return Scan


@pytest.fixture
def put(save):
    """``put("a.txt", b"...", album="Prag")`` stores a file; its document."""

    def put(name, content=b"content", **metadata):
        file = ContentFile(content, name=name)
        file.metadata = metadata
        return FileDocument.objects.get(name=storage_of().save(name, file))

    return put


def storage_of(model=FileDocument):
    return model.get_storage()


PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


# Found


def test_fields_are_those_that_a_file_info_has(put, db):
    user = User.objects.create_user("ann")
    found = put("a/b.png", PNG, uploader=user, album="Prag")
    info = storage_of().get_info("a/b.png")
    told = ("name", "length", "uploaded", "chunk_size", "content_type", "original_name")
    for name in (*told, "sha256", "uploader", "fields", "id", "encoding", "stored_length"):
        assert getattr(found, name) == getattr(info, name), name
    assert (found.pk, found.fields, found.uploader) == (info.id, {"album": "Prag"}, user.pk)
    assert str(found) == "a/b.png"
    assert found.get_info() == info


def test_files_are_asked_for_as_documents(put):
    put("a.txt", b"12345", album="Prag")
    put("b.png", PNG, album="Brno")
    put("c.png", PNG + b"0")
    names = FileDocument.objects.values_list("name", flat=True)
    large = names.filter(content_type__startswith="image/", length__gt=5)
    assert list(large.order_by("-uploaded")) == ["c.png", "b.png"]
    assert list(names.filter(fields__album="Prag")) == ["a.txt"]
    assert list(names.exclude(fields__album="Prag").order_by("name")) == ["b.png", "c.png"]
    assert list(names.filter(name__startswith="c")) == ["c.png"]
    assert names.filter(uploaded__gt=datetime(2020, 1, 1, tzinfo=UTC)).count() == 3
    assert FileDocument.objects.aggregate(Sum("length"), Max("length")) == {
        "length__sum": 62,
        "length__max": 29,
    }
    assert list(FileDocument.objects.values("name", "fields")[:1]) == [
        {"name": "a.txt", "fields": {"album": "Prag"}}
    ]
    assert FileDocument.objects.latest().name == "c.png"
    assert not FileDocument.objects.filter(name="d").exists()


def test_an_uploader_is_a_user_or_what_names_one(put, db):
    user = User.objects.create_user("ann")
    put("a.txt", uploader=user)
    put("b.txt", uploader="a program")
    names = FileDocument.objects.values_list("name", flat=True)
    assert list(names.filter(uploader=user)) == ["a.txt"]
    assert list(names.filter(uploader=user.pk)) == ["a.txt"]
    assert list(names.filter(uploader="a program")) == ["b.txt"]


def test_one_look_up_by_name_uses_the_index(put, django_assert_num_queries):
    put("a.txt")
    with django_assert_num_queries(1):
        FileDocument.objects.get(name="a.txt")
    beside = {"filename": "a.txt", "$nor": [{"length": -1}]}
    if "COLLSCAN" in str(FileDocument.objects.collection.find(beside).explain()):
        pytest.skip("this server uses no index beside $nor")
    assert "COLLSCAN" not in str(FileDocument.objects.filter(name="a.txt").explain())


def test_deferred_fields(put):
    put("a.txt", b"12345", album="Prag")
    found = FileDocument.objects.only("name", "fields").get()
    assert (found.content_type, found.length, found.fields) == ("text/plain", 5, {"album": "Prag"})
    found = FileDocument.objects.defer("fields", "length").get()
    assert (found.length, found.fields) == (5, {"album": "Prag"})
    assert pickle.loads(pickle.dumps(found)).fields == {"album": "Prag"}


@pytest.fixture
def compressed(put, repository):
    """Two files, of which the one that is larger takes less room: as compression stores it."""
    put("a.txt", b"12345678")
    found = put("b.txt", b"1234")
    told = {"encoding": "gzip", "size": Int64(5000), "blocks": {"size": 1, "lengths": Binary(b"")}}
    repository("fs.files").update_one(
        {"_id": found.pk}, {"$set": {f"metadata.{key}": value for key, value in told.items()}}
    )


def test_the_length_is_that_of_the_content(compressed):
    """Of compressed files, too, wherever it is asked for."""
    found = FileDocument.objects.all()
    assert [each.length for each in found.order_by("name")] == [8, 5000]
    assert [each.stored_length for each in found.order_by("name")] == [8, 4]
    assert [each.name for each in found.order_by("-length")] == ["b.txt", "a.txt"]
    assert [each.name for each in found.order_by("length")[:1]] == ["a.txt"]
    assert [each.name for each in found.filter(length__gt=100)] == ["b.txt"]
    assert [each.name for each in found.exclude(length__gt=100)] == ["a.txt"]
    assert found.filter(length__lt=100).count() == 1
    assert found.filter(length__lt=100).exists()
    assert found.filter(length=8).first().fields == {}
    assert found.aggregate(Sum("length"))["length__sum"] == 5008
    assert list(found.values_list("length", flat=True).order_by("name")) == [8, 5000]
    assert [each.name for each in found.filter(length=F("stored_length"))] == ["a.txt"]
    assert found.filter(length__gt=100).update(content_type="text/html") == 1
    assert found.get(name="b.txt").content_type == "text/html"
    assert found.filter(length__gt=100).delete()[0] == 1
    assert [each.name for each in found] == ["a.txt"]


def test_what_is_being_replaced_is_not_shown(put, repository):
    found = put("a.txt")
    files = repository("fs.files")
    document = files.find_one({"_id": found.pk})
    for name in ("a.txt\x01abc", "\x01abc"):
        files.insert_one({**document, "_id": ObjectId(), "filename": name})
    assert [each.name for each in FileDocument.objects.all()] == ["a.txt"]
    assert FileDocument.objects.count() == 1
    assert FileDocument.objects.filter(name__startswith="a").count() == 1


def test_files_of_other_programs(put, repository):
    put("a.txt")
    repository("fs.files").insert_one(
        {
            "_id": ObjectId(),
            "filename": "b.txt",
            "length": 7,
            "chunkSize": 4,
            "uploadDate": datetime(2020, 1, 1, tzinfo=UTC),
        }
    )
    found = FileDocument.objects.get(name="b.txt")
    assert (found.length, found.content_type, found.fields, found.sha256) == (7, None, {}, None)
    assert [each.name for each in FileDocument.objects.order_by("length", "name")] == [
        "a.txt",
        "b.txt",
    ]
    found.fields["album"] = "Prag"
    found.save()
    assert FileDocument.objects.get(fields__album="Prag").name == "b.txt"


@pytest.mark.parametrize("encoding", [None, "gzip"])
@pytest.mark.parametrize("size", [10**6, "12 KB", None])
def test_a_size_of_another_program_is_not_the_length(put, repository, size, encoding):
    put("a.txt", b"12345")
    theirs = {"size": size} | ({} if encoding is None else {"encoding": encoding})
    repository("fs.files").update_one({}, {"$set": {"metadata": theirs}})
    assert FileDocument.objects.get().length == storage_of().size("a.txt") == 5
    assert FileDocument.objects.get(length=5).length == 5
    assert FileDocument.objects.filter(length__gt=5).count() == 0
    assert list(FileDocument.objects.values_list("length", flat=True)) == [5]


def test_without_time_zones(put, settings):
    put("a.txt")
    settings.USE_TZ = False
    found = FileDocument.objects.get()
    assert found.uploaded.tzinfo is None
    assert found.uploaded == storage_of().get_modified_time("a.txt")
    assert FileDocument.objects.get(uploaded=found.uploaded) == found
    found.fields["album"] = "Prag"
    found.save()
    assert storage_of().get_info("a.txt").fields == {"album": "Prag"}


# Described


def test_metadata_are_saved_in_one_update(put, django_assert_num_queries):
    found = put("a.txt", album="Prag", year=1999)
    other = FileDocument.objects.get()
    found.content_type = "text/html"
    found.fields["album"] = "Brno"
    del found.fields["year"]
    with django_assert_num_queries(1):
        found.save()
    with django_assert_num_queries(0):
        found.save()
    # Somebody else's change of something else stays.
    other.original_name = "../x\\b.txt"
    other.uploader = "someone"
    other.save()
    info = storage_of().get_info("a.txt")
    assert (info.content_type, info.fields) == ("text/html", {"album": "Brno"})
    assert (info.original_name, info.uploader) == ("b.txt", "someone")
    other.refresh_from_db()
    assert (other.original_name, other.fields) == ("b.txt", {"album": "Brno"})
    other.uploader = None
    other.save(update_fields=["uploader"])
    assert storage_of().get_info("a.txt").uploader is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "b.txt"),
        ("length", 3),
        ("stored_length", 3),
        ("sha256", "0" * 64),
        ("chunk_size", 3),
        ("encoding", "gzip"),
        ("uploaded", datetime(2020, 1, 1, tzinfo=UTC)),
    ],
)
def test_the_content_is_not_described(put, name, value):
    found = put("a.txt")
    setattr(found, name, value)
    with pytest.raises(NotSupportedError, match=f"'{name}'.*storage.save"):
        found.save()
    with pytest.raises(NotSupportedError, match="metadata"):
        FileDocument.objects.update(**{name: value})
    assert storage_of().get_info("a.txt").length == 7


@pytest.mark.parametrize("key", ["sha256", "content_type", "contentType", "blocks", "a.b", "$set"])
def test_own_fields_have_names_of_their_own(put, key):
    found = put("a.txt")
    found.fields = {key: "x"}
    with pytest.raises(ValueError):
        found.save()
    with pytest.raises(ValidationError):
        found.full_clean()
    assert storage_of().get_info("a.txt").content_type == "text/plain"


def test_a_wrong_content_type_is_refused(put):
    found = put("a.txt")
    found.content_type = "text/html\r\nX: y"
    with pytest.raises(ValidationError):
        found.full_clean()
    with pytest.raises(ValueError):
        found.save()
    with pytest.raises(ValueError):
        FileDocument.objects.update(content_type="nonsense")


def test_what_has_been_deleted_is_not_saved(put, stored):
    found = put("a.txt")
    storage_of().delete("a.txt")
    found.content_type = "text/html"
    with pytest.raises(DatabaseError, match="deleted"):
        found.save()
    assert stored() == (0, 0)


def test_metadata_of_many_by_one_update(put):
    put("a.txt", b"1")
    put("b.txt", b"22")
    assert FileDocument.objects.filter(length__gt=1).update(fields__album="Prag") == 1
    assert FileDocument.objects.get(fields__album="Prag").name == "b.txt"
    with pytest.raises(NotSupportedError):
        FileDocument.objects.update(fields={"album": "Prag"})


def test_a_form_has_what_can_be_edited(put):
    form = modelform_factory(FileDocument, fields="__all__")
    assert list(form.base_fields) == ["content_type", "original_name", "fields"]
    data = {"content_type": "text/html", "original_name": "x", "fields": '{"album": "Prag"}'}
    form(data, instance=put("a.txt")).save()
    assert storage_of().get_info("a.txt").fields == {"album": "Prag"}


# Not made here


def test_files_are_made_by_their_storage(db, stored):
    for make in (
        lambda: FileDocument.objects.create(name="a.txt"),
        lambda: FileDocument(name="a.txt").save(),
        lambda: FileDocument(pk=ObjectId(), name="a.txt").save(force_insert=True),
        lambda: FileDocument.objects.bulk_create([FileDocument(name="a.txt")]),
        lambda: FileDocument.objects.get_or_create(name="a.txt"),
        lambda: FileDocument.objects.update_or_create(name="a.txt"),
    ):
        with pytest.raises(NotSupportedError, match=r"storage\.save\("):
            make()
    assert stored() == (0, 0)


# Read


def test_a_document_reads_its_own_file(put):
    found = put("a.txt", b"0123456789")
    assert (found.read(), found.read(3, 6)) == (b"0123456789", b"345")
    assert b"".join(found.chunks()) == b"0123456789"
    assert found.url == "/media/a.txt"
    with storage_of().open("a.txt", "wb") as file:
        file.write(b"something else")
    # The old one is there for those who have begun with it, under no name.
    with pytest.raises(FileNotFoundError, match="deleted"):
        found.open()
    with FileDocument.objects.get().open("r") as file:
        assert file.read() == "something else"
    with pytest.raises(ValueError, match=r"storage\.open"):
        found.open("wb")


def test_verify(put, repository):
    found = put("a.txt", b"0123456789")
    assert found.verify()
    repository("fs.chunks").update_one({"n": 0}, {"$set": {"data": b"xxxx"}})
    with pytest.raises(DamagedFile):
        found.verify()
    repository("fs.files").update_one({}, {"$unset": {"metadata.sha256": ""}})
    assert not found.verify()


# Deleted


def test_deleting_deletes_the_content(put, stored):
    for name, content in (("a.txt", b"content"), ("b.txt", b"content"), ("c.png", PNG)):
        put(name, content)
    assert FileDocument.objects.get(name="a.txt").delete() == (
        1,
        {"mongo_storage.FileDocument": 1},
    )
    assert stored() == (2, 9)
    assert FileDocument.objects.filter(content_type="text/plain").delete()[0] == 1
    assert stored() == (1, 7)
    assert FileDocument.objects.all().delete()[0] == 1
    assert stored() == (0, 0)
    assert FileDocument.objects.all().delete() == (0, {})


@pytest.mark.needs("transactions")
@pytest.mark.parametrize("how", ["document", "documents"])
def test_deleting_deletes_what_was_replaced(put, stored, how):
    put("a.txt", b"old")
    storage = GridFSStorage(allow_overwrite=True)
    storage.save("a.txt", ContentFile(b"new"))
    assert stored() == (1, 2)
    found = FileDocument.objects.filter(name="a.txt")
    (found.get() if how == "document" else found).delete()
    assert stored() == (0, 0)


def test_it_is_this_one_that_is_deleted(put, stored):
    """And not another that has got its name since."""
    found = put("a.txt")
    storage_of().delete("a.txt")
    new = put("a.txt", b"new")
    found.delete()
    assert [each.pk for each in FileDocument.objects.all()] == [new.pk]
    assert new.read() == b"new"


def test_what_is_compressed_reads_as_its_content(db, settings):
    options = {"compress": ["text/*"], "deduplicate": True, "chunk_size": 64}
    settings.STORAGES = {
        "default": {"BACKEND": GRIDFS, "OPTIONS": options},
        "staticfiles": STATICFILES,
    }
    content = b"0123456789" * 500
    for name in ("a.txt", "b.txt"):
        storage_of().save(name, ContentFile(content))
    for found in FileDocument.objects.filter(length__gt=4000):
        assert (found.length, found.encoding, found.fields) == (5000, "gzip", {})
        assert found.stored_length < 1000
        assert (found.read(), found.read(7, 12)) == (content, b"78901")
        assert found.verify()
        found.content_type = "text/html"
        found.save()
    FileDocument.objects.get(name="a.txt").delete()
    found = FileDocument.objects.get()
    assert (found.content_type, found.read()) == ("text/html", content)


def test_shared_content_stays_for_others(db, settings, stored):
    settings.STORAGES = {
        "default": {"BACKEND": GRIDFS, "OPTIONS": {"deduplicate": True, "chunk_size": 4}},
        "staticfiles": STATICFILES,
    }
    storage = storage_of()
    for name in ("a.txt", "b.txt"):
        storage.save(name, ContentFile(b"0123456789"))
    assert stored() == (2, 3)
    FileDocument.objects.get(name="a.txt").delete()
    assert FileDocument.objects.get(name="b.txt").read() == b"0123456789"
    FileDocument.objects.all().delete()
    assert stored() == (0, 0)


# Other buckets


def test_another_bucket_with_fields_of_its_own(db, repository, scan):
    storage = storage_of(scan)
    assert (storage.bucket, storage.location) == ("scans", "in")
    file = ContentFile(b"scan", name="x.txt")
    file.metadata = {"album": "Prag", "resolution": 300}
    storage.save("a.txt", file)
    GridFSStorage(bucket="scans").save("outside.txt", ContentFile(b"x"))
    found = scan.objects.get()
    assert (found.name, found.storage_name, found.resolution) == ("in/a.txt", "a.txt", 300)
    assert (found.url, found.read()) == ("/media/a.txt", b"scan")
    found.resolution = 600
    found.save()
    assert storage.get_info("a.txt").fields == {"album": "Prag", "resolution": 600}
    assert scan.objects.filter(resolution__gt=300).count() == 1
    assert scan.objects.filter(resolution__gt=300).update(resolution=None) == 1
    assert storage.get_info("a.txt").fields == {"album": "Prag"}
    assert FileDocument.objects.count() == 0
    scan.objects.all().delete()
    assert repository("scans.files").count() == 1


def test_the_storage_is_one_of_ours(settings, db, scan):
    settings.STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        "scans": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        "staticfiles": STATICFILES,
    }
    with pytest.raises(ImproperlyConfigured, match=r"STORAGES\['scans'\] is a InMemoryStorage"):
        scan.get_storage()
    # Of a project without one, the files that a driver would write.
    assert (storage_of().bucket, storage_of().base_url) == ("fs", None)
    assert FileDocument.objects.count() == 0


# The project's commands


def test_dumpdata_and_flush_leave_files_to_the_storage(put):
    put("a.txt")
    out = StringIO()
    call_command("dumpdata", "mongo_storage", stdout=out)
    assert out.getvalue().strip() == "[]"
    assert not FileDocument.check()


async def test_the_twins(storages, transactional_db):
    await storage_of().asave("a.txt", ContentFile(b"content"))
    found = await FileDocument.objects.aget(name="a.txt")
    found.content_type = "text/html"
    await found.asave()
    assert [each.content_type async for each in FileDocument.objects.all()] == ["text/html"]
    assert await native(found.read) == b"content"
    await found.adelete()
    assert await FileDocument.objects.acount() == 0


def test_a_collection_named_by_meta(db, settings):
    """It is that of a storage which has the bucket, or of none: then there are no addresses."""
    with isolate_apps("mongo_contrib.storage"):

        class ByName(AbstractFileDocument):
            class Meta:
                app_label = "mongo_storage"
                db_table = "scans.files"

        class Unknown(AbstractFileDocument):
            class Meta:
                app_label = "mongo_storage"
                db_table = "lost.files"

    assert ByName.get_storage().location == "in"
    GridFSStorage(bucket="lost").save("a.txt", ContentFile(b"content"))
    found = Unknown.objects.get()
    assert (found.name, found.read()) == ("a.txt", b"content")
    with pytest.raises(ValueError, match="URL"):
        found.url  # noqa: B018
