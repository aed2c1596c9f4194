"""The relay: the newest report, at most 30 a second, the last one always. The loop is a fake."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from asyncslot._background.relay import INTERVAL_S, Relay
from asyncslot._background.reporter import Report


class Loop:
    """A loop whose clock the test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.woken: list[Callable[[], object]] = []
        self.timers: list[Timer] = []
        self.is_closed = False

    def time(self) -> float:
        return self.now_s

    def call_soon_threadsafe(self, callback: Callable[[], object]) -> None:
        if self.is_closed:
            raise RuntimeError("Event loop is closed")
        self.woken.append(callback)

    def call_later(self, delay_s: float, callback: Callable[[], object]) -> Timer:
        timer = Timer(self.now_s + delay_s, callback)
        self.timers.append(timer)
        return timer

    def run(self, seconds: float = 0) -> None:
        """Run what is ready, and what is due *seconds* later."""
        while self.woken:
            self.woken.pop(0)()
        self.now_s += seconds
        due = [timer for timer in self.timers if timer.when_s <= self.now_s]
        self.timers = [timer for timer in self.timers if timer not in due]
        for timer in due:
            if not timer.is_cancelled:
                timer.callback()


class Timer:
    def __init__(self, when_s: float, callback: Callable[[], object]) -> None:
        self.when_s = when_s
        self.callback = callback
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


@pytest.fixture
def loop() -> Loop:
    return Loop()


def make(loop: Loop) -> tuple[Relay, list[float]]:
    delivered: list[float] = []
    fake: Any = loop
    return Relay(fake, lambda report: delivered.append(report.done)), delivered


def report(done: float) -> Report:
    return Report(done, None, None)


def test_relay_delivers_the_first_report_at_once(loop: Loop) -> None:
    """When none comes after it, the relay is idle again."""
    relay, delivered = make(loop)
    relay.put(report(1))
    loop.run()
    assert delivered == [1]
    loop.run(INTERVAL_S)
    assert not loop.timers
    assert not loop.woken
    relay.put(report(2))
    loop.run()
    assert delivered == [1, 2]


def test_relay_wakes_the_loop_once_for_a_flood(loop: Loop) -> None:
    """After the first report, a timer brings the newest one, once per interval."""
    relay, delivered = make(loop)
    relay.put(report(0))
    loop.run()
    for number in range(3):
        for done in range(100):
            relay.put(report(100 * number + done))
        assert not loop.woken
        assert len(loop.timers) == 1
        loop.run(INTERVAL_S / 2)
        loop.run(INTERVAL_S / 2)
    assert delivered == [0, 99, 199, 299]
    loop.run(INTERVAL_S)
    assert not loop.timers


def test_relay_report_that_comes_as_it_becomes_idle_is_delivered(loop: Loop) -> None:
    """A thread may report between any two lines: before the relay is idle, and after it."""

    class Racing(Relay):
        def __setattr__(self, name: str, value: object) -> None:
            # As if a thread came in before, or after, the line that makes the relay idle.
            is_idle = name == "_is_scheduled" and value is False and reports
            if is_idle and reports[0] == "before":
                self.put(report(reports.pop()))
            super().__setattr__(name, value)
            if is_idle and reports and reports[0] == "after":
                self.put(report(reports.pop()))

    for moment in ("before", "after"):
        delivered: list[float] = []
        reports: list[Any] = []
        fake: Any = loop
        relay = Racing(fake, lambda report, delivered=delivered: delivered.append(report.done))
        relay.put(report(1))
        loop.run()
        reports.extend([moment, 2])
        loop.run(INTERVAL_S)
        loop.run()
        assert delivered == [1, 2]
        assert len(loop.timers) == 1
        reports.clear()
        loop.run(INTERVAL_S)
        assert not loop.timers
        assert not loop.woken


def test_relay_closed_delivers_what_is_new(loop: Loop) -> None:
    """At the end of the work, nothing waits for the interval. What a thread of the work reports later is ignored."""
    relay, delivered = make(loop)
    relay.put(report(0))
    loop.run()
    relay.put(report(1))
    loop.run()
    relay.close()
    assert delivered == [0, 1]
    relay.close()
    relay.put(report(2))
    loop.run(INTERVAL_S)
    loop.run(INTERVAL_S)
    assert delivered == [0, 1]
    assert not loop.timers


def test_relay_closed_without_a_report_delivers_nothing(loop: Loop) -> None:
    """Work may report nothing at all."""
    relay, delivered = make(loop)
    relay.close()
    assert delivered == []


def test_relay_of_a_closed_loop_raises_nothing(loop: Loop) -> None:
    """A worker whose loop is gone goes on until it asks whether it was cancelled."""
    loop.is_closed = True
    relay, delivered = make(loop)
    relay.put(report(1))
    assert delivered == []
