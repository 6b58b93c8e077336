"""Signals of documents in a project that has an SQL database, too."""

import textwrap

import pytest

SCRIPT = """
import asyncio, threading
from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation
from django.db import connections
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from mongo_contrib.bridge import native
from mongo_contrib.transaction import aatomic
from tests.mixedapp.models import Invoice, Visit

@receiver(post_save, sender=Visit)
def bill(instance, **named):
    # A row and a document, in one synchronous receiver.
    Invoice.objects.create(number=f"{instance.guest} 1")
    Visit.objects.filter(pk=instance.pk).update(invoice=f"{instance.guest} 1")
    assert Visit.objects.get(pk=instance.pk).invoice
    assert [visit.guest for visit in Visit.objects.iterator(chunk_size=1)]

@receiver(post_save, sender=Visit)
async def bill_again(instance, **named):
    await Invoice.objects.acreate(number=f"{instance.guest} 2")
    await Visit.objects.filter(pk=instance.pk).aupdate(invoice=f"{instance.guest} 2")

@receiver(post_delete, sender=Visit)
def cancel(instance, **named):
    Invoice.objects.filter(number__startswith=instance.guest).delete()
    assert not Visit.objects.filter(pk=instance.pk).exists()

async def main():
    visit = await Visit.objects.acreate(guest="Momo")
    print("created", sorted([each.number async for each in Invoice.objects.all()]))
    print("changed", (await Visit.objects.aget()).invoice)
    try:
        async with aatomic("{alias}"):
            await Visit.objects.acreate(guest="Beppo")
            print("inside", await Visit.objects.acount())
            raise LookupError
    except LookupError:
        # What the receivers wrote to MongoDB went with it; SQL has transactions of its own.
        print("rolled back", [each.guest async for each in Visit.objects.all()])
    await visit.adelete()
    print("deleted", sorted([each.number async for each in Invoice.objects.all()]))
    try:
        await native(Invoice.objects.count)
    except SynchronousOnlyOperation:
        print("rows are refused on the loop")
    visits = (Visit.objects.acreate(guest=str(n)) for n in range(5))
    print("threads", await asyncio.gather(*visits))
    # The thread's own, of SQLite, which complains if it is left open.
    await sync_to_async(connections.close_all)()

asyncio.run(main())
Visit.objects.create(guest="Gigi")
print("synchronously", Visit.objects.get(guest="Gigi").invoice)
connections.close_all()
"""


@pytest.mark.needs("transactions")
@pytest.mark.parametrize("default", ["sql", "mongo"])
def test_receivers_use_rows_and_documents(mixed, default):
    manage = mixed(MIXED_DEFAULT=default)
    sql, mongo = ("default", "mongo") if default == "sql" else ("sql", "default")
    manage("migrate", "--database", sql, "--run-syncdb", "-v", "0")
    manage("migrate", "--database", mongo, "-v", "0")
    output = manage("shell", "-v", "0", "-c", textwrap.dedent(SCRIPT.replace("{alias}", mongo)))
    assert output.splitlines() == [
        "created ['Momo 1', 'Momo 2']",
        "changed Momo 2",
        "inside 2",
        "rolled back ['Momo']",
        "deleted ['Beppo 1', 'Beppo 2']",
        "rows are refused on the loop",
        "threads [<Visit: 0>, <Visit: 1>, <Visit: 2>, <Visit: 3>, <Visit: 4>]",
        "synchronously Gigi 2",
    ]
