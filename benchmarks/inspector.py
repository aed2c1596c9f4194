"""
What the inspector costs a program: none, one that was shown and hidden again, one that is open.

``python -m benchmarks.inspector [--rounds N]``; each sample is a process of its own, and samples of different kinds are
interleaved.
"""

# ruff: noqa: T201 - it prints a table.
from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from typing import Callable, Coroutine

from benchmarks.rounds import ROOT, base_environment

__all__ = ["main"]

# How the inspector is, while the program is measured.
KINDS = ("none", "hidden", "open")

# How long a sample is measured, after how long a pause, in seconds. Arbitrary: the pause has the first refresh in it.
SAMPLE_S, PAUSE_S = 5.0, 2.0

# Tasks that yield all the time.
BUSY_TASKS = 50


async def _hold_idle(count: int) -> float:
    """Return the part of a CPU that *count* idle tasks take, in percent."""
    tasks = [asyncio.ensure_future(asyncio.sleep(3600)) for _ in range(count)]
    await asyncio.sleep(PAUSE_S)
    before_s, began_s = time.process_time(), time.perf_counter()
    await asyncio.sleep(SAMPLE_S)
    percent = 100 * (time.process_time() - before_s) / (time.perf_counter() - began_s)
    for task in tasks:
        task.cancel()
    return percent


async def _flood(count: int) -> float:
    """Return the microseconds of CPU time that a task's turn takes, while *count* tasks yield all the time."""
    turns, is_over = 0, False

    async def yield_all_the_time() -> None:
        nonlocal turns
        while not is_over:
            await asyncio.sleep(0)
            turns += 1

    tasks = [asyncio.ensure_future(yield_all_the_time()) for _ in range(count)]
    await asyncio.sleep(PAUSE_S)
    before_s, turns_before = time.process_time(), turns
    await asyncio.sleep(SAMPLE_S)
    cost_us = 1e6 * (time.process_time() - before_s) / (turns - turns_before)
    is_over = True
    await asyncio.wait(tasks)
    return cost_us


# Subject -> what is measured, with how many tasks, in which unit.
SUBJECTS: dict[str, tuple[Callable[[int], Coroutine[None, None, float]], int, str]] = {
    "10 idle tasks": (_hold_idle, 10, "% of a CPU"),
    "10,000 idle tasks": (_hold_idle, 10_000, "% of a CPU"),
    f"{BUSY_TASKS} tasks that yield": (_flood, BUSY_TASKS, "µs a turn"),
}


def _measure_here(subject: str, kind: str) -> None:
    """Take one sample in this process, and print it."""
    from asyncslot import inspector, run  # noqa: PLC0415 - the process that takes no samples needs no Qt.

    measure, count, _ = SUBJECTS[subject]

    async def sample() -> float:
        if kind != "none":
            inspector.show()
        if kind == "hidden":
            await asyncio.sleep(0.5)
            inspector.show().hide()
        return await measure(count)

    print(run(sample()))


def _measure(subject: str, kind: str) -> float:
    command = [sys.executable, "-m", "benchmarks.inspector", "--sample", subject, kind]
    output = subprocess.check_output(command, cwd=ROOT, env=base_environment(), text=True, timeout=120)  # noqa: S603 - this module.
    return float(output)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sample", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.sample:
        _measure_here(*options.sample)
        return
    samples: dict[tuple[str, str], list[float]] = {(subject, kind): [] for subject in SUBJECTS for kind in KINDS}
    for number in range(options.rounds):
        for (subject, kind), values in samples.items():
            print(f"round {number + 1}/{options.rounds}  {subject}, {kind}", file=sys.stderr)
            values.append(_measure(subject, kind))
    print(f"{'inspector':24}{''.join(kind.rjust(10) for kind in KINDS)}")
    for subject, (_, _, unit) in SUBJECTS.items():
        medians = (statistics.median(samples[subject, kind]) for kind in KINDS)
        print(f"{subject:24}{''.join(f'{median:10.2f}' for median in medians)}  {unit}")


if __name__ == "__main__":
    main()
