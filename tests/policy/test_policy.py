"""AsyncSlotEventLoopPolicy by itself, and asyncio's private names that it stands on."""

from __future__ import annotations

import asyncio
import sys
import warnings
from typing import Any, Iterator

import pytest
from policy_support import ROOT, run_python

from asyncslot import AsyncSlotEventLoop
from asyncslot.loop import thread_loop
from asyncslot_policy import AsyncSlotPolicyError, _policy

pytestmark = pytest.mark.skipif(not _policy.HAS_POLICIES, reason="asyncio has no policies")


@pytest.fixture
def policy(app: Any) -> Iterator[Any]:
    """A policy that is nobody's; the loops that it made are closed."""
    policy = _policy.AsyncSlotEventLoopPolicy()
    yield policy
    loop = thread_loop()
    if loop is not None:
        loop.shutdown()
    policy.set_event_loop(None)


def test_private_names_are_complete() -> None:
    """This Python's asyncio has all of the policy's names, or, from 3.16 on, none."""
    names = [_policy.get_policy, _policy.set_policy, _policy._stock_policy]
    assert [name is not None for name in names] == [sys.version_info < (3, 16)] * 3


def test_policy_is_a_stock_policy(policy: Any) -> None:
    """It derives from the stock default policy, and asyncio takes it."""
    before = _policy.get_policy()
    assert isinstance(policy, type(before))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.14 warns of the call itself.
        asyncio.set_event_loop_policy(policy)
        asyncio.set_event_loop_policy(before)


def test_policy_class_has_its_name() -> None:
    """The class's name is the public one."""
    assert _policy.AsyncSlotEventLoopPolicy.__name__ == "AsyncSlotEventLoopPolicy"


def test_new_event_loop_sets_nothing(policy: Any) -> None:
    """A new loop is not this thread's before it is set."""
    loop = policy.new_event_loop()
    assert type(loop) is AsyncSlotEventLoop
    assert policy._source.get() is None
    loop.close()


def test_get_event_loop_makes_one_and_keeps_it(policy: Any) -> None:
    """Without a loop there is a new one, without a warning, and then the same."""
    loop = policy.get_event_loop()
    assert type(loop) is AsyncSlotEventLoop
    assert policy.get_event_loop() is loop
    assert thread_loop() is loop


def test_get_event_loop_after_set_none_makes_another(policy: Any) -> None:
    """Setting None takes the loop away, here and from `run_task`; the next call makes another."""
    loop = policy.get_event_loop()
    policy.set_event_loop(None)
    assert thread_loop() is None
    assert policy.get_event_loop() is not loop
    loop.close()


def test_get_event_loop_closed_is_replaced(policy: Any) -> None:
    """A closed loop that it made itself counts as none, as it does for `run_task`: a quit closes loops."""
    loop = policy.get_event_loop()
    loop.close()
    assert not policy.get_event_loop().is_closed()


def test_get_event_loop_closed_but_set_is_returned(policy: Any) -> None:
    """A closed loop that the program has set is what it gets, as from the stock policy; pytest-asyncio counts on it."""
    loop = policy.new_event_loop()
    policy.set_event_loop(loop)
    loop.close()
    assert policy.get_event_loop() is loop


def test_get_event_loop_attached_one_is_found(policy: Any, attached: AsyncSlotEventLoop) -> None:
    """The loop that is attached is the policy's, too, and taking the policy's away does not take that."""
    assert policy.get_event_loop() is attached
    policy.set_event_loop(attached)
    policy.set_event_loop(None)
    assert thread_loop() is attached


def test_set_event_loop_foreign_is_returned_and_leaves_run_task_alone(policy: Any) -> None:
    """A loop that is not ours can be set; it is what asyncio gets, and nothing to `run_task`."""
    stock = asyncio.SelectorEventLoop()
    policy.get_event_loop().close()
    policy.set_event_loop(stock)
    assert policy.get_event_loop() is stock
    assert thread_loop() is None
    stock.close()


def test_set_event_loop_nonsense_is_refused(policy: Any) -> None:
    """What is no loop is refused as by the stock policy, and nothing has changed."""
    loop = policy.get_event_loop()
    with pytest.raises((TypeError, AssertionError)):
        policy.set_event_loop("loop")
    assert policy.get_event_loop() is loop


def test_import_package_imports_neither_asyncio_nor_qt() -> None:
    """``import asyncslot_policy``, and asking for what is not in it, imports nothing else."""
    code = (
        "import sys; before = set(sys.modules); import asyncslot_policy\n"
        "asyncslot_policy._start(); dir(asyncslot_policy)\n"
        "print(hasattr(asyncslot_policy, 'nothing'), sorted(set(sys.modules) - before - {'asyncslot_policy'}))"
    )
    assert run_python("-c", code).lines == ["False []"]


def test_policy_class_imports_no_qt() -> None:
    """The policy can be set before the program has imported the binding that it wants."""
    code = (
        "import sys; from asyncslot_policy import AsyncSlotEventLoopPolicy; AsyncSlotEventLoopPolicy()\n"
        "print([name for name in sys.modules if name.startswith(('PySide', 'PyQt', 'shiboken', 'asyncslot.'))])"
    )
    assert run_python("-c", code).lines == ["[]"]


def test_policy_class_without_policies_names_the_ways_out() -> None:
    """Where asyncio has no policies, the name raises an AttributeError that says what to use instead."""
    code = (
        "import sys; sys.path.insert(0, 'tests/scripts'); import without_policies, asyncslot_policy\n"
        "try: asyncslot_policy.AsyncSlotEventLoopPolicy\n"
        "except AttributeError as error: print('install()' in str(error), 'loop_factory=' in str(error))"
    )
    finished = run_python("-c", code, directory=ROOT)
    assert finished.errors == ""
    assert finished.lines == ["True True"]


def test_new_event_loop_unavailable_raises(policy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy that the program's own code has made does not fall back: it raises."""
    monkeypatch.setitem(sys.modules, "asyncslot.loop", None)
    with pytest.raises(AsyncSlotPolicyError, match=r"^AsyncSlotEventLoopPolicy\(\): .* cannot be imported"):
        policy.new_event_loop()
    monkeypatch.undo()


def test_get_event_loop_two_policies_share_the_threads_loop(policy: Any) -> None:
    """The loop is the thread's, whichever of our policies is asked."""
    assert _policy.AsyncSlotEventLoopPolicy().get_event_loop() is policy.get_event_loop()
