"""Transactions on an event loop, transactions that are repeated, and errors inside them."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.db import (
    IntegrityError,
    NotSupportedError,
    OperationalError,
    connections,
    transaction,
)
from django.db.transaction import TransactionManagementError

from mongo_contrib.bridge import native
from mongo_contrib.exceptions import CommitUncertain, WriteConflict
from mongo_contrib.repository import Repository
from mongo_contrib.test import CaptureCommands
from mongo_contrib.transaction import aatomic, aon_commit, retry
from tests.testapp.models import Author, Book

pytestmark = pytest.mark.needs("transactions")


class Oops(Exception):
    """What a block of these tests ends with."""


@pytest.fixture
def people(repository):
    people = repository("people")
    people.insert_one({"_id": 1, "n": 0})
    return people


async def outside(people):
    """What the server has for everybody else."""
    return await people.acollection.count_documents({})


# aatomic


async def test_a_block_that_ends_well_is_committed(people):
    async with aatomic():
        await people.ainsert_one({"_id": 2})
        assert await people.acount() == 2
        assert [each["_id"] async for each in people.afind()] == [1, 2]
        assert len([each async for each in people.aaggregate([])]) == 2
        assert await outside(people) == 1
    assert await outside(people) == 2


async def test_a_block_that_fails_leaves_nothing(people):
    with pytest.raises(Oops):
        async with aatomic():
            await people.ainsert_one({"_id": 2})
            await people.adelete_many({"_id": 1})
            raise Oops
    assert [each async for each in people.afind()] == [{"_id": 1, "n": 0}]


async def test_documents_and_query_sets_join(people):
    with pytest.raises(Oops):
        async with aatomic():
            author = await Author.objects.acreate(name="Ende")
            book = Book(title="Momo", author=author)
            await book.asave()
            await Book.objects.abulk_create([Book(title="Jim Knopf"), Book(title="Der Spiegel")])
            await Book.objects.filter(title="Momo").aupdate(pages=300)
            assert (await anext(Book.objects.aiterator())).title == "Momo"
            assert await author.books.acount() == 1
            assert await Book.objects.acount() == 3
            raise Oops
    assert not await Book.objects.aexists()
    assert not await Author.objects.aexists()


async def test_synchronous_code_in_the_block_joins(people):
    def work():
        people.insert_one({"_id": 2})
        with transaction.atomic():
            people.insert_one({"_id": 3})

    async with aatomic():
        await native(work)
        assert await people.acount() == 3
        assert await outside(people) == 1
    assert await outside(people) == 3


async def test_pymongo_itself_joins_by_the_session(people):
    def insert():
        session = connections["default"].session
        people.collection.insert_one({"_id": 2}, session=session)
        people.collection.insert_one({"_id": 3})

    with pytest.raises(Oops):
        async with aatomic():
            await native(insert)
            assert await people.acount() == 2
            raise Oops
    assert await outside(people) == 2


async def test_an_inner_block_joins_the_outer_one(people):
    with pytest.raises(Oops):
        async with aatomic():
            async with aatomic():
                await people.ainsert_one({"_id": 2})
            raise Oops
    assert await outside(people) == 1


async def test_an_inner_block_that_fails_ends_the_outer_one(people):
    async with aatomic():
        with pytest.raises(Oops):
            async with aatomic():
                await people.ainsert_one({"_id": 2})
                raise Oops
        with pytest.raises(TransactionManagementError, match="inner atomic block failed"):
            await people.afind_one()
    assert await outside(people) == 1


async def test_a_coroutine_function_can_be_a_block(people):
    @aatomic
    async def good():
        """A docstring."""
        await people.ainsert_one({"_id": 2})
        return "result"

    @aatomic(using="default")
    async def bad():
        await people.ainsert_one({"_id": 3})
        raise Oops

    assert (await good(), good.__doc__) == ("result", "A docstring.")
    with pytest.raises(Oops):
        await bad()
    assert sorted(await people.adistinct("_id")) == [1, 2]


async def test_one_decorated_function_can_run_in_several_tasks_at_once(people):
    @aatomic
    async def insert(key, fail):
        await people.ainsert_one({"_id": key})
        await asyncio.sleep(0.01)
        if fail:
            raise Oops

    results = await asyncio.gather(
        *(insert(key, key % 2) for key in range(10, 20)), return_exceptions=True
    )
    assert [type(each) for each in results] == [type(None), Oops] * 5
    assert sorted(await people.adistinct("_id")) == [1, 10, 12, 14, 16, 18]


def test_a_function_that_is_no_coroutine_is_told_which_decorator_it_wants():
    with pytest.raises(TypeError, match="atomic\\(\\) decorates the others"):

        @aatomic
        def function():
            pass


async def test_durable_blocks_refuse_to_be_nested(people):
    async with aatomic():
        with pytest.raises(RuntimeError, match="durable"):
            async with aatomic(durable=True):
                pass


async def test_a_block_is_for_a_database_of_ours(people):
    with pytest.raises(ImproperlyConfigured, match="'sql' is not an alias"):
        async with aatomic("sql"):
            pass


async def test_an_empty_block_sends_nothing(people):
    await people.acount()
    with CaptureCommands() as captured:
        async with aatomic():
            pass
    assert captured.names == []


async def test_set_rollback_rolls_back(people):
    async with aatomic():
        await people.ainsert_one({"_id": 2})
        transaction.set_rollback(True)
    assert await outside(people) == 1


async def test_a_cancelled_block_is_rolled_back(people):
    inside = asyncio.Event()

    async def work():
        async with aatomic():
            await people.ainsert_one({"_id": 2})
            inside.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # Nothing of it holds the document.
    await people.ainsert_one({"_id": 2})


async def test_two_tasks_have_a_transaction_each(people):
    async def work(key, turn):
        async with aatomic():
            await people.ainsert_one({"_id": key})
            turn.wait_at.append(key)
            while len(turn.wait_at) < 2:
                await asyncio.sleep(0)
            assert await people.acount() == 2
            if key == 3:
                raise Oops

    class Turn:
        wait_at: list[int] = []

    results = await asyncio.gather(work(2, Turn), work(3, Turn), return_exceptions=True)
    assert [type(each) for each in results] == [type(None), Oops]
    assert sorted(await people.adistinct("_id")) == [1, 2]


async def test_synchronous_blocks_of_two_tasks_are_apart(people):
    """They take turns on one thread, in the middle of Django's own atomic()."""
    entered = []

    def work(key):
        with transaction.atomic():
            people.insert_one({"_id": key})
            entered.append(key)
            for _ in range(5):
                assert people.count() == 2
            if key == 3:
                raise Oops

    results = await asyncio.gather(native(work, 2), native(work, 3), return_exceptions=True)
    assert [type(each) for each in results] == [type(None), Oops]
    assert sorted(await people.adistinct("_id")) == [1, 2]


