"""SequenceField: numbers that are given once."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core import serializers
from django.core.management import call_command
from django.db import IntegrityError, connections, transaction
from django.forms import modelform_factory
from django.test.utils import isolate_apps, override_settings

from mongo_contrib.db import get_connection
from mongo_contrib.documents import Document, SequenceField
from mongo_contrib.documents.sequences import counter_specs
from mongo_contrib.test import CaptureCommands
from tests.testapp.models import Anything, CountedLine, CountedOrder, Invoice, Receipt

number = Invoice._meta.get_field("number")


@pytest.mark.django_db
def test_numbers_are_given_at_the_first_save():
    first, second = Invoice(), Invoice()
    assert first.number is None
    first.save()
    second.save()
    first.title = "again"
    first.save()
    assert (first.number, second.number) == (1, 2)
    assert (first.serial, second.serial) == (100, 110)
    assert (first.text, second.text) == ("INV-00001", "INV-00002")
    read = Invoice.objects.get(text="INV-00002")
    assert (read.number, read.serial, read.text) == (2, 110, "INV-00002")
    assert list(Invoice.objects.filter(number__gte="2")) == [second]


@pytest.mark.django_db
def test_a_number_of_ones_own_is_kept():
    assert Invoice.objects.create(number=77).number == 77
    assert Invoice.objects.create().number == 1


@pytest.mark.django_db
def test_a_shared_sequence_counts_for_all():
    serials = [Invoice.objects.create().serial, Receipt.objects.create().serial]
    assert [*serials, Invoice.objects.create().serial] == [100, 110, 120]


@pytest.mark.django_db
def test_it_can_be_the_primary_key():
    receipts = [Receipt.objects.create() for _ in range(2)]
    assert [receipt.pk for receipt in receipts] == [1, 2]
    assert Receipt.objects.collection.count_documents({"_id": {"$in": [1, 2]}}) == 2
    assert [each.pk for each in Receipt.objects.bulk_create([Receipt(), Receipt()])] == [3, 4]


@pytest.mark.django_db
def test_it_counts_inside_embedded_documents():
    order = CountedOrder.objects.create(lines=[CountedLine(text="a"), {"text": "b"}])
    order.lines.append(CountedLine(text="c"))
    order.save()
    assert [line.number for line in CountedOrder.objects.get().lines] == [1, 2, 3]


@pytest.mark.django_db
def test_bulk_create_takes_a_block_by_one_command():
    Invoice.objects.create()
    with CaptureCommands() as sent:
        made = Invoice.objects.bulk_create([*(Invoice() for _ in range(5)), Invoice(number=99)])
    assert [each.number for each in made] == [2, 3, 4, 5, 6, 99]
    assert [each.serial for each in made] == [110, 120, 130, 140, 150, 160]
    assert sent.names.count("findAndModify") == 3


@pytest.mark.django_db
def test_counters_are_looked_at_and_set():
    assert number.peek() == 1
    assert number.next_value() == 1
    assert number.next_values(3) == [2, 3, 4]
    assert number.peek() == 5
    number.set_next(1000)
    assert Invoice.objects.create().number == 1000
    text = Invoice._meta.get_field("text")
    assert text.peek() == "INV-00002"


@pytest.mark.django_db
def test_counters_catch_up_with_what_is_stored():
    Invoice.objects.create(number=41)
    number.catch_up()
    assert Invoice.objects.create().number == 42
    number.set_next(100)
    number.catch_up()
    # Never back.
    assert number.peek() == 100


@pytest.mark.django_db
def test_loaded_fixtures_are_counted_on_from(tmp_path):
    made = [Invoice.objects.create() for _ in range(3)]
    file = tmp_path / "invoices.json"
    file.write_text(serializers.serialize("json", made))
    Invoice.objects.all().delete()
    number.set_next(1)
    call_command("loaddata", str(file), verbosity=0)
    assert Invoice.objects.create().number == 4


@pytest.mark.django_db
def test_numbers_of_failed_saves_are_gaps():
    Invoice.objects.create(title="once")
    with pytest.raises(IntegrityError):
        Invoice.objects.create(title="once")
    assert Invoice.objects.create().number == 3


@pytest.mark.needs("transactions")
@pytest.mark.django_db(transaction=True)
def test_counters_are_outside_of_transactions():
    class Undone(Exception):
        pass

    with pytest.raises(Undone), transaction.atomic():
        assert Invoice.objects.create().number == 1
        # Another connection counts meanwhile: no write conflict, no waiting.
        assert in_a_thread(number.next_value) == 2
        assert Invoice.objects.create().number == 3
        raise Undone
    assert not Invoice.objects.exists()
    assert Invoice.objects.create().number == 4


def in_a_thread(function):
    def run():
        try:
            return function()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


@pytest.mark.django_db(transaction=True)
def test_threads_get_no_number_twice():
    def take(_):
        try:
            # The first of all make the counter at the same moment.
            return [number.next_value() for _ in range(10)] + number.next_values(5)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        taken = sorted(value for values in pool.map(take, range(8)) for value in values)
    assert len(taken) == len(set(taken)) == 120
    # One of those that make the counter may be answered with nothing, on servers that do that
    # (docs/embedded.md): that number is nobody's then.
    assert taken[0] == 1 and taken[-1] < 120 + 8


TAKE = """
import django; django.setup()
from tests.testapp.models import Invoice
print(*(Invoice.objects.create().number for _ in range(15)))
"""


@pytest.mark.django_db(transaction=True)
def test_processes_get_no_number_twice():
    name = get_connection().database_name
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "MONGO_TEST_NAME": name,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    running = [
        subprocess.Popen(
            [sys.executable, "-c", TAKE], env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    taken = sorted(int(value) for each in running for value in each.communicate()[0].split())
    assert taken == list(range(1, 46))
    assert sorted(Invoice.objects.values_list("number", flat=True)) == taken


@pytest.mark.django_db(transaction=True)
async def test_the_native_twins_count_too():
    assert await number.anext_value() == 1
    assert await number.anext_values(2) == [2, 3]
    assert await number.apeek() == 4
    await number.aset_next(10)
    assert (await Invoice.objects.acreate()).number == 10
    await number.aset_next(5)
    await number.acatch_up()
    assert await number.apeek() == 11


@pytest.mark.django_db
def test_the_collection_is_declared_and_named_by_a_setting():
    (spec,) = counter_specs("default")
    assert spec.name == "mongo_contrib_sequences"
    assert "testapp.Invoice" in spec.source
    with override_settings(MONGO_SEQUENCE_COLLECTION="counters"):
        assert counter_specs("default")[0].name == "counters"
        Invoice.objects.create()
    stored = get_connection().database["counters"].find_one({"_id": "testapp_invoice.number"})
    assert stored == {"_id": "testapp_invoice.number", "last": 1}


def test_forms_leave_it_out():
    assert list(modelform_factory(Invoice, fields="__all__").base_fields) == ["title"]


def test_it_can_be_cloned_and_rebuilt():
    for name in ("number", "serial", "text"):
        field = Invoice._meta.get_field(name)
        assert field.clone().deconstruct()[3] == field.deconstruct()[3]


@isolate_apps("tests.testapp")
@pytest.mark.parametrize("options", [{"step": 0}, {"step": -1}, {"start": "x"}, {"step": 0.5}])
def test_it_counts_upward_in_whole_steps(options):
    class Wrong(Document):
        n = SequenceField(**options)

        class Meta:
            app_label = "testapp"

    assert "mongo_contrib.E052" in [error.id for error in Wrong.check()]


def test_documents_without_one_are_not_counted():
    assert not any(hasattr(field, "prepare_many") for field in Anything._meta.concrete_fields)
