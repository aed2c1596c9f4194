"""
The pytest plug-in: ``--asyncslot``, or ``asyncslot = true`` in the configuration.

It makes asyncio use the Qt-hosted loop for the whole session; anyio's plug-in and pytest-asyncio's
``event_loop_policy`` need nothing else. It implements pytest-asyncio's newer hook for loop factories. It makes
sure that there is an application, and shuts down after each test the loop that the test has attached. Without
the option, it does nothing and imports nothing.
"""

from __future__ import annotations

import sys
from typing import Any, Callable, Iterator

import pytest

__all__: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option and its twin in the configuration file."""
    text = "run async tests on the Qt-hosted asyncio loop, with a QCoreApplication in place"
    parser.getgroup("asyncslot").addoption("--asyncslot", action="store_true", default=False, help=text)
    parser.addini("asyncslot", text, type="bool", default=False)


def _is_on(config: pytest.Config) -> bool:
    return bool(config.getoption("--asyncslot") or config.getini("asyncslot"))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Install the loop, until the session ends."""
    if not _is_on(config):
        return
    from asyncslot_policy._config import AsyncSlotPolicyError  # noqa: PLC0415 - only if it is asked for.
    from asyncslot_policy._hooks import install, uninstall  # noqa: PLC0415

    try:
        install()
    except AsyncSlotPolicyError as exc:
        msg = f"--asyncslot: {exc}"
        raise pytest.UsageError(msg) from exc
    config.add_cleanup(uninstall)
    config.pluginmanager.register(_LoopFactories(), "asyncslot-loop-factories")
    config.pluginmanager.register(_AttachedLoops(), "asyncslot-attached-loops")


class _LoopFactories:
    """Registered only if the option is set: to pytest-asyncio, a hook that returns nothing is an error."""

    @pytest.hookimpl(optionalhook=True, trylast=True)
    def pytest_asyncio_loop_factories(self) -> dict[str, Callable[[], Any]]:
        from asyncslot import AsyncSlotEventLoop  # noqa: PLC0415 - only if it is asked for.

        return {"asyncslot": AsyncSlotEventLoop}


class _AttachedLoops:
    """
    Ends the loop that a slot or `run_task` has attached in a test: under it, no later test could run a loop.

    A loop that a fixture has attached is left to the fixture. Registered only if the option is set.
    """

    def __init__(self) -> None:
        # The loop that was attached before the test's function ran; None if there was none.
        self._before: Any = None

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_setup(self) -> Iterator[None]:
        yield
        self._before = _attached_loop()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_teardown(self) -> Iterator[None]:
        # After the fixtures, which may need it.
        yield
        loop = _attached_loop()
        if loop is not None and loop is not self._before:
            loop.shutdown()
        self._before = None


def _attached_loop() -> Any:
    """Return the loop that is attached on this thread; None if there is none."""
    loop_module = sys.modules.get("asyncslot.loop")
    if loop_module is None:
        return None
    loop = loop_module.thread_loop()
    return loop if loop is not None and loop.state is loop_module.LoopState.ATTACHED else None


@pytest.fixture(scope="session", autouse=True)
def _asyncslot_application(request: pytest.FixtureRequest) -> Iterator[None]:
    """
    Make sure that there is an application before the first loop runs: pytest-qt's, if that is installed.

    Closing the last window of a test does not quit the application: tests run inside its loop.
    """
    if not _is_on(request.config):
        yield
        return
    from asyncslot._qt import make_application  # noqa: PLC0415 - only if it is asked for.
    from asyncslot_policy._config import heeded_environment, read_argument  # noqa: PLC0415

    if request.config.pluginmanager.has_plugin("pytest-qt"):
        application = request.getfixturevalue("qapp")
    else:
        application = make_application(read_argument("qt", "--asyncslot", heeded_environment()).application)
    quits = application.property("quitOnLastWindowClosed")
    application.setProperty("quitOnLastWindowClosed", False)
    yield
    application.setProperty("quitOnLastWindowClosed", quits)
