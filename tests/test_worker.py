"""What runs in a process: how it throttles its reports. The rest is in test_process, in real processes."""

from __future__ import annotations

import threading
import time

from support import CEILING_S

from asyncslot._background.reporter import INTERVAL_S, Report
from asyncslot._background.worker import ThrottledSender


def test_sender_sends_the_last_report_without_another_one() -> None:
    """A report that comes too early is sent when the interval is over, though nothing follows it."""
    sent: list[tuple[float, float]] = []
    arrived = threading.Event()

    def send(report: Report) -> None:
        sent.append((report.done, time.monotonic()))
        if report.done == 99:
            arrived.set()

    sender = ThrottledSender(send)
    for done in range(100):
        sender.put(Report(done, None, None))
    assert arrived.wait(CEILING_S)
    assert sent[0][0] == 0
    assert len(sent) < 100
    # A clock that has little resolution may make an interval shorter.
    assert all(later - earlier > INTERVAL_S / 2 for (_, earlier), (_, later) in zip(sent, sent[1:]))


def test_sender_sends_nothing_once_it_is_closed() -> None:
    """The result tells of the last report."""
    sent: list[float] = []
    sender = ThrottledSender(lambda report: sent.append(report.done))
    sender.put(Report(1, None, None))
    sender.put(Report(2, None, None))
    timer = sender._timer
    sender.close()
    if timer is not None:
        timer.join(CEILING_S)
    assert sent == [1]
