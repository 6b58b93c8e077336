"""Threads that begin at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connections


def in_threads(work, arguments):
    """Start all at once, each in a thread of its own; return what they return."""
    arguments = list(arguments)
    barrier = Barrier(len(arguments))

    def run(argument):
        try:
            barrier.wait()
            return work(argument)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(run, arguments))
