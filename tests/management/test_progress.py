"""A bar on a terminal, lines elsewhere, and texts that do nothing to either."""

import io

import pytest
from django.core.management.base import OutputWrapper

from mongo_contrib.management import progress as module
from mongo_contrib.management.printable import amount, printable
from mongo_contrib.management.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """``clock.now`` is the time."""

    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setenv("COLUMNS", "80")
    return clock


def test_a_bar_with_the_time_that_is_left(clock):
    stream = Terminal()
    with Progress(OutputWrapper(stream), "Copying", 2048) as progress:
        clock.now += 5
        progress.advance(512)
        clock.now += 0.01
        progress.advance(1)  # too soon to draw it anew
        clock.now += 5
        progress.advance(2048 - 513)
    first, quarter, full, end = stream.getvalue().split("\r\x1b[K")[1:]
    assert first == "Copying [------------------------] 0 B of 2.0 KiB"
    assert quarter == "Copying [######------------------] 512 B of 2.0 KiB, 15.0 s left"
    assert full == "Copying [########################] 2.0 KiB of 2.0 KiB"
    assert end == "Copying: 2.0 KiB of 2.0 KiB in 10.0 s\n"


def test_lines_now_and_then_where_there_is_no_terminal(clock):
    stream = io.StringIO()
    with Progress(OutputWrapper(stream), "Looking", 4000, unit="files") as progress:
        for _ in range(4):
            clock.now += 6
            progress.advance(1000)
    assert stream.getvalue().splitlines() == [
        "Looking: 2,000 of 4,000 files, 12.0 s left",
        "Looking: 4,000 of 4,000 files",
        "Looking: 4,000 of 4,000 files in 24.0 s",
    ]


def test_without_a_total_or_without_a_stream(clock):
    stream = io.StringIO()
    with Progress(OutputWrapper(stream), "Reading") as progress:
        progress.advance(3 * 1024**3)
        clock.now += 3723
    assert stream.getvalue() == "Reading: 3.0 GiB in 1:02:03 h\n"
    with Progress(None, "silent", 7) as progress:
        clock.now += 60
        progress.advance(7)
        progress.clear()


def test_an_end_before_the_end(clock):
    stream = Terminal()
    with pytest.raises(KeyError), Progress(OutputWrapper(stream), "Reading", 10) as progress:
        clock.now += 1
        progress.advance(5)
        raise KeyError
    assert stream.getvalue().endswith("\r\x1b[KReading: 5 B of 10 B broken off after 1.0 s\n")


def test_a_line_that_is_longer_than_the_terminal(clock):
    stream = Terminal()
    with Progress(OutputWrapper(stream), "x" * 200 + "\x1b[2J", 10):
        pass
    drawn = stream.getvalue().split("\r\x1b[K")[1]
    assert len(drawn) == 79
    assert drawn.endswith("0 B of 10 B")


def test_printable():
    assert printable("a\tb\r\n\x1b[31m\x9b\u202e\u2028\ud800 ä/ö 漢") == (
        "a\\x09b\\x0d\\x0a\\x1b[31m\\x9b\\u202e\\u2028\\ud800 ä/ö 漢"
    )
    assert printable("\U000e0001") == "\\U000e0001"
    assert [amount(size) for size in (0, 1023, 1024, 1536, 1024**2 * 5, 1024**6)] == [
        "0 B", "1023 B", "1.0 KiB", "1.5 KiB", "5.0 MiB", "1024.0 PiB",
    ]  # fmt: skip
