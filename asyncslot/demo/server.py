"""
An HTTP server on loopback, for a demo that needs no network: files of known content, sent slowly.

This module knows nothing of Qt.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
from typing import TYPE_CHECKING, Iterable

from aiohttp import web

from asyncslot.demo.download import Source

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["FileServer"]

# What is served: the size in bytes, and which part of the slowest file's time it takes.
# Arbitrary: long enough to be seen, and no two end together.
FILES = {"brook.dat": (2_000_000, 0.5), "river.dat": (3_500_000, 0.75), "ocean.dat": (6_000_000, 1.0)}

# The file that never ends, and its bytes per second: slow, since somebody may forget it.
ENDLESS_NAME = "endless.dat"
ENDLESS_RATE = 60_000

# How many pieces of a file are sent per second. Arbitrary: smooth to the eye.
PIECES_PER_S = 30


class FileServer:
    """
    Serves three files, and one that never ends, on a free port of 127.0.0.1.

    An asynchronous context manager: inside it, the server answers.

    Args:
        slowest_s: How long the slowest of the three takes, in seconds; about.
    """

    def __init__(self, slowest_s: float) -> None:
        self._contents = {name: _make_content(name, size) for name, (size, _) in FILES.items()}
        self._durations_s = {name: slowest_s * part for name, (_, part) in FILES.items()}
        application = web.Application()
        application.router.add_get(f"/{ENDLESS_NAME}", self._on_get_endless)
        application.router.add_get("/{name}", self._on_get_file)
        self._runner = web.AppRunner(application, access_log=None)

    async def __aenter__(self) -> FileServer:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def sources(self) -> list[Source]:
        """The three files, with their sizes and hashes, then the endless one."""
        sources = [
            Source(self._url(name), name, len(content), hashlib.sha256(content).hexdigest())
            for name, content in self._contents.items()
        ]
        return [*sources, Source(self._url(ENDLESS_NAME), ENDLESS_NAME)]

    def _url(self, name: str) -> str:
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}/{name}"

    async def _on_get_file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name not in self._contents:
            raise web.HTTPNotFound
        content = self._contents[name]
        response = web.StreamResponse()
        response.content_length = len(content)
        count = max(1, round(self._durations_s[name] * PIECES_PER_S))
        step = -(-len(content) // count)
        return await _send(request, response, (content[start : start + step] for start in range(0, len(content), step)))

    async def _on_get_endless(self, request: web.Request) -> web.StreamResponse:
        return await _send(request, web.StreamResponse(), itertools.repeat(bytes(ENDLESS_RATE // PIECES_PER_S)))


async def _send(request: web.Request, response: web.StreamResponse, pieces: Iterable[bytes]) -> web.StreamResponse:
    with contextlib.suppress(ConnectionError):  # A client that has gone away has cancelled.
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
            await asyncio.sleep(1 / PIECES_PER_S)
    return response


def _make_content(name: str, size: int) -> bytes:
    """Return *size* bytes that look random and are the same in each run."""
    return hashlib.shake_256(name.encode()).digest(size)
