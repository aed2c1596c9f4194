"""Hostile TCP clients, while dialogs nest."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections import Counter
from typing import Any, Callable

import pytest
from stress_support import CEILING_S, FACTOR, with_seeds
from support import IS_WINDOWS

from asyncslot import AsyncSlotEventLoop
from asyncslot._qt import QtCore, import_qt

QtWidgets = import_qt("QtWidgets")

CLIENTS = 1000 * FACTOR
AT_ONCE = 200
BLOCK = bytes(range(256)) * 64
BLOCKS = 8

# SO_LINGER with no time: closing the socket sends RST instead of FIN.
RESET = struct.pack("ii", 1, 0)


class Server:
    """Sends `BLOCKS` blocks to each client that asks, and reads whatever it says afterwards."""

    def __init__(self) -> None:
        self.begun = self.ended = 0
        self.faults: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.begun += 1
        try:
            await reader.readexactly(1)
            for _ in range(BLOCKS):
                writer.write(BLOCK)
                await writer.drain()
            await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # What hostile clients are expected to cause.
        except BaseException as exc:
            self.faults.append(repr(exc))
            raise
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            self.ended += 1


class Clients:
    """Clients on a stock loop in a thread of their own."""

    def __init__(self, address: Any, seed: int) -> None:
        self.address = address
        self.chance = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []
        self.thread = threading.Thread(target=lambda: asyncio.run(self.run_all()))

    async def run_all(self) -> None:
        semaphore = asyncio.Semaphore(AT_ONCE)
        kinds = [self.reset, self.read_slowly, self.half_open, self.say_nothing, self.read_all]

        async def run(kind: Callable[[socket.socket], Any]) -> None:
            async with semaphore:
                with socket.socket() as sock:
                    sock.setblocking(False)
                    try:
                        await asyncio.wait_for(self.run_one(kind, sock), CEILING_S)
                    except BaseException as exc:
                        self.faults.append(f"{kind.__name__}: {exc!r}")

        await asyncio.gather(*(run(self.chance.choice(kinds)) for _ in range(CLIENTS)))

    async def run_one(self, kind: Callable[[socket.socket], Any], sock: socket.socket) -> None:
        self.counts[kind.__name__] += 1
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await asyncio.get_running_loop().sock_connect(sock, self.address)
        await kind(sock)

    async def reset(self, sock: socket.socket) -> None:
        if self.chance.random() < 0.5:
            await asyncio.get_running_loop().sock_sendall(sock, b"?")
            await asyncio.get_running_loop().sock_recv(sock, 100)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    async def read_slowly(self, sock: socket.socket) -> None:
        await asyncio.get_running_loop().sock_sendall(sock, b"?")
        await self.read(sock, 8192, 0.001)

    async def half_open(self, sock: socket.socket) -> None:
        """End one direction, and read the other."""
        await asyncio.get_running_loop().sock_sendall(sock, b"?")
        sock.shutdown(socket.SHUT_WR)
        await self.read(sock, 65536, 0)
        assert await asyncio.get_running_loop().sock_recv(sock, 1) == b""

    async def say_nothing(self, sock: socket.socket) -> None:
        await asyncio.sleep(0.05)

    async def read_all(self, sock: socket.socket) -> None:
        await asyncio.get_running_loop().sock_sendall(sock, b"?")
        await self.read(sock, 65536, 0)

    async def read(self, sock: socket.socket, size: int, pause_s: float) -> None:
        left = BLOCK * BLOCKS
        while left:
            data = await asyncio.get_running_loop().sock_recv(sock, min(size, len(left)))
            assert data, f"{len(left)} bytes are missing"
            assert left.startswith(data)
            left = left[len(data) :]
            await asyncio.sleep(pause_s)


class Dialogs:
    """Opens dialogs inside dialogs, by slots of Qt's and by callbacks of the guest, until it is told to stop."""

    def __init__(self, loop: AsyncSlotEventLoop) -> None:
        self.loop = loop
        self.opened = self.closed = 0

    def open(self, depth: int) -> None:
        self.opened += 1
        dialog = QtWidgets.QDialog()
        if depth:
            start = (
                self.loop.call_soon
                if depth % 2
                else lambda *call: QtCore.QTimer.singleShot(0, lambda: call[0](call[1]))
            )
            start(self.open, depth - 1)
        self.loop.call_later(0.005, dialog.accept)
        dialog.exec()
        dialog.deleteLater()
        self.closed += 1

    async def go_on(self) -> None:
        while True:
            self.open(5)
            await asyncio.sleep(0.002)


@pytest.mark.skipif(IS_WINDOWS, reason="asyncio closes a server there when a client resets its connection too early")
@with_seeds(1)
def test_hostile_clients_meanwhile_dialogs(loop: AsyncSlotEventLoop, seed: int) -> None:
    """Whatever clients do, the honest ones get every byte, each handler ends, and each dialog returns."""
    server = Server()
    dialogs = Dialogs(loop)

    async def main() -> Clients:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=AT_ONCE)
        opening = asyncio.ensure_future(dialogs.go_on())
        clients = Clients(listening.sockets[0].getsockname(), seed)
        clients.thread.start()
        await asyncio.get_running_loop().run_in_executor(None, clients.thread.join)
        while server.ended < server.begun or server.begun < CLIENTS * 0.9:
            await asyncio.sleep(0.01)
        opening.cancel()
        listening.close()
        await listening.wait_closed()
        while dialogs.closed < dialogs.opened:
            await asyncio.sleep(0.01)
        return clients

    clients = loop.run_until_complete(asyncio.wait_for(main(), CEILING_S * 2))
    loop.run_until_complete(loop.shutdown_default_executor())
    assert clients.faults == []
    assert server.faults == []
    assert sum(clients.counts.values()) == CLIENTS
    assert dialogs.opened > 20
