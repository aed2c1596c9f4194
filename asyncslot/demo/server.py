"""
An HTTP server on loopback, so that the demo needs no network. It sends files of known content, slowly.

This module knows nothing of Qt.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import itertools
import threading
from typing import AsyncIterator, Iterable, Iterator

from aiohttp import web

from asyncslot.demo.download import Source

__all__ = ["serve_files", "serve_files_in_thread"]

# The files: the size in bytes, and the duration as a part of the slowest file's duration.
# Arbitrary: large enough to be seen, and no two of them end together.
FILES = {"brook.dat": (2_000_000, 0.5), "river.dat": (3_500_000, 0.75), "ocean.dat": (6_000_000, 1.0)}

# The file that never ends, and its bytes per second: few, because somebody may forget it.
ENDLESS_NAME = "endless.dat"
ENDLESS_RATE = 60_000

# How many pieces of a file are sent per second. Arbitrary: smooth to the eye.
PIECES_PER_S = 30


@contextlib.asynccontextmanager
async def serve_files(slowest_s: float) -> AsyncIterator[list[Source]]:
    """
    Serve three files, and one that never ends, on a free port of 127.0.0.1.

    Args:
        slowest_s: How long the slowest of the three takes, in seconds, approximately.

    Returns:
        A context manager: inside it, the server answers. It gives the three files,
        with their sizes and hashes, then the endless one.
    """
    contents = {name: _make_content(name, size) for name, (size, _) in FILES.items()}
    application = web.Application()
    for name, content in contents.items():
        send = functools.partial(_send_file, content=content, duration_s=slowest_s * FILES[name][1])
        application.router.add_get(f"/{name}", send)
    application.router.add_get(f"/{ENDLESS_NAME}", _send_endless)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        # Port 0: the system chooses a free one, and the runner knows it afterwards.
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        base = f"http://{host}:{port}"
        sources = [
            Source(f"{base}/{name}", name, len(content), hashlib.sha256(content).hexdigest())
            for name, content in contents.items()
        ]
        yield [*sources, Source(f"{base}/{ENDLESS_NAME}", ENDLESS_NAME, is_endless=True)]
    finally:
        await runner.cleanup()


@contextlib.contextmanager
def serve_files_in_thread(all_s: float) -> Iterator[list[Source]]:
    """
    Serve the same files on a thread of its own, for a client that blocks this thread.

    Args:
        all_s: How long the three files take, one after the other, in seconds, approximately.
    """
    # A stock loop, because no Qt runs there.
    loop = asyncio.SelectorEventLoop()
    thread = threading.Thread(target=loop.run_forever, name="blocking demo's server")
    thread.start()
    server = serve_files(all_s / sum(part for _, part in FILES.values()))
    try:
        yield asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _send_file(request: web.Request, *, content: bytes, duration_s: float) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_length = len(content)
    step = -(-len(content) // max(1, round(duration_s * PIECES_PER_S)))  # Rounded up.
    return await _send(request, response, (content[start : start + step] for start in range(0, len(content), step)))


async def _send_endless(request: web.Request) -> web.StreamResponse:
    # No content length: the client shows a busy indicator instead of a percentage.
    return await _send(request, web.StreamResponse(), itertools.repeat(bytes(ENDLESS_RATE // PIECES_PER_S)))


async def _send(request: web.Request, response: web.StreamResponse, pieces: Iterable[bytes]) -> web.StreamResponse:
    # A client that cancels closes its connection. This is no failure of the server's.
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
            await asyncio.sleep(1 / PIECES_PER_S)
    return response


def _make_content(name: str, size: int) -> bytes:
    """Return *size* bytes that look random and are the same in each run."""
    return hashlib.shake_256(name.encode()).digest(size)