# Tasks and threads that are started inside


async def test_a_task_that_is_started_inside_may_not_join(people):
    async with aatomic():
        await people.ainsert_one({"_id": 2})
        with pytest.raises(TransactionManagementError, match="inside an atomic block of another"):
            await asyncio.create_task(people.afind_one())
        with pytest.raises(TransactionManagementError, match="by two at once"):
            await asyncio.gather(people.afind_one())
        # The block itself is not troubled by that.
        assert await people.acount() == 2
    assert await outside(people) == 2


async def test_a_task_that_outlives_the_block_is_free_then(people):
    ended = asyncio.Event()

    async def later():
        await ended.wait()
        async with aatomic():
            return await people.acount()

    async with aatomic():
        await people.ainsert_one({"_id": 2})
        task = asyncio.create_task(later())
        await asyncio.sleep(0)
    async with aatomic():
        # Nor is this block, which it was not started in, any business of it.
        await people.ainsert_one({"_id": 3})
        ended.set()
        assert await task == 2


async def test_a_task_from_before_the_block_is_not_in_it(people):
    go = asyncio.Event()

    async def other():
        await go.wait()
        return await people.acount()

    await people.acount()
    task = asyncio.create_task(other())
    async with aatomic():
        await people.ainsert_one({"_id": 2})
        go.set()
        assert await task == 1


