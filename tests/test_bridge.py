"""Synchronous code that awaits: what native() promises, whatever it runs."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
from contextvars import ContextVar

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import SynchronousOnlyOperation

from mongo_contrib.bridge import Bridge, in_bridge, native, stream, wait

variable = ContextVar("variable", default="outside")


async def later(value):
    await asyncio.sleep(0)
    return value


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    gc.collect()
    assert not [each for each in gc.get_objects() if type(each) is Bridge and not each.dead]


async def test_a_function_gets_its_arguments_and_gives_its_result():
    def add(one, /, two, *, three, **more):
        return (one, two, three, more)

    result = await native(add, 1, 2, three=3, function="any name")
    assert result == (1, 2, 3, {"function": "any name"})


async def test_what_it_waits_for_is_awaited_while_others_run():
    turns = []

    def work(name):
        for number in range(3):
            turns.append((name, wait(later(number))))
        return name

    assert await asyncio.gather(native(work, "a"), native(work, "b")) == ["a", "b"]
    assert turns == [(name, number) for number in range(3) for name in "ab"]


async def test_any_awaitable_can_be_waited_for():
    future = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(later("task"))
    asyncio.get_running_loop().call_soon(future.set_result, "future")
    assert await native(lambda: (wait(future), wait(task))) == ("future", "task")


async def test_everything_runs_in_the_threads_own_place():
    seen = []

    def work():
        seen.append(threading.get_ident())
        wait(later(None))
        seen.append(threading.get_ident())
        return asyncio.get_running_loop(), asyncio.current_task()

    assert await native(work) == (asyncio.get_running_loop(), asyncio.current_task())
    assert set(seen) == {threading.get_ident()}


async def test_errors_go_both_ways():
    async def failing():
        await asyncio.sleep(0)
        raise LookupError("there")

    def work():
        with contextlib.suppress(LookupError):
            wait(failing())
        raise KeyError("here")

    with pytest.raises(KeyError, match="here"):
        await native(work)
    with pytest.raises(LookupError, match="there"):
        await native(lambda: wait(failing()))


async def test_context_variables_are_the_tasks():
    async def change():
        variable.set("awaited")

    def work():
        assert variable.get() == "task"
        wait(change())
        assert variable.get() == "awaited"
        variable.set("function")

    variable.set("task")
    await native(work)
    assert variable.get() == "function"


async def test_tasks_that_take_turns_keep_their_context_variables():
    def work(name):
        variable.set(name)
        for _ in range(3):
            wait(asyncio.sleep(0))
            assert variable.get() == name

    await asyncio.gather(*(asyncio.create_task(native(work, name)) for name in "abc"))


async def test_a_cancelled_task_is_told_where_it_waits_and_may_clean_up():
    steps = []

    def work():
        try:
            wait(asyncio.sleep(60))
        except asyncio.CancelledError:
            steps.append("cancelled")
            raise
        finally:
            steps.append(wait(later("cleaned up")))

    task = asyncio.create_task(native(work))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == ["cancelled", "cleaned up"]


async def test_a_time_limit_ends_what_it_waits_for():
    def work():
        with pytest.raises(TimeoutError):
            wait(asyncio.wait_for(asyncio.sleep(60), 0.01))
        wait(asyncio.sleep(60))

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await native(work)


def test_a_coroutine_that_is_given_up_unwinds_its_function():
    steps = []

    def work():
        try:
            wait(asyncio.sleep(60))
        finally:
            steps.append("unwound")
            wait(later(None))
            steps.append("never")

    coroutine = native(work)
    loop = asyncio.new_event_loop()

    async def begin():
        coroutine.send(None)

    loop.run_until_complete(begin())
    loop.close()
    coroutine.close()
    assert steps == ["unwound"]


async def test_a_function_that_swallows_its_end_has_ended():
    def work():
        with contextlib.suppress(BaseException):
            wait(asyncio.sleep(60))
        return "done"

    coroutine = native(work)
    coroutine.send(None)
    coroutine.close()


async def test_within_what_is_waited_for_another_may_begin():
    async def inner():
        return await native(lambda: wait(later("inner")))

    def work():
        return wait(inner()), wait(native(lambda: wait(later("direct"))))

    assert await native(work) == ("inner", "direct")


async def test_outside_there_is_nothing_to_wait_with(recwarn):
    assert not in_bridge()
    assert await native(in_bridge)
    with pytest.raises(SynchronousOnlyOperation, match="native"):
        wait(later(None))
    # Nor was the coroutine left behind without having been awaited.
    gc.collect()
    assert not recwarn


async def test_what_starts_a_loop_of_its_own_is_refused_there():
    """It would block this one; wait() is what to use."""
    with pytest.raises(RuntimeError, match="same thread as an async event loop"):
        await native(async_to_sync(later), 1)


def test_two_loops_in_two_threads_do_not_meet():
    results = {}

    def work(name):
        for _ in range(50):
            assert wait(later(name)) == name
        return threading.get_ident()

    def run(name):
        results[name] = (asyncio.run(native(work, name)), threading.get_ident())

    threads = [threading.Thread(target=run, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 2
    assert all(inside == outside for inside, outside in results.values())


async def test_no_thread_is_started():
    before = threading.active_count()
    await asyncio.gather(*(native(lambda: wait(later(1))) for _ in range(20)))
    assert threading.active_count() == before


# Streams


class Numbers:
    """Numbers that have to be waited for, and whether they were closed."""

    def __init__(self, end, fails_at=None):
        self.taken, self.closed, self.end, self.fails_at = 0, False, end, fails_at

    def __iter__(self):
        try:
            for number in range(self.end):
                if number == self.fails_at:
                    raise LookupError(number)
                self.taken += 1
                yield wait(later(number))
        finally:
            wait(later(None))
            self.closed = True


@pytest.mark.parametrize("end", [0, 1, 9, 10, 11, 25])
async def test_a_stream_yields_everything_in_order(end):
    numbers = Numbers(end)
    assert [number async for number in stream(iter(numbers), 10)] == list(range(end))
    assert numbers.closed


async def test_a_stream_takes_no_more_than_a_batch_ahead():
    numbers = Numbers(100)
    async for number in stream(iter(numbers), 10):
        assert numbers.taken <= number + 10


async def test_what_comes_before_an_error_is_yielded():
    seen = []
    with pytest.raises(LookupError):
        async for number in stream(iter(Numbers(100, fails_at=13)), 10):
            seen.append(number)
    assert seen == list(range(13))


async def test_a_stream_that_is_closed_closes_its_iterator():
    numbers = Numbers(100)
    async with contextlib.aclosing(stream(iter(numbers), 10)) as found:
        async for _ in found:
            break
    assert numbers.closed


async def test_a_stream_that_is_left_is_closed_by_the_loop():
    numbers = Numbers(100)
    async for _ in stream(iter(numbers), 10):
        break
    gc.collect()
    await asyncio.sleep(0.01)
    assert numbers.closed


def test_a_loops_end_closes_its_streams():
    numbers, kept = Numbers(100), []

    async def work():
        kept.append(stream(iter(numbers), 10))
        await anext(kept[0])

    asyncio.run(work())
    assert numbers.closed


async def test_it_costs_little():
    """A bound that only a different order of magnitude breaks."""
    start = time.thread_time()
    for _ in range(1_000):
        await native(int)
    assert time.thread_time() - start < 0.5
