"""The relay: the newest report, at most 30 a second, the last one always. Loop and clock are fakes."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from asyncslot._background.relay import GIVE_WAY_S, TAIL_S, Relay
from asyncslot._background.reporter import INTERVAL_S, Report


class Loop:
    """A loop whose clock the test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.woken: list[Callable[[], object]] = []
        self.timers: list[Timer] = []
        self.slept: list[float] = []
        self.is_closed = False

    @property
    def pending_timers(self) -> list[Timer]:
        return [timer for timer in self.timers if not timer.is_cancelled]

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
    relay = Relay(fake, lambda report: delivered.append(report.done), clock=loop.time, sleep=loop.slept.append)
    return relay, delivered


def report(done: float) -> Report:
    return Report(done, None, None)


def test_relay_delivers_the_first_report_at_once(loop: Loop) -> None:
    """When none comes after it, the relay is idle again."""
    relay, delivered = make(loop)
    relay.put(report(1))
    loop.run()
    assert delivered == [1]
    loop.run(TAIL_S)
    assert not loop.timers
    assert not loop.woken
    relay.put(report(2))
    loop.run()
    assert delivered == [1, 2]


def test_relay_wakes_the_loop_once_per_interval(loop: Loop) -> None:
    """Of many reports, the first after each interval is delivered, and the worker gives way then."""
    relay, delivered = make(loop)
    for number in range(3):
        for done in range(100):
            relay.put(report(100 * number + done))
        assert len(loop.woken) == 1
        loop.run(INTERVAL_S)
        assert len(loop.pending_timers) == 1
    assert delivered == [99, 199, 299]
    assert loop.slept == [GIVE_WAY_S] * 3
    loop.run(TAIL_S)
    assert not loop.pending_timers


@pytest.mark.parametrize("delay_s", [0, INTERVAL_S / 2, INTERVAL_S * 0.99])
def test_relay_delivers_a_report_that_comes_too_early(loop: Loop, delay_s: float) -> None:
    """No report stays behind, though none comes after it."""
    relay, delivered = make(loop)
    relay.put(report(1))
    loop.run(delay_s)
    relay.put(report(2))
    assert not loop.woken
    loop.run(TAIL_S)
    assert delivered == [1, 2]
    loop.run(TAIL_S)
    assert not loop.pending_timers


def test_relay_that_is_closed_while_it_shows_arms_nothing(loop: Loop) -> None:
    """What shows a report may run a Qt loop, in which the work ends."""
    delivered: list[float] = []
    fake: Any = loop
    relay = Relay(fake, lambda report: (delivered.append(report.done), relay.close()), loop.time, loop.slept.append)
    relay.put(report(1))
    loop.run()
    assert delivered == [1]
    assert not loop.pending_timers


def test_relay_closed_delivers_what_is_new(loop: Loop) -> None:
    """At the end of the work, nothing waits for the interval. What a thread of the work reports later is ignored."""
    relay, delivered = make(loop)
    relay.put(report(0))
    loop.run()
    relay.put(report(1))
    relay.close()
    assert delivered == [0, 1]
    relay.close()
    loop.run(INTERVAL_S)
    relay.put(report(2))
    loop.run(TAIL_S)
    assert delivered == [0, 1]
    assert not loop.woken
    assert not loop.pending_timers


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