async def test_a_task_with_a_context_of_its_own_is_outside(people):
    async with aatomic():
        await people.ainsert_one({"_id": 2})
        task = asyncio.create_task(people.acount(), context=contextvars.Context())
        assert await task == 1


async def test_a_thread_that_is_started_inside_may_not_work_outside_unknowingly(people):
    async with aatomic():
        await people.ainsert_one({"_id": 2})
        with pytest.raises(TransactionManagementError, match="sync_to_async"):
            await sync_to_async(people.count)()
    assert await sync_to_async(people.count)() == 2


async def test_synchronous_verbs_are_refused_in_a_block_too(people):
    async with aatomic():
        with pytest.raises(SynchronousOnlyOperation, match="native"):
            people.count()


# on_commit


async def test_hooks_of_both_kinds_run_after_the_commit_and_see_it(people):
    seen = []

    async def coroutine():
        await asyncio.sleep(0)
        seen.append(("async", await outside(people), threading.get_ident()))

    def function():
        seen.append(("sync", people.count(), threading.get_ident()))

    async with aatomic():
        await people.ainsert_one({"_id": 2})
        transaction.on_commit(function)
        await aon_commit(coroutine)
        assert seen == []
    assert seen == [("sync", 2, threading.get_ident()), ("async", 2, threading.get_ident())]


async def test_hooks_of_a_failed_block_do_not_run(people):
    seen = []
    with pytest.raises(Oops):
        async with aatomic():
            transaction.on_commit(lambda: seen.append(1))
            raise Oops
    async with aatomic():
        pass
    assert seen == []


async def test_outside_of_a_block_a_hook_runs_at_once(people):
    seen = []

    async def coroutine():
        seen.append(await people.acount())

    transaction.on_commit(lambda: seen.append("sync"))
    await aon_commit(coroutine)
    assert seen == ["sync", 1]


def test_a_coroutine_function_can_be_a_hook_of_a_synchronous_block(people):
    seen = []

    async def coroutine():
        seen.append(await people.acount())

    with transaction.atomic():
        people.insert_one({"_id": 2})
        transaction.on_commit(coroutine)
    assert seen == [2]


async def test_a_robust_hook_may_fail(people, caplog):
    seen = []

    async def failing():
        raise Oops

    async with aatomic():
        await aon_commit(failing, robust=True)
        await aon_commit(lambda: seen.append(1))
    assert seen == [1]
    assert "Error calling" in caplog.text


# retry


def disturb(people, calls):
    """Change in the first call what the transaction is about to change, from outside of it."""
    calls.append(people.find_one({"_id": 1})["n"])
    if len(calls) == 1:
        people.collection.update_one({"_id": 1}, {"$inc": {"n": 10}})


def test_a_transaction_that_loses_is_repeated(people):
    calls = []

    @retry
    def add(amount, *, twice=False):
        """A docstring."""
        disturb(people, calls)
        people.update_one({"_id": 1}, {"$set": {"n": calls[-1] + amount * (1 + twice)}})
        return "result"

    assert add(1, twice=True) == "result"
    assert calls == [0, 10]
    assert people.find_one({"_id": 1})["n"] == 12
    assert add.__doc__ == "A docstring."


async def test_so_is_one_of_a_coroutine_function(people):
    calls = []

    @retry(using="default", attempts=3)
    async def add(amount):
        await native(disturb, people, calls)
        await people.aupdate_one({"_id": 1}, {"$set": {"n": calls[-1] + amount}})
        return "result"

    assert await add(1) == "result"
    assert calls == [0, 10]
    assert (await people.afind_one({"_id": 1}))["n"] == 11


