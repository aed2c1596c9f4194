"""
The suite "speed": the same work on each peer.

Each workload is a coroutine function that does *units* units of work under the stopwatch,
on any loop. It returns how many units it has done: a peer that loses some fails.
"""

from __future__ import annotations

import asyncio
import gc
import shutil
import ssl
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Callable, Coroutine

from benchmarks.job import Context, EchoClient, Job, Measurements, Stopwatch, open_echo
from benchmarks.peers import Decorator, Peer, import_qt, make_signal

__all__ = ["CORE", "JOBS", "WORKLOADS", "Workload"]

# The part of the work that is done before, unmeasured, so that caches and pools are warm. Arbitrary.
WARM_UP = 0.05

# What goes through an echo server at a time: 64 bytes, a small message. Arbitrary.
MESSAGE = b"asyncslot-echo-message-of-64-bytes".ljust(64, b".")

# How many tasks, timers or emissions come at once. Arbitrary.
BATCH = 100

# A delay that never passes, in seconds: such timers are there to be cancelled.
NEVER_S = 60.0


async def sleep0(units: int, watch: Stopwatch, _: Peer) -> int:
    """One task yields, by ``asyncio.sleep(0)``, again and again. Unit: one sleep."""
    done = 0
    with watch:
        for _index in range(units):
            await asyncio.sleep(0)
            done += 1
    return done


async def _child() -> int:
    return 1


async def spawn(units: int, watch: Stopwatch, _: Peer) -> int:
    """Tasks are created 100 at a time and awaited. Unit: one task."""
    loop, done = asyncio.get_running_loop(), 0
    with watch:
        for first in range(0, units, BATCH):
            for task in [loop.create_task(_child()) for _index in range(first, min(first + BATCH, units))]:
                done += await task
    return done


async def queue(units: int, watch: Stopwatch, _: Peer) -> int:
    """
    A producer and a consumer share a queue with room for one. Unit: one item.

    So the two tasks take turns. With more room, the queue's own code would be measured.
    """
    items: asyncio.Queue[int] = asyncio.Queue(1)

    async def produce() -> None:
        for index in range(units):
            await items.put(index)

    done = 0
    with watch:
        producer = asyncio.get_running_loop().create_task(produce())
        for index in range(units):
            done += await items.get() == index
        await producer
    return done


async def timers(units: int, watch: Stopwatch, _: Peer) -> int:
    """A thousand tasks, or fewer, sleep for 1 to 10 ms, again and again. Unit: one sleep."""
    tasks = min(1000, units)

    async def sleep(task: int) -> int:
        done = 0
        for index in range(task, units, tasks):
            await asyncio.sleep(0.001 * (1 + index % 10))
            done += 1
        return done

    with watch:
        return sum(await asyncio.gather(*map(sleep, range(tasks))))


async def armed(units: int, watch: Stopwatch, _: Peer) -> int:
    """Timers of a minute are armed and cancelled, 100 at a time, as timeouts are. Unit: one timer."""
    loop, done = asyncio.get_running_loop(), 0
    fired: list[int] = []
    with watch:
        for first in range(0, units, BATCH):
            batch = range(first, min(first + BATCH, units))
            for handle in [loop.call_later(NEVER_S, fired.append, index) for index in batch]:
                handle.cancel()
                done += 1
            await asyncio.sleep(0)
    return done - len(fired)


def _job() -> int:
    return 1


async def executor(units: int, watch: Stopwatch, _: Peer) -> int:
    """Jobs that do nothing go to the default executor, one by one. Unit: one job."""
    loop, done = asyncio.get_running_loop(), 0
    with watch:
        for _index in range(units):
            done += await loop.run_in_executor(None, _job)
    return done


async def _echo(clients: list[EchoClient], units: int, watch: Stopwatch) -> int:
    share, rest = divmod(units, len(clients))
    with watch:
        counts = [client.echo(MESSAGE, share + (index < rest)) for index, client in enumerate(clients)]
        return sum(await asyncio.gather(*counts))


async def echo1(units: int, watch: Stopwatch, _: Peer) -> int:
    """One client of an echo server, streams at both ends, both in the loop. Unit: a message there and back."""
    async with open_echo(1) as clients:
        return await _echo(clients, units, watch)


async def echo100(units: int, watch: Stopwatch, _: Peer) -> int:
    """As echo1, with 100 clients at once. Unit: a message there and back."""
    async with open_echo(100) as clients:
        return await _echo(clients, units, watch)


