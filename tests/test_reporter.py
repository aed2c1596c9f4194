"""The worker's side of progress: what a report is, what it raises, who gets a reporter."""

from __future__ import annotations

import asyncio
import functools
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from asyncslot import ProgressReporter
from asyncslot._background.reporter import Report, call_function, takes_progress


class Worker:
    """A reporter, and what it has sent."""

    def __init__(self) -> None:
        self.sent: list[Report] = []
        self.is_cancelled = False
        self.reporter = ProgressReporter(lambda: self.is_cancelled, self.sent.append)


@pytest.fixture
def worker() -> Worker:
    return Worker()


def test_report_keeps_total_and_text_of_the_one_before(worker: Worker) -> None:
    """A total or a text that is not given is the last one that was."""
    worker.reporter.report(1)
    worker.reporter.report(2, 10, "a")
    worker.reporter.report(3)
    worker.reporter.report(4, text="b")
    worker.reporter.report(5, 20)
    assert worker.sent == [(1, None, None), (2, 10, "a"), (3, 10, "a"), (4, 10, "b"), (5, 20, "b")]
    assert worker.sent[-1].total == 20


@pytest.mark.parametrize("number", [Decimal("2.5"), Fraction(5, 2), "2.5", 2.5], ids=repr)
def test_report_takes_numbers_of_all_kinds(worker: Worker, number: Any) -> None:
    """What float() takes is a number; an int stays one."""
    worker.reporter.report(number, number)
    assert worker.sent == [(2.5, 2.5, None)]
    worker.reporter.report(True, 3)
    assert type(worker.sent[-1].done) is int


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("many",), TypeError, "done must be a number, got 'many'"),
        ((None,), TypeError, "done must be a number, got None"),
        ((1, []), TypeError, r"total must be a number, got \[\]"),
        ((float("nan"),), ValueError, "done must be a finite number, got nan"),
        ((1, float("inf")), ValueError, "total must be a finite number, got inf"),
        ((1, 2, 5), TypeError, "text must be a str, got 5"),
        ((1, -1), ValueError, "total must be 0 or more, got -1"),
    ],
)
def test_report_bad_input(worker: Worker, arguments: Any, error: type[Exception], text: str) -> None:
    """The error says what was wrong, and nothing is sent."""
    with pytest.raises(error, match=text):
        worker.reporter.report(*arguments)
    assert worker.sent == []


def test_report_sends_plain_text(worker: Worker) -> None:
    """A class of the program's own would have to be made again in the other process."""

    class Text(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "other"

    worker.reporter.report(1, text=Text("text"))
    assert worker.sent == [(1, None, "text")]
    assert type(worker.sent[0].text) is str


def test_report_after_cancellation_raises_what_except_exception_lets_pass(worker: Worker) -> None:
    """So a function that goes on after errors ends all the same."""
    worker.is_cancelled = True
    assert worker.reporter.is_cancelled
    with pytest.raises(asyncio.CancelledError):
        worker.reporter.report(1)
    assert not issubclass(asyncio.CancelledError, Exception)
    assert worker.sent == []


@pytest.mark.parametrize(
    ("items", "total"),
    [(["a", "b"], 2), (iter(["a", "b"]), 2), ((each for each in "ab"), None), ({"a": 1, "b": 2}, 2)],
    ids=["list", "iterator", "generator", "dict"],
)
def test_track_reports_what_is_done(worker: Worker, items: Any, total: Any) -> None:
    """An item is done when the next one is asked for. The total is known if the items have a length."""
    seen = [(item, worker.sent[-1].done) for item in worker.reporter.track(items)]
    assert seen == [("a", 0), ("b", 1)]
    assert worker.sent == [(0, total, None), (1, total, None), (2, total, None)]


def test_track_of_nothing_has_a_total(worker: Worker) -> None:
    """Of no items, all are done."""
    assert list(worker.reporter.track([])) == []
    assert worker.sent == [(0, 0, None)]


def test_track_takes_a_total(worker: Worker) -> None:
    """For items whose number only the program knows."""
    list(worker.reporter.track((each for each in "ab"), total=2))
    assert [report.total for report in worker.sent] == [2, 2, 2]


def positional(progress: Any) -> None: ...
def keyword(*, progress: Any = None) -> None: ...
def without(other: Any) -> None: ...
def any_keyword(**kwargs: Any) -> None: ...


class Callable_:  # noqa: N801
    def __call__(self, progress: Any) -> None: ...


@pytest.mark.parametrize(
    ("function", "takes"),
    [
        (positional, True),
        (keyword, True),
        (functools.partial(positional), True),
        (functools.partial(keyword, progress=print), False),
        (Callable_(), True),
        (without, False),
        (any_keyword, False),
        (len, False),
        (dict, False),
    ],
    ids=str,
)
def test_takes_progress(function: Any, takes: bool) -> None:
    """A function says by its parameters that it reports."""
    assert takes_progress(function) is takes


def test_call_function_stop_iteration_becomes_runtime_error() -> None:
    """No future can carry a StopIteration: who awaits it would wait for ever."""
    with pytest.raises(RuntimeError, match="raised StopIteration"):
        call_function(next, (iter([]),), {}, None)


def test_call_function_passes_arguments_on(worker: Worker) -> None:
    """The reporter comes as the keyword that it is named after."""

    def function(*args: Any, progress: Any, **kwargs: Any) -> Any:
        return args, progress, kwargs

    assert call_function(function, (1,), {"a": 2}, worker.reporter) == ((1,), worker.reporter, {"a": 2})
