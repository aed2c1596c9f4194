"""
The suite "scale": the cost of one task, timer or connection among many, and of being idle.

The peers that have a Qt loop run inside ``app.exec()``, as in an application.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import resource
from pathlib import Path
from typing import Callable, Coroutine

from benchmarks.job import Context, Job, Measurements, Stopwatch, hold_task, open_echo
from benchmarks.speed import MESSAGE

__all__ = ["JOBS", "SIZES", "UNITS"]

# How many there are at once.
SIZES = (10, 1000, 10_000)

# The work of one job, in tasks or messages; divided among as many as there are.
TASKS = 50_000
MESSAGES = 10_000

# How often, at most, all timers of a job are run. Each time takes 10 ms on the clock. Arbitrary.
TIMER_ROUNDS = 50
TIMERS = 30_000

# Descriptors that a process needs besides its connections'. Arbitrary, generous.
SPARE_DESCRIPTORS = 200

# How long an idle process is watched, and how long to learn what watching costs; in seconds.
IDLE_S = 3.0
SHORT_S = 0.5

# Connections that are open while wake-ups are counted.
IDLE_SOCKETS = 100

# How many tasks and connections are idle when memory is measured.
IDLE_TASKS = 10_000
IDLE_CONNECTIONS = 1000

# A delay that never passes, in seconds.
NEVER_S = 3600.0


async def _run_tasks(size: int, context: Context) -> Measurements:
    """Create *size* tasks that wait for one event, set it, wait for all. Cost: per task."""
    rounds = max(1, context.units // size)

    async def wait(event: asyncio.Event) -> int:
        await event.wait()
        return 1

    loop, done = asyncio.get_running_loop(), 0
    watch = Stopwatch()
    with watch:
        for _ in range(rounds):
            event = asyncio.Event()
            tasks = [loop.create_task(wait(event)) for _ in range(size)]
            await asyncio.sleep(0)
            event.set()
            done += sum(await asyncio.gather(*tasks))
    return _per_unit(watch, done, rounds * size, size)


async def _run_timers(size: int, context: Context) -> Measurements:
    """Run *size* sleeps of 1 to 10 ms at once. Cost: per sleep."""
    rounds = min(TIMER_ROUNDS, max(1, context.units // size))

    async def sleep(index: int) -> int:
        await asyncio.sleep(0.001 * (1 + index % 10))
        return 1

    done = 0
    watch = Stopwatch()
    with watch:
        for _ in range(rounds):
            done += sum(await asyncio.gather(*map(sleep, range(size))))
    return _per_unit(watch, done, rounds * size, size)


async def _run_sockets(size: int, context: Context) -> Measurements:
    """Let *size* connections echo, or as many as descriptors allow. Cost: per message there and back."""
    connections = min(size, (_raise_descriptor_limit() - SPARE_DESCRIPTORS) // 2)
    times = max(1, context.units // connections)
    watch = Stopwatch()
    async with open_echo(connections) as clients:
        gc.collect()
        with watch:
            done = sum(await asyncio.gather(*(client.echo(MESSAGE, times) for client in clients)))
    return _per_unit(watch, done, connections * times, connections)


def _per_unit(watch: Stopwatch, done: int, units: int, size: int) -> Measurements:
    if done != units:
        msg = f"{done} of {units} units were done"
        raise RuntimeError(msg)
    return {"cpu_us": 1e6 * watch.cpu_s / units, "wall_us": 1e6 * watch.wall_s / units, "size": size}


def _raise_descriptor_limit() -> int:
    """Raise this process's limit of descriptors as far as allowed, and return it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # If the hard limit is infinite, take a soft limit that is enough: some systems refuse an infinite one.
    limit = 1 << 16 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return limit


async def _count_wake_ups(_: Context) -> Measurements:
    """
    Count how often this process wakes while a task sleeps for an hour and nothing happens.

    Before every wake-up of a thread there was a voluntary context switch. The beginning and the end of
    a watch cause some, too: so the count of a short watch is subtracted from that of a long one.
    """
    async with hold_task(asyncio.sleep(NEVER_S)):
        await asyncio.sleep(SHORT_S)  # Let the process come to rest.
        short, long = await _count_switches(SHORT_S), await _count_switches(IDLE_S)
    return {"wake_ups_per_s": (long - short) / (IDLE_S - SHORT_S)}


async def _count_switches(duration_s: float) -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
    await asyncio.sleep(duration_s)
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before


async def _count_wake_ups_connected(context: Context) -> Measurements:
    """Count the same with 100 open connections."""
    async with open_echo(IDLE_SOCKETS) as clients:
        await asyncio.gather(*(client.echo(MESSAGE, 1) for client in clients))
        return await _count_wake_ups(context)


def _read_resident_bytes() -> int:
    """Return the size of this process's resident set. Source: proc(5); only Linux has it."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


async def _weigh_tasks(context: Context) -> Measurements:
    """Measure what an idle task adds to the resident set."""
    loop = asyncio.get_running_loop()

    async def wait(future: asyncio.Future[None]) -> None:
        await future

    gc.collect()
    before = _read_resident_bytes()
    futures = [loop.create_future() for _ in range(context.units)]
    tasks: list[asyncio.Task[None]] = [loop.create_task(wait(future)) for future in futures]
    await asyncio.sleep(0.1)
    gc.collect()
    grown = _read_resident_bytes() - before
    for future in futures:
        future.set_result(None)
    await asyncio.gather(*tasks)
    return {"bytes_each": grown / context.units}


async def _weigh_connections(context: Context) -> Measurements:
    """Measure what an idle connection, with streams at both ends, adds to the resident set."""
    _raise_descriptor_limit()
    async with open_echo(1) as clients:
        await clients[0].echo(MESSAGE, 1)  # Make what only the first connection makes.
    gc.collect()
    before = _read_resident_bytes()
    async with open_echo(context.units) as clients:
        await asyncio.gather(*(client.echo(MESSAGE, 1) for client in clients))
        await asyncio.sleep(0.1)
        gc.collect()
        grown = _read_resident_bytes() - before
    return {"bytes_each": grown / context.units}


def _make_jobs() -> dict[str, Job]:
    kinds: dict[str, Callable[[int, Context], Coroutine[None, None, Measurements]]] = {
        "tasks": _run_tasks,
        "timers": _run_timers,
        "sockets": _run_sockets,
    }
    jobs: dict[str, Job] = {
        f"{kind}-{size}": functools.partial(run, size) for kind, run in kinds.items() for size in SIZES
    }
    return {
        **jobs,
        "idle": _count_wake_ups,
        "idle-connected": _count_wake_ups_connected,
        "idle-tasks": _weigh_tasks,
        "idle-connections": _weigh_connections,
    }


JOBS = _make_jobs()

_UNITS_OF = {"tasks": TASKS, "timers": TIMERS, "sockets": MESSAGES}

# How many units each job does. Jobs that watch an idle process ignore it.
UNITS = {
    **{name: _UNITS_OF.get(name.split("-")[0], 1) for name in JOBS},
    "idle-tasks": IDLE_TASKS,
    "idle-connections": IDLE_CONNECTIONS,
}
