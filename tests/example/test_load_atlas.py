from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from atlas.geonames import Selection
from atlas.management.commands import load_atlas as module
from atlas.models import City, Country, Import, Photo

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("atlas_site")]


@pytest.fixture(autouse=True)
def few_records(monkeypatch, records):
    """Every selection has the same three cities."""
    monkeypatch.setattr(Selection, "records", lambda self: dict(records))
    monkeypatch.setattr(module, "PICTURES", 1)


def load(selection=Selection.TOWNS):
    out = StringIO()
    call_command("load_atlas", selection=selection, stdout=out)
    return out.getvalue()


def test_loads_countries_cities_and_pictures():
    assert "Cities over 15,000 people: 3 of 3" in load()
    assert City.objects.count() == 3
    assert Country.objects.count() > 200
    [photo] = Photo.objects.all()
    assert photo.city.name == "Hamburg"
    assert photo.image.read()[:2] == b"\xff\xd8"  # a JPEG


def test_second_run_does_nothing_and_what_was_deleted_stays_deleted():
    load()
    City.objects.get(name="Munich").delete()
    Photo.objects.all().delete()
    assert "nothing to do" in load()
    assert "nothing to do" in load(Selection.LARGE)
    load(Selection.ALL)
    assert (City.objects.count(), Photo.objects.count()) == (2, 0)


def test_interrupted_run_is_taken_up_again(monkeypatch):
    create = City.objects.bulk_create

    def interrupted(batch):
        if City.objects.exists():
            raise KeyboardInterrupt
        return create(batch)

    with monkeypatch.context() as patch:
        patch.setattr(module, "BATCH", 1)
        patch.setattr(City.objects, "bulk_create", interrupted)
        with pytest.raises(CommandError, match="the next run goes on here"):
            load()
    assert (City.objects.count(), Import.objects.count()) == (1, 0)
    assert "2 of 2" in load()
    assert City.objects.count() == 3


def test_says_why_it_loads_less_on_the_python_server(monkeypatch):
    monkeypatch.setattr(module, "is_slow", lambda connection: True)
    assert "Loading the cities over 100,000 people only" in load(selection=None)
    assert set(Import.objects.values_list("name", flat=True)) == {"LARGE", "pictures"}
