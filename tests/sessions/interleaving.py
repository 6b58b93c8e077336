"""Runs functions against each other in every order of their steps, each order once.

A function calls `step()` before each of its steps. It runs in a greenlet, so the order is the
scheduler's choice and not chance: what fails, fails again.
"""

import contextlib
import random

from greenlet import GreenletExit, getcurrent, greenlet


def step():
    """Let the others have their turn; for who is no process there are no others."""
    process = getcurrent()
    if not isinstance(process, Process):
        return
    if not process.killed:
        process.parent.switch()
    if process.killed:
        raise GreenletExit  # again and again: the dead clean up nothing


class Cancelled(BaseException):
    """What a process that is cancelled gets in the place of its next step."""


class Process(greenlet):
    """One of the functions; a `fate`, "killed" or "cancelled", may meet it before any step."""

    def __init__(self, function, fate=None):
        super().__init__(function)
        self.fate = fate
        self.killed = False

    @property
    def running(self):
        return not self.dead and not self.killed

    def go_on(self):
        """Do the next step."""
        self.switch()

    def suffer(self):
        """Meet the fate instead."""
        fate, self.fate = self.fate, None
        if fate == "killed":
            self.killed = True
            self.throw(GreenletExit)
        else:
            self.throw(Cancelled)


def run(processes, choose, check):
    """Run processes to their end; `choose(number)` says which of so many steps is the next."""
    for process in processes:
        process.switch()  # up to its first step
    while going := [process for process in processes if process.running]:
        steps = [process.go_on for process in going]
        steps += [process.suffer for process in going if process.fate]
        with contextlib.suppress(Cancelled):
            steps[choose(len(steps))]()
        check()


def every_order(make):
    """Run what `make()` gives, new processes and a check, in every order; return how many."""
    planned, orders = [], 0
    while True:
        made = []

        def choose(number, made=made, planned=planned):
            chosen = planned[len(made)] if len(made) < len(planned) else 0
            made.append((chosen, number))
            return chosen

        processes, check = make()
        run(processes, choose, check)
        orders += 1
        while made and made[-1][0] + 1 == made[-1][1]:
            made.pop()
        if not made:
            return orders
        planned = [chosen for chosen, _ in made[:-1]] + [made[-1][0] + 1]


def some_orders(make, number, seed=0):
    """Run what `make()` gives in so many orders, drawn at random."""
    draw = random.Random(seed)
    for _ in range(number):
        processes, check = make()
        run(processes, draw.randrange, check)
