"""What logs and task lists say about a task: where it is."""

from __future__ import annotations

import asyncio
import functools
import gc
import os
from types import AsyncGeneratorType, FrameType
from typing import Any, NamedTuple, Sequence

__all__ = ["Place", "describe_place", "describe_task", "find_own_place", "find_places", "trace_awaits"]

# Where this package is: with a separator at the end, so that "asyncslot-own" is not taken for it.
_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # noqa: PTH100, PTH120 - see below.


@functools.lru_cache(maxsize=None)
def _find_directories(*names: str) -> tuple[str, ...]:
    """Return the directories of the standard library or of packages, by `sysconfig`'s names, as `_OURS` is written."""
    # Imported when it is first asked for: "import asyncslot" must stay quick, also where Qt has not imported pathlib.
    import sysconfig  # noqa: PLC0415

    return tuple({os.path.normpath(sysconfig.get_path(name)) + os.sep for name in names})


class Place(NamedTuple):
    """
    A line that a coroutine or generator has come to.

    Attributes:
        name: The qualified name of its function.
        file: The path of its file.
        line: The number of the line, from 1 on.
    """

    name: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.name}() at {self.file}:{self.line}"

    @property
    def is_own(self) -> bool:
        """Whether it is a program's own code: neither the standard library's, nor of an installed package."""
        foreign = _find_directories("stdlib", "platstdlib", "purelib", "platlib")
        return not self.file.startswith((*foreign, _OURS))

    @property
    def is_library(self) -> bool:
        """Whether it is of an installed package: neither the standard library's, nor of this one."""
        # The packages may be installed in a directory of the standard library's.
        return self.file.startswith(_find_directories("purelib", "platlib")) and not self.file.startswith(_OURS)


def describe_task(task: asyncio.Task[Any]) -> str:
    """Return a task's name and where it is suspended."""
    return f"{task.get_name()!r} in {describe_place(task) or repr(task.get_coro())}"


def describe_place(task: asyncio.Future[Any]) -> str:
    """
    Return each coroutine and generator that a task is in, with file and line, outermost first.

    The text is empty for a future that is not a task, and for a task that is done.
    """
    return " -> ".join(map(str, find_places(task)))


def find_places(task: asyncio.Future[Any]) -> list[Place]:
    """Return where each coroutine and generator that a task is in has come to, outermost first; [] as above."""
    return trace_awaits(task.get_coro()) if isinstance(task, asyncio.Task) else []


def trace_awaits(coro: Any) -> list[Place]:
    """Return where a coroutine, and each one that it awaits, has come to, outermost first; [] if it has ended."""
    # asyncio's own Task.get_stack() returns one frame only, the outermost, for a suspended coroutine.
    places = []
    while coro is not None:
        # Coroutine, generator-based coroutine, async generator. One that is done has no frame.
        frame = getattr(coro, "cr_frame", None) or getattr(coro, "gi_frame", None) or getattr(coro, "ag_frame", None)
        # A program's own kind of coroutine may return anything.
        if isinstance(frame, FrameType):
            places.append(
                Place(
                    str(getattr(coro, "__qualname__", frame.f_code.co_name)), frame.f_code.co_filename, frame.f_lineno
                )
            )
        # What it awaits, by the same three kinds. A future has none of these attributes, and so ends the chain.
        coro = (
            getattr(coro, "cr_await", None)
            or getattr(coro, "gi_yieldfrom", None)
            or getattr(coro, "ag_await", None)
            or _stepped_generator(coro)
        )
    return places


def find_own_place(places: Sequence[Place]) -> Place | None:
    """
    Return the innermost of *places* in a program's own code; None if *places* is empty.

    If there is none, as in a program that is itself an installed package: the innermost of an installed package,
    else the innermost of all.
    """
    inner = list(reversed(places))
    own = next((place for place in inner if place.is_own), None)
    return own or next((place for place in inner if place.is_library), None) or next(iter(inner), None)


def _stepped_generator(awaitable: Any) -> AsyncGeneratorType[Any, Any] | None:
    """Return the async generator whose ``__anext__()``, ``asend()`` or ``aclose()`` *awaitable* is, else None."""
    # CPython's types async_generator_asend and async_generator_athrow have no public name. Others may refer to
    # an async generator without stepping it.
    if not type(awaitable).__name__.startswith("async_generator_"):
        return None
    # They have no attribute for their generator: only the garbage collector's view shows it.
    return next((each for each in gc.get_referents(awaitable) if isinstance(each, AsyncGeneratorType)), None)
