"""install() and uninstall(), by policy and by factory: what programs do afterwards, what is put back."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Iterator

import pytest
from policy_support import OURS, ROOT, SELECTOR_LOOP, STOCK, run_python
from support import run_script

import asyncslot_policy
from asyncslot import AsyncSlotEventLoop
from asyncslot_policy import AsyncSlotPolicyError, _policy
from asyncslot_policy._hooks import installed_source

# What programs do after install(), and the lines that each prints: see scripts/after_install.py.
AFTER_INSTALL = {
    "run_twice": [OURS, OURS],
    "runner": [OURS, OURS],
    "test_case": [OURS, OURS],
    "get_event_loop": [OURS, "True", OURS],
    "subprocess": [f"{OURS} child 0"],
    "worker_thread": [OURS],
    "qthread_get_event_loop": [f"{OURS} True", "True"],
    "worker_thread_get_event_loop": ["RuntimeError"],
    "run_task_takes_the_set_one": ["True"],
    "run_task_first": ["True", "True", "True False"],
    "set_event_loop": ["True", "True", f"True {OURS}", f"True {OURS}"],
    "fork": ["7", "True"],
    "uninstall": [STOCK],
    "install_again": [SELECTOR_LOOP, OURS, STOCK],
    "choice_reaches_slots": [*["Chosen Chosen Chosen"] * 2, *[f"{OURS} {OURS} {OURS}"] * 3],
    "choice_reaches_slots_of_qthread": ["Chosen", "True"],
}

KINDS = ["policy", "factory"] if _policy.HAS_POLICIES else ["factory"]


@pytest.fixture
def _restored() -> Iterator[None]:
    """Nothing of ours is left in asyncio."""
    before = installed_source()
    yield
    asyncslot_policy.uninstall()
    assert before is None
    assert AsyncSlotEventLoop.application_factory is None


@pytest.mark.parametrize("what", AFTER_INSTALL)
@pytest.mark.parametrize("kind", KINDS)
def test_install_program(kind: str, what: str) -> None:
    """After install(), every way to a loop leads to the Qt-hosted one, with policies or without; nothing warns."""
    if what == "runner" and sys.version_info < (3, 11):
        pytest.skip("asyncio.Runner is new in Python 3.11")
    if what == "fork" and sys.platform == "win32":
        pytest.skip("there is no fork")
    # From Python 3.12 on, forking with threads (Qt's) is deprecated, whoever does it.
    options = ["-X", "dev", "-W", "error", *(["-W", "ignore:This process"] if what == "fork" else [])]
    finished = run_script("after_install", kind, what, options=options)
    assert finished.errors == ""
    assert finished.code == 0
    assert finished.lines == AFTER_INSTALL[what]


@pytest.mark.parametrize("kind", KINDS)
def test_install_unavailable_raises_and_changes_nothing(kind: str) -> None:
    """A loop that cannot be had is an error, and asyncio is as it was."""
    code = (
        "import asyncio, sys; sys.path.insert(0, 'tests/scripts')\n"
        f"if {kind == 'factory'}: import without_policies\n"
        "import asyncslot_policy\n"
        "before = asyncio.new_event_loop\n"
        "try: asyncslot_policy.install('qtt', application='core')\n"
        "except asyncslot_policy.AsyncSlotPolicyError as error: print(error)\n"
        "print(asyncio.new_event_loop is before)\n"
        "loop = asyncio.new_event_loop(); print(type(loop).__name__); loop.close()"
    )
    finished = run_python("-c", code, directory=ROOT)
    assert finished.errors == ""
    assert finished.lines[0].startswith("install('qtt'): there is no loop of this name; available: qt")
    assert finished.lines[1:] == ["True", STOCK]


def test_install_factory_that_asyncio_does_not_heed_is_undone() -> None:
    """Where asyncio has no policies and makes its loops elsewhere, install() says so and has changed nothing."""
    code = (
        "import asyncio, sys; sys.path.insert(0, 'tests/scripts')\n"
        "import without_policies\n"
        "before = vars(asyncio.events).copy()\n"
        "class Elsewhere:\n"
        "    new_event_loop = staticmethod(asyncio.SelectorEventLoop)\n"
        "    set_event_loop = staticmethod(print)\n"
        "asyncio.runners.events = Elsewhere\n"
        "import asyncslot_policy\n"
        "try: asyncslot_policy.install()\n"
        "except asyncslot_policy.AsyncSlotPolicyError as error: print('loop_factory=' in str(error))\n"
        "print([name for name, value in before.items() if vars(asyncio.events)[name] is not value])"
    )
    if sys.version_info < (3, 11):
        pytest.skip("asyncio.Runner is new in Python 3.11")
    finished = run_python("-c", code, directory=ROOT, options=())
    assert finished.lines[-2:] == ["True", "[]"]


@pytest.mark.parametrize("kind", KINDS)
def test_install_no_site_no_metadata_works(kind: str) -> None:
    """In a frozen program, without site and metadata, install() finds the built-in loop."""
    code = (
        f"import sys; sys.path[:0] = {[*sys.path, str(ROOT), str(ROOT / 'tests/scripts')]!r}\n"
        "assert 'site' not in sys.modules\n"
        "sys.modules['importlib.metadata'] = sys.modules['importlib_metadata'] = None\n"
        f"if {kind == 'factory'}: import without_policies\n"
        "import asyncio, asyncslot_policy; asyncslot_policy.install(application='core')\n"
        "async def main(): print(type(asyncio.get_running_loop()).__name__)\n"
        "asyncio.run(main())"
    )
    finished = run_python("-c", code, options=("-I", "-S"))
    assert finished.errors == ""
    assert finished.lines == [OURS]


@pytest.mark.usefixtures("_restored")
@pytest.mark.skipif(not _policy.HAS_POLICIES, reason="asyncio has no policies")
class TestNesting:
    """install() among other policies."""

    def test_uninstall_restores_the_policy_before(self) -> None:
        """Whatever policy was there comes back."""
        before = _policy.get_policy()
        asyncslot_policy.install()
        asyncslot_policy.install()
        asyncslot_policy.install("asyncio:SelectorEventLoop")
        assert _policy.get_policy() is not before
        asyncslot_policy.uninstall()
        assert _policy.get_policy() is before

    def test_uninstall_under_another_policy_leaves_it(self) -> None:
        """A policy that was set on top of ours stays; ours can be installed above it, and taken off again."""
        before = _policy.get_policy()
        asyncslot_policy.install()
        other = type(before)()
        _policy.set_policy(other)
        asyncslot_policy.uninstall()
        assert _policy.get_policy() is other
        asyncslot_policy.install()
        assert _policy.get_policy() is not other
        asyncslot_policy.uninstall()
        assert _policy.get_policy() is other
        _policy.set_policy(before)

    def test_install_same_again_changes_nothing(self) -> None:
        """Installing what is installed keeps the policy, and each thread's loop with it."""
        asyncslot_policy.install(application="core")
        policy = _policy.get_policy()
        asyncslot_policy.install(application="core")
        assert _policy.get_policy() is policy

    def test_install_unavailable_keeps_what_is_installed(self) -> None:
        """A failed install() leaves an earlier one alone."""
        asyncslot_policy.install()
        policy = _policy.get_policy()
        with pytest.raises(AsyncSlotPolicyError):
            asyncslot_policy.install("qtt")
        assert _policy.get_policy() is policy

    def test_install_application_is_taken_over_and_removed(self, app: Any) -> None:
        """The application factory is that of the last install(), and none after uninstall()."""
        asyncslot_policy.install(application="core")
        first = AsyncSlotEventLoop.application_factory
        asyncslot_policy.install(application="widgets")
        assert AsyncSlotEventLoop.application_factory not in (None, first)
        asyncslot_policy.uninstall()
        assert AsyncSlotEventLoop.application_factory is None

    def test_install_callable_that_makes_no_loop_raises_when_asked(self) -> None:
        """Only a call can tell that a callable makes no loop: the first one raises."""
        asyncslot_policy.install("os:getcwd")
        with pytest.raises(AsyncSlotPolicyError, match=r"install\('os:getcwd'\): .* is no event loop"):
            asyncio.new_event_loop()