async def test_and_one_of_a_function_that_native_runs(people):
    calls = []

    @retry
    def add():
        disturb(people, calls)
        people.update_one({"_id": 1}, {"$set": {"n": calls[-1] + 1}})

    await native(add)
    assert (await people.afind_one({"_id": 1}))["n"] == 11


async def test_many_at_once_all_get_through(people):
    @retry(attempts=100)
    async def add():
        number = (await people.afind_one({"_id": 1}))["n"]
        await people.aupdate_one({"_id": 1}, {"$set": {"n": number + 1}})

    await asyncio.gather(*(add() for _ in range(8)))
    assert (await people.afind_one({"_id": 1}))["n"] == 8


def test_threads_that_collide_all_get_through(people):
    @retry(attempts=100)
    def add():
        number = people.find_one({"_id": 1})["n"]
        people.update_one({"_id": 1}, {"$set": {"n": number + 1}})

    def work():
        for _ in range(5):
            add()
        connections["default"].close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert people.find_one({"_id": 1})["n"] == 15


def test_hooks_run_once_for_what_was_committed(people):
    calls, seen = [], []

    @retry
    def add():
        disturb(people, calls)
        transaction.on_commit(lambda: seen.append(calls[-1]))
        people.update_one({"_id": 1}, {"$set": {"n": 1}})

    add()
    assert seen == [10]


def test_it_gives_up_and_says_so(people):
    calls = []

    @retry(attempts=3)
    def add():
        calls.append(people.find_one({"_id": 1}))
        people.collection.update_one({"_id": 1}, {"$inc": {"n": 1}})
        people.update_one({"_id": 1}, {"$set": {"n": -1}})

    with pytest.raises(WriteConflict) as caught:
        add()
    assert len(calls) == 3
    assert "gave up after 3 attempts" in caught.value.__notes__[0]


def test_time_ends_it_as_well(people):
    calls = []

    @retry(attempts=1000, seconds=0)
    def add():
        calls.append(1)
        raise WriteConflict("lost")

    with pytest.raises(WriteConflict):
        add()
    assert calls == [1]


@pytest.mark.parametrize("error", [Oops(), CommitUncertain("who knows"), IntegrityError("taken")])
def test_other_errors_are_not_repeated(people, error):
    calls = []

    @retry
    def work():
        calls.append(1)
        people.insert_one({"_id": 2})
        raise error

    with pytest.raises(type(error)):
        work()
    assert calls == [1]
    assert people.count() == 1


def test_a_loss_that_the_function_has_hidden_is_seen(people):
    """Django would roll back without a word, as it does after each error that was caught."""
    calls = []

    @retry
    def add():
        disturb(people, calls)
        try:
            people.update_one({"_id": 1}, {"$set": {"n": 1}})
        except OperationalError:
            return "lost"
        return "won"

    assert add() == "won"
    assert people.find_one({"_id": 1})["n"] == 1


def test_a_loss_that_was_caught_and_met_again_is_seen(people):
    calls = []

    @retry
    def add():
        disturb(people, calls)
        try:
            people.update_one({"_id": 1}, {"$set": {"n": 1}})
        except OperationalError:
            people.count()

    add()
    assert people.find_one({"_id": 1})["n"] == 1


def test_inside_a_block_it_joins_and_leaves_repeating_to_the_outermost(people):
    calls, outer = [], []

    @retry
    def add():
        disturb(people, calls)
        people.update_one({"_id": 1}, {"$set": {"n": calls[-1] + 1}})

    with pytest.raises(WriteConflict, match="repeat the whole atomic"), transaction.atomic():
        add()
    assert calls == [0]

    @retry
    def both():
        outer.append(1)
        people.insert_one({"_id": 2})
        add()

    calls.clear()
    both()
    assert (len(calls), len(outer)) == (2, 2)
    assert people.find_one({"_id": 1})["n"] == 21


