"""
One download over HTTP, into a file that exists only if all of it has arrived.

This module knows nothing of Qt.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import http.client
import os
import re
import shutil
import urllib.request
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Callable, Iterator
from urllib.parse import unquote, urlsplit

import aiohttp

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DownloadError", "Source", "download", "download_blocking", "file_name", "make_session"]

# In seconds, arbitrary. There is no limit for a whole download: it fails only if nothing arrives for so long.
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)

# In seconds, arbitrary: how long a blocking call waits for the next bytes.
BLOCKING_TIMEOUT_S = 30

# Longest file name taken from a URL, in characters. Arbitrary: file systems take about 255 bytes, and a prefix
# or suffix may be added.
MAX_NAME_LENGTH = 100

# How much of a file is hashed at a time, in bytes. Arbitrary: a file may be larger than the memory.
BLOCK_SIZE = 1 << 20


@dataclass(frozen=True)
class Source:
    """
    A file to download, and what is known of it beforehand.

    Attributes:
        url: Where it is.
        name: The file name to save it under.
        size: Its size in bytes; None if unknown.
        sha256: Its hash, in hexadecimal; None if unknown.
        is_endless: Whether it never ends, and can only be cancelled.
    """

    url: str
    name: str
    size: int | None = None
    sha256: str | None = None
    is_endless: bool = False


class DownloadError(Exception):
    """A download failed; the message is for the person who started it."""


def make_session() -> aiohttp.ClientSession:
    """Return a session for downloads; it belongs to the running loop."""
    # "identity": of a compressed body, the length that is announced is not the length of the file.
    return aiohttp.ClientSession(timeout=TIMEOUT, headers={"Accept-Encoding": "identity"})


async def download(
    session: aiohttp.ClientSession, source: Source, path: Path, on_progress: Callable[[int, int | None], object]
) -> int:
    """
    Download *source* into *path*.

    If it fails or is cancelled, no file is left; an older one at *path* stays.

    Args:
        session: Made by `make_session`.
        source: What to download; its size and hash are compared with what arrives.
        path: Where to.
        on_progress: Called with the number of bytes that have arrived, and the number of all bytes,
            None if the server does not tell; first with 0, then after each piece.

    Returns:
        The file's size in bytes.

    Raises:
        DownloadError: If the server cannot be reached or refuses, if the connection
            breaks, if the file that arrives is incomplete or another one, or if it cannot be written.
    """
    try:
        with _partial_file(path) as (file, partial):
            async with session.get(source.url) as response:
                response.raise_for_status()
                length = _content_length(response)
                received = 0
                on_progress(received, length)
                async for piece in response.content.iter_any():
                    # This writes to the page cache, in microseconds. Handing it to a thread would cost more.
                    file.write(piece)
                    received += len(piece)
                    on_progress(received, length)
            # The check opens the file by its path, so Python's own buffer must be written first. Hashing blocks: not on
            # the thread that paints.
            file.flush()
            await asyncio.get_running_loop().run_in_executor(None, _check_file, partial, source, length)
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
        raise DownloadError(_describe(error)) from error
    return received


def download_blocking(source: Source, path: Path) -> int:
    """
    Do what `download` does by blocking calls, as many programs do. The thread does nothing else meanwhile.

    Returns:
        The file's size in bytes.

    Raises:
        DownloadError: As from `download`.
    """
    try:
        with _partial_file(path) as (file, partial):
            with urllib.request.urlopen(source.url, timeout=BLOCKING_TIMEOUT_S) as response:  # noqa: S310 - http only.
                shutil.copyfileobj(response, file)
            file.flush()
            _check_file(partial, source, None)
            return partial.stat().st_size
    # What urllib raises is an OSError; what http.client raises while it reads is none.
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(_describe(error)) from error


def file_name(url: str) -> str:
    """Return a name for the file at *url* that any file system takes: the last part of its path, or the host."""
    parts = urlsplit(url)
    last = unquote(parts.path).rstrip("/").rpartition("/")[2]
    name = re.sub(r"[^\w.()+-]+", "_", last, flags=re.ASCII).lstrip(".")
    return name[-MAX_NAME_LENGTH:] or parts.hostname or "download"


@contextlib.contextmanager
def _partial_file(path: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """Open a file that is renamed to *path* if the block succeeds, and removed if not."""
    # In the same directory, so that replace() renames and does not copy. No other download has this name, because
    # file_name() removes dots in front.
    partial = path.with_name(f".{path.name}.part")
    try:
        with partial.open("wb") as file:
            yield file, partial
        partial.replace(path)
    except BaseException:  # A cancellation, most often.
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
        raise


def _content_length(response: aiohttp.ClientResponse) -> int | None:
    """Return how many bytes will arrive; None if unknown."""
    # A server may compress all the same. aiohttp then unpacks, and the announced length is that of the packed body.
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return None
    return response.content_length


def _check_file(path: Path, source: Source, length: int | None) -> None:
    """Raise DownloadError if the file on disk is not what was announced. Blocks; any thread may call it."""
    size = path.stat().st_size
    for expected in (length, source.size):
        if expected not in (None, size):
            msg = f"{size} bytes arrived instead of {expected}"
            raise DownloadError(msg)
    if source.sha256 is None:
        return
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(BLOCK_SIZE), b""):
            sha256.update(block)
    if sha256.hexdigest() != source.sha256:
        msg = f"the sha256 is {sha256.hexdigest()} instead of {source.sha256}"
        raise DownloadError(msg)


def _describe(error: Exception) -> str:
    # aiohttp's own texts have more than a status line has room for, such as the whole URL.
    if isinstance(error, aiohttp.ClientResponseError):
        return f"HTTP {error.status} {error.message}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection to {error.host}:{error.port}: {_reason(error.os_error)}"
    if isinstance(error, asyncio.TimeoutError):
        return "the server does not answer"
    return str(error) or type(error).__name__


def _reason(error: OSError) -> str:
    """Return the system's own text for *error*; asyncio's text has the address instead."""
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno)
    return error.strerror or str(error)