async def tls(units: int, watch: Stopwatch, _: Peer) -> int:
    """As echo1, through TLS. Unit: a message there and back."""
    authority = import_module("trustme").CA()
    server_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server_tls)
    client_tls = ssl.create_default_context()
    authority.configure_trust(client_tls)
    async with open_echo(1, server_tls=server_tls, client_tls=client_tls) as clients:
        return await _echo(clients, units, watch)


async def subprocess(units: int, watch: Stopwatch, _: Peer) -> int:
    """Processes of ``cat`` are fed and read, one by one. The CPU time includes theirs. Unit: one process."""
    cat, pipe, done = shutil.which("cat"), asyncio.subprocess.PIPE, 0
    assert cat is not None, "there is no command 'cat'"
    with watch:
        for _index in range(units):
            process = await asyncio.create_subprocess_exec(cat, stdin=pipe, stdout=pipe)
            output, _errors = await process.communicate(MESSAGE)
            done += output == MESSAGE and process.returncode == 0
    return done


async def slot(units: int, watch: Stopwatch, peer: Peer) -> int:
    """
    A Qt timer emits a signal 100 times per timeout; the slot's coroutine counts and returns.

    Without a Qt loop, a callback creates as many tasks. Unit: one emission.
    """
    done = asyncio.get_running_loop().create_future()
    count = 0

    def count_one() -> None:
        nonlocal count
        count += 1
        if count == units:
            done.set_result(None)

    if peer.decorate is None:
        start = _prepare_tasks(units, count_one)
    else:
        start = _prepare_emissions(units, count_one, peer.decorate)
    with watch:
        start()
        await done
    return count


def _prepare_tasks(units: int, count_one: Callable[[], None]) -> Callable[[], None]:
    loop = asyncio.get_running_loop()
    left = units
    kept: list[asyncio.Task[None]] = []

    async def on_emitted() -> None:
        count_one()

    def turn() -> None:
        nonlocal left
        batch = min(BATCH, left)
        left -= batch
        kept[:] = [loop.create_task(on_emitted()) for _ in range(batch)]
        if left:
            loop.call_soon(turn)

    return turn


def _prepare_emissions(units: int, count_one: Callable[[], None], decorate: Decorator) -> Callable[[], None]:
    core: Any = import_qt("QtCore")

    class Receiver(core.QObject):  # type: ignore[misc]
        emitted = make_signal()

        @decorate
        async def on_emitted(self) -> None:
            count_one()

    receiver, timer, left = Receiver(), core.QTimer(), units
    receiver.emitted.connect(receiver.on_emitted)

    def turn() -> None:
        nonlocal left
        batch = min(BATCH, left)
        left -= batch
        if not left:
            timer.stop()
        for _ in range(batch):
            receiver.emitted.emit()

    timer.timeout.connect(turn)
    return lambda: timer.start(0)


@dataclass(frozen=True)
class Workload:
    """
    Some work.

    Attributes:
        run: Does the work.
        units: How many units make about half a second on the stdlib's loop.
        is_core: Whether it counts in the geometric mean.
    """

    run: Callable[[int, Stopwatch, Peer], Coroutine[Any, Any, int]]
    units: int
    is_core: bool = True


WORKLOADS = {
    "sleep0": Workload(sleep0, 200_000),
    "spawn": Workload(spawn, 300_000),
    "queue": Workload(queue, 100_000),
    "timers": Workload(timers, 100_000),
    "armed": Workload(armed, 200_000),
    "executor": Workload(executor, 12_000),
    "echo1": Workload(echo1, 30_000),
    "echo100": Workload(echo100, 40_000),
    "tls": Workload(tls, 15_000, is_core=False),
    "subprocess": Workload(subprocess, 400, is_core=False),
    "slot": Workload(slot, 100_000, is_core=False),
}

# The workloads of the geometric mean.
CORE = tuple(name for name, workload in WORKLOADS.items() if workload.is_core)


def _make_job(workload: Workload) -> Job:
    async def measure(context: Context) -> Measurements:
        warm_up = max(1, int(context.units * WARM_UP))
        await workload.run(warm_up, Stopwatch(), context.peer)
        gc.collect()
        watch = Stopwatch()
        done = await workload.run(context.units, watch, context.peer)
        if done != context.units:
            msg = f"{done} of {context.units} units were done"
            raise RuntimeError(msg)
        return {"cpu_s": watch.cpu_s, "wall_s": watch.wall_s}

    return measure


JOBS = {name: _make_job(workload) for name, workload in WORKLOADS.items()}
