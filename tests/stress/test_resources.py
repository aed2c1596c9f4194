"""Descriptors that run out, forks and subprocesses by the hundred."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import sys
import warnings
from pathlib import Path
from typing import Iterator

import pytest
from stress_support import CEILING_S, FACTOR
from support import IS_WINDOWS, has_fork

from asyncslot import AsyncSlotEventLoop
from asyncslot._qt import QtCore
from asyncslot.loop import thread_loop

# Windows has no program like cat, and Python takes half a second to start in Wine.
SUBPROCESSES = (40 if IS_WINDOWS else 200) * FACTOR
FORKS = 50 * FACTOR


@contextlib.contextmanager
def no_descriptors() -> Iterator[None]:
    """Let each attempt to open a descriptor fail."""
    import resource  # Windows has none.

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[socket.socket] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))) + 3, hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(socket.socket())
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for each in taken:
            each.close()


# Wine has the directory.
@pytest.mark.skipif(
    IS_WINDOWS or not Path("/proc/self/fd").is_dir(), reason="the system does not list or limit a process's descriptors"
)
def test_loop_goes_on_without_descriptors(loop: AsyncSlotEventLoop) -> None:
    """While there are no descriptors, what needs one raises EMFILE, nested loops and timers go on, and it ends well."""

    async def connect(address: object) -> int:
        reader, writer = await asyncio.open_connection(*address)
        data = await reader.read()
        writer.close()
        await writer.wait_closed()
        return len(data)

    async def main() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"answer")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        for _ in range(20):
            with no_descriptors():
                with pytest.raises(OSError, match=os.strerror(errno.EMFILE)):
                    await connect(address)
                with pytest.raises(OSError, match=os.strerror(errno.EMFILE)):
                    AsyncSlotEventLoop()
                await asyncio.sleep(0.001)
                QtCore.QCoreApplication.processEvents()
            assert await connect(address) == 6
        server.close()
        await server.wait_closed()

    loop.run_until_complete(asyncio.wait_for(main(), CEILING_S))


@has_fork
def test_forks_leave_the_parent_alone(attached: AsyncSlotEventLoop) -> None:
    """A child forked in a callback sees no loop, may run one of asyncio's, and the parent's timers and I/O go on."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)

    def fork() -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Qt has threads.
            pid = os.fork()
        if pid:
            return pid
        code = 1
        with contextlib.suppress(BaseException):
            if asyncio._get_running_loop() is thread_loop() is None and signal.set_wakeup_fd(-1) == -1:
                code = asyncio.SelectorEventLoop().run_until_complete(asyncio.sleep(0.001, 7))
        os._exit(code)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for number in range(FORKS):
            child = asyncio.ensure_future(wait_code(fork()))
            await loop.sock_sendall(theirs, bytes([number % 256]))
            assert await loop.sock_recv(ours, 1) == bytes([number % 256])
            assert await child == 7

    async def wait_code(pid: int) -> int:
        while True:
            done, status = os.waitpid(pid, os.WNOHANG)  # noqa: ASYNC222 - it does not wait.
            if done:
                return os.WEXITSTATUS(status)
            await asyncio.sleep(0.001)

    with contextlib.closing(ours), contextlib.closing(theirs):
        attached.run_until_complete(asyncio.wait_for(main(), CEILING_S))


def echo_and_exit(code: int) -> list[str]:
    """Return the command of a process that gives back what it is given, and then ends."""
    if IS_WINDOWS:
        copy = f"import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()); sys.exit({code})"
        return [sys.executable, "-S", "-c", copy]
    return ["/bin/sh", "-c", f"cat; exit {code}"]


def test_subprocesses_by_the_hundred(loop: AsyncSlotEventLoop) -> None:
    """Many subprocesses, 20 at a time, give back what they were given, and their exit codes, while Qt loops nest."""

    async def run(number: int, semaphore: asyncio.Semaphore) -> None:
        async with semaphore:
            process = await asyncio.create_subprocess_exec(
                *echo_and_exit(number % 100),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            data = b"%d" % number * 5000
            assert (await process.communicate(data))[0] == data
            assert process.returncode == number % 100
            nested = QtCore.QEventLoop()
            QtCore.QTimer.singleShot(1, nested.quit)
            nested.exec()

    async def main() -> None:
        semaphore = asyncio.Semaphore(20)
        await asyncio.gather(*(run(number, semaphore) for number in range(SUBPROCESSES)))

    loop.run_until_complete(asyncio.wait_for(main(), CEILING_S))
