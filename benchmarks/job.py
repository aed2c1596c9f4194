"""What a job is given, and what it gives back. A job is the work of one process."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Coroutine, Dict

if TYPE_CHECKING:
    from benchmarks.peers import Peer

__all__ = ["Context", "Job", "Measurements", "Stopwatch", "hold_task", "open_echo"]

# What a job has measured. The names end in their unit.
Measurements = Dict[str, float]


@dataclass(frozen=True)
class Context:
    """
    What a job is given.

    Attributes:
        peer: Who runs it.
        mode: In which of its modes.
        units: How much work it is to do; each job defines its unit.
    """

    peer: Peer
    mode: str
    units: int


Job = Callable[[Context], Coroutine[Any, Any, Measurements]]


class Stopwatch:
    """
    The time that a block takes.

    Attributes:
        cpu_s: CPU seconds, user and system, of all threads of this process and of
            the children that it has waited for.
        wall_s: Seconds on the clock.
    """

    cpu_s = 0.0
    wall_s = 0.0

    def __enter__(self) -> Stopwatch:  # noqa: PYI034 - Self is not in Python 3.8.
        self._wall_s = time.perf_counter()
        self._cpu_s = _read_cpu_s()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu_s = _read_cpu_s() - self._cpu_s
        self.wall_s = time.perf_counter() - self._wall_s


def _read_cpu_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


@contextlib.asynccontextmanager
async def hold_task(coro: Coroutine[Any, Any, Any]) -> AsyncIterator[asyncio.Task[Any]]:
    """Run *coro* as a task during the block; then cancel it and wait for its end."""
    task = asyncio.get_running_loop().create_task(coro)
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class EchoClient:
    """
    One connection to an echo server.

    Args:
        reader: Its reading end.
        writer: Its writing end.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def echo(self, message: bytes, times: int) -> int:
        """
        Send *message* and wait for it to come back, again and again.

        Returns:
            How many times it came back unchanged.
        """
        reader, writer, done = self._reader, self.writer, 0
        for _ in range(times):
            writer.write(message)
            done += await reader.readexactly(len(message)) == message
        return done


async def _serve_echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back whatever comes, as it comes."""
    try:
        while True:
            data = await reader.read(1 << 16)
            if not data:
                break
            writer.write(data)
    except asyncio.CancelledError:
        pass
    finally:
        writer.close()


# Connections made at once: below the backlog of a server, 100. Arbitrary.
_BATCH = 50


@contextlib.asynccontextmanager
async def open_echo(clients: int, *, server_tls: Any = None, client_tls: Any = None) -> AsyncIterator[list[EchoClient]]:
    """
    Run an echo server on the loopback interface, and clients, all in the running loop.

    Args:
        clients: How many connections.
        server_tls: The server's SSLContext; None for plain TCP.
        client_tls: The clients' likewise.
    """
    server = await asyncio.start_server(_serve_echo, "127.0.0.1", 0, ssl=server_tls)
    port = server.sockets[0].getsockname()[1]
    name = None if client_tls is None else "localhost"
    opened: list[EchoClient] = []
    try:
        for first in range(0, clients, _BATCH):
            batch = range(first, min(first + _BATCH, clients))
            streams = [asyncio.open_connection("127.0.0.1", port, ssl=client_tls, server_hostname=name) for _ in batch]
            new = [EchoClient(*pair) for pair in await asyncio.gather(*streams)]
            opened += new
            # A connection is open before the server accepts it. uvloop's server accepts one by one: wait
            # for that, or the backlog overflows.
            await asyncio.gather(*(client.echo(b"accepted?", 1) for client in new))
        yield opened
    finally:
        for client in opened:
            client.writer.close()
        for client in opened:
            await client.writer.wait_closed()
        server.close()
        await server.wait_closed()
