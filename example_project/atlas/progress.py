import time


class Progress:
    """A progress bar on a terminal; one line at the end anywhere else.

    Used as a context manager: an interrupted bar ends its line before the traceback.
    """

    width = 30

    def __init__(self, stream, label, total):
        self.stream, self.label, self.total = stream, label, total
        self.done = 0
        self.live = stream.isatty()

    def __enter__(self):
        self.started = time.monotonic()
        self.draw()
        return self

    def __exit__(self, exc_type, exc, traceback):
        seconds = time.monotonic() - self.started
        self.stream.write(f"{self.bar()} {seconds:.1f} s\n" if self.live else self.plain(seconds))

    def advance(self, count):
        self.done += count
        self.draw()

    def draw(self):
        if self.live:
            self.stream.write(self.bar(), ending="\r")
            self.stream.flush()

    def bar(self):
        filled = self.width * self.done // self.total if self.total else self.width
        bar = "#" * filled + "-" * (self.width - filled)
        return f"{self.label} [{bar}] {self.done:,} of {self.total:,}"

    def plain(self, seconds):
        return f"{self.label}: {self.done:,} of {self.total:,} in {seconds:.1f} s\n"
