"""Windows' completion port under load, while dialogs nest: nothing is lost, nothing comes twice, nothing leaks."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import threading
import time
from collections import Counter
from typing import Any, Iterator

import pytest
from stress_support import FACTOR, FIGURES
from support import list_descriptors, only_windows, run_qt

from asyncslot import AsyncSlotEventLoop
from asyncslot._qt import QtCore, import_qt

QtWidgets = import_qt("QtWidgets")

pytestmark = only_windows

CONNECTIONS = 100
MESSAGES = 20_000 * FACTOR
SUBPROCESSES = 200 * FACTOR
CANCELLED_READS = 2000 * FACTOR
THREADS = 4
CALLS = 5000 * FACTOR


class Dialogs:
    """Opens dialogs by nested Qt loops, one after the other, up to three deep, until it is told to stop."""

    def __init__(self) -> None:
        self.opened = 0
        self._depth = 0
        self._timer = QtCore.QTimer()
        self._timer.timeout.connect(self._open)
        self._timer.start(20)

    def _open(self) -> None:
        if self._depth == 3:
            return
        # A QTimer does not fire inside its own timeout unless it is restarted.
        self._timer.start(20)
        self._depth += 1
        self.opened += 1
        dialog = QtWidgets.QDialog()
        QtCore.QTimer.singleShot(50, dialog.accept)
        dialog.exec()
        self._depth -= 1

    def stop(self) -> None:
        self._timer.stop()


@pytest.fixture
def dialogs(app: Any) -> Iterator[Dialogs]:
    dialogs = Dialogs()
    yield dialogs
    dialogs.stop()


@pytest.fixture
def seen(loop: AsyncSlotEventLoop) -> Counter[int]:
    """How often each operation was reported, counted where the proactor's futures are completed."""
    seen: Counter[int] = Counter()
    proactor = loop._proactor  # type: ignore[attr-defined]
    register = proactor._register
    numbers = iter(range(10**9))

    def counted(ov: Any, obj: Any, callback: Any) -> Any:
        number = next(numbers)
        future = register(ov, obj, callback)
        future.add_done_callback(lambda _: seen.update([number]))
        return future

    proactor._register = counted
    return seen


async def echo_all() -> Counter[bytes]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    answers: Counter[bytes] = Counter()

    async def talk(connection: int) -> None:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for number in range(MESSAGES // CONNECTIONS):
            message = b"%d %d\n" % (connection, number)
            writer.write(message)
            answer = await reader.readline()
            assert answer == message
            answers[answer] += 1
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*map(talk, range(CONNECTIONS)))
    server.close()
    await server.wait_closed()
    return answers


async def run_subprocesses() -> list[tuple[bytes, int]]:
    limit = asyncio.Semaphore(8)

    async def run_one(number: int) -> tuple[bytes, int]:
        async with limit:
            # Not Python, which takes half a second to start in Wine.
            process = await asyncio.create_subprocess_exec(
                "cmd", "/c", f"echo {number}& exit {number % 7}", stdout=subprocess.PIPE
            )
            out, _ = await process.communicate()
            return out.strip(), process.returncode

    return await asyncio.gather(*map(run_one, range(SUBPROCESSES)))


