"""A Jupyter kernel with ``--ext=asyncslot``, by real messages: cells, ``await`` and windows share one loop."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from interactive_window import CLICKED, PAINTED
from support import CEILING_S, SCRIPTS

if find_spec("ipykernel") is None or find_spec("jupyter_client") is None:
    pytest.skip("ipykernel and jupyter_client are not installed", allow_module_level=True)

# jupyter_core warns so on Python 3.8.
os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")

import ipykernel
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "interactive.md").read_text(encoding="utf-8")

IS_OLD = ipykernel.version_info[0] < 7
LAUNCHER = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
WITH_EXTENSION = [*LAUNCHER, "--ext=asyncslot"]
WINDOW = "window = interactive_window.Window(); window.show()"


def old_kernel_command() -> list[str]:
    """Return the command line that the documentation has for ipykernel 6."""
    code = PAGE.partition("```python\n# ipykernel 6\n")[2].partition("```")[0]
    binding = os.environ.get("ASYNCSLOT_QT_API", "PySide6") if find_spec("PySide6") else "PyQt6"
    return [sys.executable, "-c", code.replace("PySide6", binding), "-f", "{connection_file}"]


class Kernel:
    """
    A kernel in a process of its own, and a client.

    Args:
        command: Its command line, as in a kernel.json.
        environment: What to add to its environment variables.
        log: Where its own output goes.
    """

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        spec = KernelSpec(argv=command, env=environment, display_name="test", language="python")

        class Specs(KernelSpecManager):
            def get_kernel_spec(self, _: str) -> KernelSpec:
                return spec

        self.manager = KernelManager(kernel_name="test", kernel_spec_manager=Specs())
        self._log = log.open("w")
        self.manager.start_kernel(stdout=self._log, stderr=subprocess.STDOUT)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=CEILING_S)

    def run(self, code: str) -> str:
        """Run a cell, and return what it has printed, or its error."""
        message_id = self.client.execute(code, stop_on_error=False)
        return self.finish(message_id)

    def finish(self, message_id: str) -> str:
        """Wait for the end of a cell, and return what it has printed, or its error."""
        printed: list[str] = []

        def is_end(message: dict[str, Any]) -> bool:
            if message["parent_header"].get("msg_id") != message_id:
                return False
            content = message["content"]
            printed.append(content.get("text", ""))
            if message["msg_type"] == "error":
                printed.append(f"{content['ename']}: {content['evalue']}")
            return content.get("execution_state") == "idle"

        self._await_message(is_end)
        return "".join(printed).strip()

    def expect(self, text: str) -> None:
        """Wait until the kernel has printed *text*, whenever."""
        self._await_message(lambda message: text in message["content"].get("text", ""))

    def _await_message(self, is_it: Callable[[dict[str, Any]], bool]) -> None:
        deadline_s = time.monotonic() + CEILING_S
        while not is_it(self.client.get_iopub_msg(timeout=max(0, deadline_s - time.monotonic()))):
            pass

    def wait(self) -> int:
        return self.manager.provisioner.process.wait(CEILING_S)

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self._log.close()


@pytest.fixture
def start_kernel(tmp_path: Path) -> Iterator[Callable[[list[str]], Kernel]]:
    """Start a kernel, and import the modules that the cells use."""
    kernels = []

    def start(command: list[str]) -> Kernel:
        environment = {"IPYTHONDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
        kernels.append(Kernel(command, environment, tmp_path / "log"))
        # Last in the path: some scripts have the names of modules that the kernel tries to import.
        assert kernels[-1].run(f"import asyncio, sys; sys.path.append({str(SCRIPTS)!r})") == ""
        assert kernels[-1].run("import qt, asyncslot, interactive_window") == ""
        return kernels[-1]

    yield start
    for kernel in kernels:
        kernel.close()


@pytest.fixture
def kernel(start_kernel: Callable[[list[str]], Kernel]) -> Kernel:
    """A kernel with the extension, started as the documentation says for its version."""
    return start_kernel(old_kernel_command() if IS_OLD else WITH_EXTENSION)


def test_window_lives_between_cells(kernel: Kernel) -> None:
    """A window paints, and a click's task ends, while no cell runs."""
    kernel.run(WINDOW)
    kernel.expect(PAINTED)
    kernel.run("qt.QTimer.singleShot(0, window.button.click)")
    kernel.expect(CLICKED)


