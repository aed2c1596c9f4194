"""This thread's loop, with fake loops. What attaching sets: test_loop. A real fork: test_quit."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any, Iterator

import pytest

from asyncslot._loop import this_thread
from asyncslot._loop.this_thread import set_running, set_thread_loop, thread_loop


class FakeLoop:
    """A loop as far as it is known here."""

    def __init__(self) -> None:
        self.closed = False
        self.forgotten = 0

    def is_closed(self) -> bool:
        return self.closed

    def forget(self) -> None:
        self.forgotten += 1


@pytest.fixture(autouse=True)
def _thread_has_no_loop() -> Iterator[None]:
    """This thread has no loop, before and after."""
    assert thread_loop() is None
    yield
    set_running(None)
    set_thread_loop(None)


@pytest.fixture
def no_fork_hook() -> Iterator[None]:
    """No loop has been set in this process, as far as the hook knows."""
    this_thread._register_fork_hook.cache_clear()
    yield
    this_thread._register_fork_hook.cache_clear()  # Or the real hook might never be registered.


def test_thread_loop_is_the_one_set_last() -> None:
    """The loop set last is this thread's; None forgets it."""
    first, second = FakeLoop(), FakeLoop()
    set_thread_loop(first)
    assert thread_loop() is first
    set_thread_loop(second)
    assert thread_loop() is second
    set_thread_loop(None)
    assert thread_loop() is None


def test_thread_loop_closed_is_none() -> None:
    """A loop that was closed is this thread's no more."""
    loop = FakeLoop()
    set_thread_loop(loop)
    loop.closed = True
    assert thread_loop() is None


def test_thread_loop_is_not_the_running_one() -> None:
    """That a loop runs here does not make it this thread's."""
    set_running(FakeLoop())
    assert thread_loop() is None


def test_thread_loop_of_other_thread_is_another() -> None:
    """A thread knows nothing of another's loop, and sets its own only."""
    mine, others = FakeLoop(), FakeLoop()
    seen: list[Any] = []

    def work() -> None:
        seen.append(thread_loop())
        set_thread_loop(others)
        seen.append(thread_loop())

    set_thread_loop(mine)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [None, others]
    assert thread_loop() is mine


def test_forget_hides_both_loops_and_tells_the_running_one() -> None:
    """In a forked child neither loop is known; the one that ran is told, once, and the other is not."""
    attached, running = FakeLoop(), FakeLoop()
    set_thread_loop(attached)
    set_running(running)
    this_thread._forget()
    this_thread._forget()
    assert thread_loop() is None
    assert (attached.forgotten, running.forgotten) == (0, 1)


def test_forget_running_loop_that_ended_is_not_told() -> None:
    """A loop that runs no more has nothing to forget."""
    loop = FakeLoop()
    set_running(loop)
    set_running(None)
    this_thread._forget()
    assert loop.forgotten == 0


@pytest.mark.usefixtures("no_fork_hook")
@pytest.mark.parametrize("setter", [set_thread_loop, set_running])
def test_fork_hook_registered_once_for_the_first_loop(monkeypatch: pytest.MonkeyPatch, setter: Any) -> None:
    """The hook for forked children is registered when the first loop is set, by either function, and only once."""
    hooks: list[Any] = []
    monkeypatch.setattr(os, "register_at_fork", lambda **hook: hooks.append(hook), raising=False)
    setter(FakeLoop())
    assert len(hooks) == 1
    set_running(FakeLoop())
    set_thread_loop(FakeLoop())
    assert hooks == [{"after_in_child": this_thread._forget}]


@pytest.mark.usefixtures("no_fork_hook")
@pytest.mark.parametrize("setter", [set_thread_loop, set_running])
def test_fork_hook_without_fork_is_not_registered(monkeypatch: pytest.MonkeyPatch, setter: Any) -> None:
    """On a platform that has no fork, loops are set all the same."""
    monkeypatch.delattr(os, "register_at_fork", raising=False)
    setter(FakeLoop())


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Forking with threads, which Qt may have.
def test_fork_child_is_told_parent_is_not() -> None:
    """The child has no loop, and the one that ran was told; in the parent all is as it was."""
    loop = FakeLoop()
    set_thread_loop(loop)
    set_running(loop)
    child = os.fork()
    if child == 0:
        os._exit(loop.forgotten if thread_loop() is None else 9)
    _, status = os.waitpid(child, 0)
    assert os.WEXITSTATUS(status) == 1
    assert loop.forgotten == 0
    assert thread_loop() is loop
