"""Starting a thread, or pausing where there can be none."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from asyncslot._loop.watcher_thread import start_or_pause

if TYPE_CHECKING:
    import pytest


def test_thread_runs_the_target_and_is_a_daemon() -> None:
    """The thread has the name and the arguments, and does not keep the interpreter from ending."""
    told: list[object] = []
    thread = start_or_pause(told.append, 1, name="watcher")
    assert thread is not None
    assert (thread.name, thread.daemon) == ("watcher", True)
    thread.join()
    assert told == [1]


def test_thread_that_cannot_start_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end of the interpreter no thread starts: that is no error."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert start_or_pause(print, name="watcher") is None