def test_window_lives_while_a_cell_awaits(kernel: Kernel) -> None:
    """Top-level ``await`` waits for asyncio, for a task of a slot and for a signal, while the window paints."""
    kernel.run(WINDOW)
    kernel.expect(PAINTED)
    assert kernel.run("window.painted = 0; await asyncio.sleep(0.3); print(window.painted > 5)").endswith("True")
    assert kernel.run("print(await window.on_clicked())") == f"{CLICKED}\nNone"
    assert kernel.run("print(await asyncslot.wait_signal(window.timer.timeout))") == "()"
    kernel.run("task = asyncslot.run_task(asyncio.sleep(0.01, 'task'))")
    assert kernel.run("print(await task)") == "task"


@pytest.mark.parametrize("magic", ["%gui qt", "%gui qt6"])
def test_gui_magic_changes_nothing(kernel: Kernel, magic: str) -> None:
    """``%gui qt`` and ``%matplotlib qt``, which calls it, are harmless."""
    kernel.run(magic)
    kernel.run(WINDOW)
    kernel.expect(PAINTED)
    assert kernel.run("print(await asyncio.sleep(0.01, 'on'))") == "on"


@pytest.mark.parametrize("code", ["await asyncio.sleep(1000)", "while True: pass"])
def test_interrupt_ends_a_cell_and_not_the_kernel(kernel: Kernel, code: str) -> None:
    """Interrupting the kernel ends a cell that awaits, and one that computes; the next cell runs."""
    kernel.run(WINDOW)
    kernel.expect(PAINTED)
    message_id = kernel.client.execute(f"print('waiting')\n{code}", stop_on_error=False)
    kernel.expect("waiting")
    kernel.manager.interrupt_kernel()
    assert kernel.finish(message_id).startswith("CancelledError" if "await" in code else "KeyboardInterrupt")
    kernel.run("window.count()")
    kernel.expect(PAINTED)


def test_last_window_closed_kernel_lives(kernel: Kernel) -> None:
    """To close the last window is no quit."""
    kernel.run(WINDOW)
    kernel.expect(PAINTED)
    kernel.run("window.close()")
    assert kernel.run("await asyncio.sleep(0.01); print(2)") == "2"


def test_shutdown_ends_the_kernel(kernel: Kernel) -> None:
    """A shutdown that is asked for by message ends the process, with a window and a task."""
    kernel.run(WINDOW)
    kernel.run("task = asyncslot.run_task(asyncio.sleep(1000))")
    kernel.client.shutdown()
    assert kernel.wait() == 0


def test_unload_restores_the_application(kernel: Kernel) -> None:
    """``%unload_ext`` undoes all but the loop, in which the kernel goes on."""
    ask = "print(qt.QApplication.instance().quitOnLastWindowClosed())"
    assert kernel.run(ask) == "False"
    kernel.run("%unload_ext asyncslot")
    assert kernel.run(ask) == "True"
    kernel.run("%load_ext asyncslot")
    assert kernel.run(ask) == "False"


@pytest.mark.skipif(IS_OLD, reason="the command line above is for it")
def test_load_by_configuration(start_kernel: Callable[[list[str]], Kernel], tmp_path: Path) -> None:
    """The profile's configuration can load the extension, too, for a kernel whose command line cannot be changed."""
    profile = tmp_path / "profile_default"
    profile.mkdir()
    (profile / "ipython_kernel_config.py").write_text('c.InteractiveShellApp.extensions = ["asyncslot"]\n')
    kernel = start_kernel(LAUNCHER)
    kernel.run(WINDOW)
    kernel.expect(PAINTED)


def test_load_while_the_kernel_runs_is_refused(start_kernel: Callable[[list[str]], Kernel]) -> None:
    """``%load_ext`` in a kernel on the stock loop says how to start it."""
    kernel = start_kernel(LAUNCHER)
    assert "add '--ext=asyncslot' to \"argv\"" in kernel.run("%load_ext asyncslot")
    assert kernel.run("print(type(asyncio.get_running_loop()).__name__)") == "_UnixSelectorEventLoop"


@pytest.mark.skipif(not IS_OLD, reason="about ipykernel 6")
def test_extension_of_old_kernel_is_refused(start_kernel: Callable[[list[str]], Kernel], tmp_path: Path) -> None:
    """ipykernel 6 has chosen its loop before extensions are loaded: the kernel's log says where the way out is."""
    start_kernel(WITH_EXTENSION)
    assert "docs/interactive.md" in (tmp_path / "log").read_text()
