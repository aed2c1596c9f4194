"""Helpers of the policy plug-in's tests: programs that know nothing of asyncslot, distributions that register loops."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Mapping, Sequence

from support import CEILING_S, Finished

from asyncslot._qt import QtCore

ROOT = Path(__file__).parent.parent

# The binding that the tests run on.
BINDING = QtCore.__name__.partition(".")[0]

# A binding, installed or not, that is not the one in use.
OTHER_BINDING = "PyQt5" if BINDING == "PyQt6" else "PyQt6"

OURS = "AsyncSlotEventLoop"
STOCK = (asyncio.ProactorEventLoop if sys.platform == "win32" else asyncio.SelectorEventLoop).__name__
# The stock selector loop, which is STOCK but on Windows.
SELECTOR_LOOP = asyncio.SelectorEventLoop.__name__

# An asyncio program as anybody writes it. It prints the name of its loop's class.
PROGRAM = """
import asyncio
async def main():
    await asyncio.sleep(0.001)
    print(type(asyncio.get_running_loop()).__name__)
asyncio.run(main())
"""

# The line to begin a program with that makes its own application.
MAKE_APPLICATION = f"from {BINDING}.QtCore import QCoreApplication; app = QCoreApplication([])\n"


def run_python(
    *arguments: str,
    environment: Mapping[str, str] = {},
    options: Sequence[str] = ("-X", "dev", "-W", "error"),
    directory: Path | None = None,
) -> Finished:
    """
    Run Python in a process of its own, with no variable of ours but those given.

    Args:
        arguments: What follows Python's options: ``"-c", code``, or a file and its arguments.
        environment: Variables to add.
        options: Python's own options.
        directory: Where to run it.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ASYNCSLOT", "PYTEST"))}
    finished = subprocess.run(
        [sys.executable, *options, *arguments],
        env={**inherited, **environment},
        cwd=directory,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=3 * CEILING_S,
        check=False,
    )
    return Finished(finished.returncode, finished.stdout.splitlines(), finished.stderr)


def is_startup_file_installed() -> bool:
    """Tell whether this interpreter reads our startup file."""
    name = "asyncslot_policy.start" if sys.version_info >= (3, 15) else "asyncslot_policy.pth"
    return (Path(sysconfig.get_path("purelib")) / name).exists()


def write_distribution(directory: Path, name: str, entry_points: Mapping[str, str], source: str = "") -> None:
    """
    Install a distribution, as pip would leave it: one module, and metadata that registers loops.

    Args:
        directory: Where to install it; the caller puts it on the path.
        name: The distribution's and the module's name.
        entry_points: What it registers in the group ``asyncslot.loops``.
        source: The module's.
    """
    metadata = directory / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (directory / f"{name}.py").write_text(source)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"{key} = {value}" for key, value in entry_points.items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[asyncslot.loops]", *lines, ""]))
    (metadata / "RECORD").write_text(f"{name}.py,,\n{name}-1.0.dist-info/METADATA,,\n")
