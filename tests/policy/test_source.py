"""Where loops come from: when they are imported, what happens if they cannot be had, which one a thread has."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Iterator

import pytest

from asyncslot import AsyncSlotEventLoop
from asyncslot_policy import AsyncSlotPolicyError
from asyncslot_policy._config import read_argument, read_environment
from asyncslot_policy._source import LoopSource, report


@pytest.fixture(autouse=True)
def _no_application_factory() -> Iterator[None]:
    assert AsyncSlotEventLoop.application_factory is None
    yield
    AsyncSlotEventLoop.application_factory = None


def strict(name: str, **options: Any) -> LoopSource:
    return LoopSource(read_argument(name, f"install({name!r})", {}, **options), is_tolerant=False)


def tolerant(name: str, **variables: str) -> LoopSource:
    return LoopSource(read_environment({"ASYNCSLOT_POLICY": name, **variables}), is_tolerant=True)


def make_with_asyncio() -> asyncio.AbstractEventLoop:
    """A factory that asks asyncio for a loop, which may ask the source that called it."""
    loop = reentered[0].make()
    assert loop is None
    return asyncio.SelectorEventLoop()


reentered: list[LoopSource] = []

failures: list[BaseException] = []


class Unprintable(Exception):  # noqa: N818 - its name is part of the message.
    def __str__(self) -> str:
        raise RuntimeError("no text")


def make_closed() -> asyncio.AbstractEventLoop:
    loop = asyncio.SelectorEventLoop()
    loop.close()
    return loop


def make_until_failure() -> asyncio.AbstractEventLoop:
    if failures:
        raise failures[0]
    return asyncio.SelectorEventLoop()


@pytest.fixture(autouse=True)
def _this_module(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have ``loops_for_test:name`` mean what stands here."""
    monkeypatch.setitem(sys.modules, "loops_for_test", sys.modules[__name__])
    yield
    reentered.clear()
    failures.clear()


def test_make_returns_loops(app: Any) -> None:
    """Each call makes another loop."""
    source = strict("qt")
    loops = [source.make(), source.make()]
    assert [type(loop) for loop in loops] == [AsyncSlotEventLoop, AsyncSlotEventLoop]
    assert loops[0] is not loops[1]
    for loop in loops:
        loop.close()


@pytest.mark.parametrize("name", ["qtt", "no.such:thing", "os:getcwd", "os:abort_not"])
def test_make_strict_unavailable_raises_each_time(name: str) -> None:
    """Without tolerance, a loop that cannot be had is an error that begins with who asked, whenever it is asked for."""
    source = strict(name)
    for _ in range(2):
        with pytest.raises(AsyncSlotPolicyError, match=rf"^install\('{name}'\): .*available: "):
            source.make()


@pytest.mark.parametrize("name", ["qtt", "no.such:thing", "os:getcwd"])
def test_make_tolerant_unavailable_reports_once(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With tolerance, one line says what was wrong and how to do without it, and the caller makes stock loops."""
    source = tolerant(name)
    assert [source.make(), source.make()] == [None, None]
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"asyncslot_policy: ASYNCSLOT_POLICY='{name}': ")
    assert "available: " in line
    assert "unset ASYNCSLOT_POLICY" in line


def test_make_debugging_reports_with_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """With ASYNCSLOT_DEBUG the traceback precedes the line."""
    assert tolerant("no.such:thing", ASYNCSLOT_DEBUG="1").make() is None
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Traceback")
    assert any(line.startswith("ModuleNotFoundError: No module named 'no'") for line in lines)
    assert lines[-1].startswith("asyncslot_policy: ASYNCSLOT_POLICY='no.such:thing'")


def test_resolve_debugging_says_what_was_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    """With ASYNCSLOT_DEBUG one line says which loop was chosen, who asked, and on which binding it runs."""
    source = tolerant("auto", ASYNCSLOT_DEBUG="1")
    source.resolve()
    source.resolve()
    [line] = capsys.readouterr().err.splitlines()
    assert "ASYNCSLOT_POLICY='auto': loops come from asyncslot.AsyncSlotEventLoop (built in) on " in line


@pytest.mark.parametrize("is_tolerant", [True, False])
def test_make_factory_that_asks_asyncio_gets_a_stock_loop(is_tolerant: bool) -> None:
    """A factory that itself calls ``asyncio.new_event_loop()`` does not call itself."""
    make = tolerant if is_tolerant else strict
    reentered.append(make("loops_for_test:make_with_asyncio"))
    loop = reentered[0].make()
    assert isinstance(loop, asyncio.SelectorEventLoop)
    loop.close()


def test_make_failure_after_success_is_the_programs() -> None:
    """A factory that worked before and fails now, for want of file descriptors say, is not given up: that is raised."""
    source = tolerant("loops_for_test:make_until_failure")
    source.make().close()
    failures.append(OSError("too many open files"))
    with pytest.raises(OSError, match="too many"):
        source.make()
    failures.clear()
    source.make().close()


def test_make_first_failure_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """A factory that fails when it is called first is given up, like one that cannot be imported."""
    failures.append(ValueError("no\nluck"))
    assert tolerant("loops_for_test:make_until_failure").make() is None
    assert "make_until_failure failed (ValueError: no luck); available: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("failure", "reason"),
    [(SystemExit(3), "SystemExit: 3"), (Unprintable(), "Unprintable: <it cannot be shown>")],
)
def test_make_odd_failure_is_reported(failure: BaseException, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A factory that wants to end the program, or whose error has no text, is given up like any."""
    failures.append(failure)
    assert tolerant("loops_for_test:make_until_failure").make() is None
    assert f"failed ({reason}); available: " in capsys.readouterr().err


def test_make_closed_loop_is_no_loop() -> None:
    """A factory that returns a closed loop, such as its only one again, is an error that names it."""
    with pytest.raises(AsyncSlotPolicyError, match=r"make_closed returned .*, which is closed; available: "):
        strict("loops_for_test:make_closed").make()


def test_make_unexpected_failure_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error of our own, even, leaves the program on stock asyncio."""
    monkeypatch.setattr("asyncslot_policy._registry.load", lambda name: 1 // 0)
    assert tolerant("qt").make() is None
    assert "ASYNCSLOT_POLICY='qt': ZeroDivisionError" in capsys.readouterr().err


def test_report_without_standard_error_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A windowed program on Windows has no standard error."""
    monkeypatch.setattr(sys, "stderr", None)
    report("nobody reads this")


def test_resolve_places_application_factory(app: Any) -> None:
    """The kind of application that was asked for is made when a loop first runs without one, unless taken back."""
    source = tolerant("qt", ASYNCSLOT_APPLICATION="core")
    assert AsyncSlotEventLoop.application_factory is None
    source.resolve()
    assert AsyncSlotEventLoop.application_factory() is app  # There is one; else it would be made.
    source.remove_application_factory()
    assert AsyncSlotEventLoop.application_factory is None


def test_resolve_application_factory_of_the_program_yields_to_code_only() -> None:
    """A factory that the program has set counts more than the environment, less than an argument."""
    AsyncSlotEventLoop.application_factory = own = lambda: None
    tolerant("qt", ASYNCSLOT_APPLICATION="core").resolve()
    assert AsyncSlotEventLoop.application_factory is own
    source = strict("qt", application="core")
    source.resolve()
    assert AsyncSlotEventLoop.application_factory is not own
    AsyncSlotEventLoop.application_factory = own
    source.remove_application_factory()
    assert AsyncSlotEventLoop.application_factory is own