async def cancel_reads() -> int:
    """Cancel reads that are under way, half of them while their data arrives. The data is not lost to the next read."""
    reader, writer = None, None
    connected: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda *ends: connected.set_result(ends), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    _, sender = await connected
    cancelled = 0
    received = bytearray()
    for number in range(CANCELLED_READS):
        reading = asyncio.ensure_future(reader.read(1))
        await asyncio.sleep(0)
        if number % 2:
            sender.write(b"x")
            await asyncio.sleep(0.0005 * (number % 3))
        reading.cancel()
        try:
            received += await reading
        except asyncio.CancelledError:
            cancelled += 1
    received += await reader.readexactly(CANCELLED_READS // 2 - len(received))
    for end in (writer, sender):
        end.close()
    server.close()
    await server.wait_closed()
    return cancelled


async def cancel_operations() -> None:
    """Cancel operations of the system themselves: `sock_recv` is one each, and its memory is the system's meanwhile."""
    loop = asyncio.get_running_loop()
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        right.setblocking(False)
        for number in range(CANCELLED_READS):
            reading = asyncio.ensure_future(loop.sock_recv(left, 100))
            await asyncio.sleep(0)
            if number % 2:
                await loop.sock_sendall(right, b"x")
            reading.cancel()
            await asyncio.wait([reading])
            if number % 100 == 0:
                await asyncio.sleep(0)
        # What cancelled reads had taken is lost, as on the stock loop; the next one works.
        await loop.sock_sendall(right, b"end")
        received = b""
        while not received.endswith(b"end"):
            received += await loop.sock_recv(left, 100)


async def call_from_threads() -> Counter[tuple[int, int]]:
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    called: Counter[tuple[int, int]] = Counter()
    in_order: dict[int, list[int]] = {thread: [] for thread in range(THREADS)}

    def on_call(thread: int, number: int) -> None:
        called[thread, number] += 1
        in_order[thread].append(number)
        if sum(called.values()) == CALLS:
            done.set_result(None)

    def call(thread: int) -> None:
        for number in range(CALLS // THREADS):
            loop.call_soon_threadsafe(on_call, thread, number)
            if number % 50 == 0:
                time.sleep(0.001)

    threads = [threading.Thread(target=call, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    await done
    for thread in threads:
        thread.join()
    assert all(numbers == sorted(numbers) for numbers in in_order.values())
    return called


def test_storm_on_the_port(loop: AsyncSlotEventLoop, dialogs: Dialogs, seen: Counter[int]) -> None:
    """Echoes, subprocesses, cancelled reads and calls of threads at once: each is there, and once."""
    began_s = time.perf_counter()

    async def storm() -> Any:
        return await asyncio.gather(
            echo_all(), run_subprocesses(), cancel_reads(), cancel_operations(), call_from_threads()
        )

    answers, processes, cancelled, _, called = loop.run_until_complete(storm())
    dialogs.stop()
    assert len(answers) == MESSAGES
    assert set(answers.values()) == {1}
    assert processes == [(str(number).encode(), number % 7) for number in range(SUBPROCESSES)]
    assert len(called) == CALLS
    assert set(called.values()) == {1}
    assert dialogs.opened > 10
    # The reads of the loop's own socket, and those of the servers, are still under way, or were cancelled at the end.
    assert set(seen.values()) == {1}
    FIGURES.append(
        f"port: {MESSAGES} echoes, {SUBPROCESSES} subprocesses, {cancelled} of {CANCELLED_READS} reads cancelled, "
        f"{CALLS} calls of threads, {len(seen)} operations, {dialogs.opened} dialogs, "
        f"{time.perf_counter() - began_s:.1f} s"
    )


def test_no_handle_is_left_by_rounds_of_work(loop: AsyncSlotEventLoop) -> None:
    """After the first rounds, no further one leaves a handle: connections, subprocesses, attaching and detaching."""

    async def work() -> None:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        for _ in range(5):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            await reader.read()
            writer.close()
            await writer.wait_closed()
        server.close()
        await server.wait_closed()
        process = await asyncio.create_subprocess_exec("cmd", "/c", "exit 3", stdout=subprocess.PIPE)
        await process.communicate()
        assert process.returncode == 3

    counts = []
    for _ in range(20):
        loop.run_until_complete(work())
        loop.attach()
        run_qt(lambda quit_qt: loop.call_later(0.001, quit_qt))
        loop.detach()
        counts.append(len(list_descriptors()))
    FIGURES.append(f"port: handles after each of 20 rounds: {counts}")
    assert max(counts[10:]) <= max(counts[:10])


def test_idle_costs_no_processor_time(loop: AsyncSlotEventLoop) -> None:
    """With 100 connections open and nothing to do, 3 seconds cost next to nothing."""

    async def main() -> float:
        writers: list[asyncio.StreamWriter] = []
        server = await asyncio.start_server(lambda _, writer: writers.append(writer), "127.0.0.1", 0)
        for _ in range(CONNECTIONS):
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writers.append(writer)
        await asyncio.sleep(0.5)
        began_s = time.process_time()
        await asyncio.sleep(3)
        used_s = time.process_time() - began_s
        for writer in writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)
        server.close()
        await server.wait_closed()
        assert len(writers) == 2 * CONNECTIONS
        return used_s

    used_s = loop.run_until_complete(main())
    FIGURES.append(f"port: {used_s * 1000:.0f} ms of processor time in 3 idle seconds")
    # The system counts by ticks of 16 ms.
    assert used_s < 0.05