async def test_inside_an_asynchronous_block_it_joins_too(people):
    @retry
    async def add():
        await people.ainsert_one({"_id": 2})

    with pytest.raises(Oops):
        async with aatomic():
            await add()
            assert await people.acount() == 2
            raise Oops
    assert await people.acount() == 1


def test_what_cannot_be_repeated_is_refused_at_once():
    with pytest.raises(TypeError, match="can't repeat"):

        @retry
        def numbers():
            yield 1

    with pytest.raises(TypeError, match="can't repeat"):

        @retry
        async def more_numbers():
            yield 1

    with pytest.raises(ValueError, match="at least 1"):
        retry(attempts=0)


def test_documents_know_after_a_repeat_what_is_stored(people):
    """The first attempt's save must not count as done."""
    book = Book.objects.create(title="Momo", pages=1)
    calls = []

    @retry
    def work():
        book.pages = 2
        book.save()
        disturb(people, calls)
        people.update_one({"_id": 1}, {"$set": {"n": 1}})

    work()
    assert len(calls) == 2
    assert Book.objects.get().pages == 2


@pytest.mark.needs("fail_points")
def test_servers_that_label_a_loss_and_servers_that_do_not(people, connection):
    # One test of both: a server has one such point, and the runner's workers share the server.
    for loss in (
        {"errorCode": 11602, "errorLabels": ["TransientTransactionError"]},
        {"errorCode": 112},
    ):
        connection.client.admin.command(
            "configureFailPoint",
            "failCommand",
            mode={"times": 1},
            data={"failCommands": ["update"], **loss},
        )
        calls = []

        @retry
        def work(calls=calls):
            calls.append(1)
            people.update_one({"_id": 1}, {"$set": {"n": 1}})

        work()
        assert len(calls) == 2


# Errors inside


def test_after_an_error_the_next_query_names_it_and_the_cure(people):
    with transaction.atomic():
        with pytest.raises(IntegrityError):
            people.insert_one({"_id": 1})
        with pytest.raises(TransactionManagementError) as caught:
            people.find_one()
    message = str(caught.value)
    assert "DATABASES['default']" in message
    assert "DuplicateKeyError: Duplicate value" in message
    assert "until the end of the 'atomic' block" in message
    assert "outside of the block" in message
    assert isinstance(caught.value.__cause__, IntegrityError)


def test_an_error_of_an_earlier_block_is_not_named(people):
    with transaction.atomic(), pytest.raises(IntegrityError):
        people.insert_one({"_id": 1})
    with transaction.atomic():
        with pytest.raises(Oops), transaction.atomic():
            raise Oops
        with pytest.raises(TransactionManagementError, match="inner atomic block failed"):
            people.find_one()


@pytest.mark.parametrize("stage", [{"$out": "other"}, {"$merge": "other"}])
def test_what_a_transaction_cannot_do_is_told(people, stage):
    with (
        pytest.raises(NotSupportedError, match="outside of atomic"),
        transaction.atomic(),
    ):
        list(people.aggregate([stage]))


def test_an_index_built_inside_is_not_part_of_it(people):
    from pymongo import IndexModel

    with pytest.raises(Oops), transaction.atomic():
        people.create_indexes([IndexModel("n", name="by_n")])
        raise Oops
    assert "by_n" in {index["name"] for index in people.list_indexes()}


def test_a_transaction_that_the_server_has_ended_says_so(people, connection):
    with pytest.raises(OperationalError, match="60 seconds") as caught, transaction.atomic():
        people.insert_one({"_id": 2})
        # By another way than the driver's own, which would know of it.
        connection.client.admin.command("abortTransaction", session=connection.session)
        people.insert_one({"_id": 3})
    assert isinstance(caught.value, WriteConflict)
    assert people.count() == 1


def test_a_repository_of_no_alias_uses_the_first(people):
    assert Repository("people").count() == 1
