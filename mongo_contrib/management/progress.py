"""How far a command is: a bar on a terminal, a line now and then anywhere else."""

import shutil
import time
from types import TracebackType
from typing import Any

from mongo_contrib.management.printable import amount, printable

__all__ = ["Progress"]

WIDTH = 24
REDRAWN = 0.1  # seconds between two drawings of the bar
TOLD = 10.0  # seconds between two lines where there is no terminal
CLEARED = "\r\033[K"


class Progress:
    """A context manager; `stream` is a command's ``stderr``, usually, and None is silent.

    Without a total there is no bar and no time that is left. What is counted are bytes, or
    whatever `unit` says.
    """

    def __init__(
        self, stream: Any, label: str, total: int | None = None, *, unit: str = "bytes"
    ) -> None:
        self.stream, self.label, self.total, self.unit = stream, printable(label), total, unit
        self.done = 0
        self._live = stream is not None and stream.isatty()
        self._pause = REDRAWN if self._live else TOLD

    def __enter__(self) -> "Progress":
        self._started = self._told = time.monotonic()
        self._tell()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.stream is None:
            return
        self.clear()
        if exc is None or self.done:
            end = f"{'in' if exc is None else 'broken off after'} {_duration(self._seconds)}"
            self._write(f"{self.label}: {self._counted()} {end}\n")

    def advance(self, count: int) -> None:
        """So much more has been done."""
        self.done += count
        now = time.monotonic()
        if now - self._told >= self._pause:
            self._told = now
            if not self._live and self.stream is not None:
                self._write(f"{self.label}: {self._counted()}{self._left()}\n")
            self._tell()

    def clear(self) -> None:
        """Take the bar away for a line of something else; the next advance() brings it back."""
        if self._live:
            self._write(CLEARED)

    def _tell(self) -> None:
        if not self._live:
            return
        columns = shutil.get_terminal_size().columns - 1
        bar = ""
        if self.total:
            filled = min(WIDTH, WIDTH * self.done // self.total)
            bar = f" [{'#' * filled}{'-' * (WIDTH - filled)}]"
        rest = f"{bar} {self._counted()}{self._left()}"
        label = self.label[: max(8, columns - len(rest))]
        self._write(f"{CLEARED}{label}{rest}"[: columns + len(CLEARED)])

    def _counted(self) -> str:
        told = amount if self.unit == "bytes" else "{:,}".format
        text = f"{told(self.done)} of {told(self.total)}" if self.total else told(self.done)
        return text if self.unit == "bytes" else f"{text} {self.unit}"

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._started

    def _left(self) -> str:
        seconds = self._seconds
        if not self.total or not 0 < self.done < self.total or seconds < 1:
            return ""
        return f", {_duration(seconds / self.done * (self.total - self.done))} left"

    def _write(self, text: str) -> None:
        # Of no colour: that of a command's stderr says that something is wrong.
        self.stream.write(text, str, "")
        self.stream.flush()


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"
