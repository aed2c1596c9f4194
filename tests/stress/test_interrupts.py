"""Ctrl-C at random instants, in processes of their own, beside the stock loop: none hangs, is lost or breaks a loop."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from stress_support import CEILING_S, CHILDREN, FIGURES, SEED
from support import SCRIPTS, SignalSender

# Few: the instants must come from chance, and not from a machine that is too busy.
AT_ONCE = 2

# How many signals a process gets whose calls are short. It must survive each.
SIGNALS = 10

# Seconds within which the signal comes, counted from "ready".
LONG_S = 0.3
SHORT_S = 0.02

RUNNER = ["runner"] if sys.version_info >= (3, 11) else []
ASYNCIO_RUN = ["asyncio.run"] if sys.version_info >= (3, 12) else []
STOCK_LONG = ["run_until_complete", *RUNNER, *ASYNCIO_RUN]
STOCK_SHORT = ["one-loop", "run_until_complete", *RUNNER, *ASYNCIO_RUN]
WAYS = {
    "long": {"stock": STOCK_LONG, "ours": ["attached", "asyncslot.run", *STOCK_LONG]},
    "short": {"stock": STOCK_SHORT, "ours": ["asyncslot.run", *STOCK_SHORT]},
}

# What must not happen on our loop. On the stock loop it is only counted.
FAULTS = ["hang", "lost", "unclosable", "crash", "other"]


class Child:
    """
    One process that is interrupted.

    Attributes:
        outcomes: What came of each signal: a word of the script's, or of `FAULTS`.
        errors: What it wrote to standard error.
    """

    def __init__(self, kind: str, length: str, way: str, seed: int) -> None:
        self.name = f"{kind} {length} {way} seed {seed}"
        self.outcomes: list[str] = []
        self._chance = random.Random(self.name)
        self._length = length
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        pipes: dict[str, Any] = dict.fromkeys(["stdin", "stdout", "stderr"], subprocess.PIPE)
        self._sender = SignalSender(environment, pipes)
        command = [sys.executable, str(SCRIPTS / "interrupted.py"), kind, length, way, str(seed)]
        self._process = subprocess.Popen(command, env=environment, text=True, **pipes)
        self._has_hung = False
        self._watchdog = threading.Timer(CEILING_S, self._kill)

    def _kill(self) -> None:
        self._has_hung = True
        self._process.kill()

    def run(self) -> None:
        """Interrupt it, and wait for its end."""
        self._watchdog.start()
        errors: list[str] = []
        reader = threading.Thread(target=lambda: errors.append(self._process.stderr.read()))
        reader.start()
        try:
            for line in self._process.stdout:
                self._on_line(line.strip())
            code = self._process.wait()
        finally:
            self._watchdog.cancel()
            self._watchdog.join()
            reader.join()
            self._sender.close()
            for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        self.errors = "".join(errors)
        if self._has_hung:
            self.outcomes.append("hang")
        elif code != 0:
            self.outcomes.append("crash")

    def _on_line(self, line: str) -> None:
        if line != "ready":
            self.outcomes.append(line if line in ("interrupted", "cancelled", *FAULTS) else "other")
        elif self._length == "short" and len(self.outcomes) >= SIGNALS:
            self._process.stdin.close()
        else:
            self._interrupt()

    def _interrupt(self) -> None:
        # Chance is what this is about: no event tells of the instants between two calls.
        threading.Event().wait(self._chance.uniform(0, LONG_S if self._length == "long" else SHORT_S))
        self._sender.send(self._process, signal.SIGINT)
        if self._length == "short":
            with contextlib.suppress(BrokenPipeError):  # It has not survived the signal.
                self._process.stdin.write(".")
                self._process.stdin.flush()

    def count(self) -> Counter[str]:
        """Return how often each outcome came."""
        outcomes = Counter(self.outcomes)
        # Python itself drops what a signal handler raises in a destructor, or in the callback of a weak reference.
        dropped = min(outcomes["lost"], self.errors.count("Exception ignored in"))
        outcomes["lost"] -= dropped
        outcomes["dropped by Python"] += dropped
        return +outcomes


def interrupt_children(kind: str, length: str) -> list[Child]:
    ways = WAYS[length][kind]
    plans = [(ways[number % len(ways)], SEED + number) for number in range(max(CHILDREN // 4, len(ways)))]

    def run(plan: tuple[str, int]) -> Child:
        child = Child(kind, length, *plan)
        child.run()
        return child

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(run, plans))


def describe(child: Child) -> str:
    return f"{child.name}: {child.outcomes}\n{child.errors[-2000:]}"


@pytest.mark.parametrize("length", WAYS)
@pytest.mark.parametrize("kind", ["stock", "ours"])
def test_ctrl_c_at_random_instants(kind: str, length: str) -> None:
    """On our loop each Ctrl-C comes out of the call, and the loop can be closed or used again; stock's are counted."""
    children = interrupt_children(kind, length)
    outcomes = sum((child.count() for child in children), Counter())
    total = sum(outcomes.values())
    figures = ", ".join(f"{word} {number}" for word, number in sorted(outcomes.items()))
    FIGURES.append(f"Ctrl-C, {length} calls, {kind} loop: {len(children)} processes, {total} signals: {figures}")
    if kind == "ours":
        faulty = [child for child in children if set(child.count()) & set(FAULTS)]
        assert not faulty, "\n".join(map(describe, faulty))
