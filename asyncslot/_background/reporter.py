"""
The worker's side of progress: what a function in a thread or a process reports by.

It knows neither Qt nor a loop. A process that works for the program uses it, too.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import math
import numbers
import operator
from asyncio import CancelledError
from typing import Any, Callable, Iterable, Iterator, NamedTuple, TypeVar

__all__ = ["INTERVAL_S", "ProgressReporter", "Report", "call_function", "ignore_report", "takes_progress"]

T = TypeVar("T")

# Seconds between two reports that reach the program. Arbitrary: 30 a second look smooth, and cost nothing.
INTERVAL_S = 1 / 30


class Report(NamedTuple):
    """How far the work is; None for a total or a text that was never reported."""

    done: float
    total: float | None
    text: str | None


class ProgressReporter:
    """
    What a function that runs in the background gets as its parameter ``progress``.

    It may be used on any thread of the process that the function runs in.

    Args:
        is_cancelled: Tells whether the work was cancelled.
        send: Called with each `Report`.
    """

    def __init__(self, is_cancelled: Callable[[], object], send: Callable[[Report], object]) -> None:
        self._is_cancelled = is_cancelled
        self._send = send
        # The newest report: a later one takes the total and the text from it.
        self.latest: Report | None = None

    @property
    def is_cancelled(self) -> bool:
        """Whether the work was cancelled: then the function should clean up and return, or raise CancelledError."""
        return bool(self._is_cancelled())

    def report(self, done: float, total: float | None = None, text: str | None = None) -> None:
        """
        Tell how far the work is. This is cheap: only about 30 reports a second reach the program.

        Args:
            done: How much is done, in the unit of *total*: files, bytes, a fraction of 1.
            total: How much there is to do in all. None: as in the report before, and unknown in the first one.
            text: What is being done. None: as in the report before.

        Raises:
            asyncio.CancelledError: If the work was cancelled. It is no ``Exception``, so that ``except Exception``
                in the function lets it pass.
            TypeError: If *done* or *total* is no number, or *text* no str.
            ValueError: If one of them is infinite or NaN, or *total* is negative.
        """
        if self._is_cancelled():
            msg = "the work was cancelled"
            raise CancelledError(msg)
        # Most reports are plain integers. Others are looked at.
        if type(done) is not int:
            done = _check_number("done", done)
        latest = self.latest
        if total is None:
            total = None if latest is None else latest[1]
        elif type(total) is not int or total < 0:
            total = _check_total(total)
        if text is None:
            text = None if latest is None else latest[2]
        elif type(text) is not str:
            text = _check_text(text)
        # Report._make() without its check of the length: this may run a million times a second.
        self.latest = report = tuple.__new__(Report, (done, total, text))
        self._send(report)

    def track(self, items: Iterable[T], total: float | None = None) -> Iterator[T]:
        """
        Yield the items, and report how many of them are done.

        Args:
            items: The items.
            total: How many there are; None for their ``len()``, if they have one.

        Yields:
            Each of *items*.

        Raises:
            asyncio.CancelledError: As `report`.
        """
        if total is None:
            # 0 means that nothing is known, or that there is none.
            total = operator.length_hint(items) or (0 if hasattr(items, "__len__") else None)
        self.report(0, total)
        for done, item in enumerate(items, 1):
            yield item
            self.report(done)


def ignore_report(_: Report) -> None:
    """Take a report that nobody wants."""


def _check_number(name: str, number: Any) -> float:
    """Return *number* as an int or a float; numbers of other kinds, as NumPy's, are converted."""
    converted: float | None = None
    with contextlib.suppress(TypeError, ValueError):
        # bool is an int, too.
        converted = int(number) if isinstance(number, numbers.Integral) else float(number)
    if converted is None:
        msg = f"{name} must be a number, got {number!r}"
        raise TypeError(msg)
    if not math.isfinite(converted):
        msg = f"{name} must be a finite number, got {number!r}"
        raise ValueError(msg)
    return converted


def _check_total(total: Any) -> float:
    converted = _check_number("total", total)
    if converted < 0:
        msg = f"total must be 0 or more, got {total!r}"
        raise ValueError(msg)
    return converted


def _check_text(text: Any) -> str:
    if not isinstance(text, str):
        msg = f"text must be a str, got {text!r}"
        raise TypeError(msg)
    # Of a class of the program's own: the text alone goes to the other process.
    return str.__str__(text)


def takes_progress(function: Callable[..., object]) -> bool:
    """Tell whether *function* has a parameter ``progress`` that nobody has given a value yet."""
    # A partial shows a keyword that it has bound as a parameter with a default.
    if isinstance(function, functools.partial) and "progress" in function.keywords:
        return False
    try:
        parameter = inspect.signature(function).parameters.get("progress")
    except (TypeError, ValueError):  # Some functions that are written in C do not tell.
        return False
    return parameter is not None and parameter.kind in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}


def call_function(
    function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any], reporter: ProgressReporter | None
) -> T:
    """
    Call *function* in the worker.

    Args:
        function: The function.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
        reporter: What it gets as ``progress``; None if it has no such parameter.

    Raises:
        RuntimeError: If it raises StopIteration, which no future can carry: who awaits it would wait for ever.
    """
    try:
        return function(*args, **kwargs) if reporter is None else function(*args, progress=reporter, **kwargs)
    except StopIteration as exc:
        msg = f"{function!r} raised StopIteration"
        raise RuntimeError(msg) from exc
