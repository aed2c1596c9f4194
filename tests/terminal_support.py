"""A program in a terminal of its own: a pseudo-terminal, at whose other end is the test."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from typing import Iterator

import pytest
from support import CEILING_S

# What a program sends to a terminal besides text: control sequences and titles.
# Source: ECMA-48, 5.4, and xterm's "Operating System Commands".
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][0-9A-B]|\x1b[=>78]")

# Makes the terminal control its session, so that Ctrl-C becomes a signal, and then becomes the program.
TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)

CTRL_C = "\x03"
CTRL_D = "\x04"


class Terminal:
    """
    Runs a program in a terminal.

    Args:
        command: The program, by its whole path, and its arguments.
        environment: What to add to this process's environment variables.
    """

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        # Wide, so that no line is broken: rows, columns.
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 400, 0, 0))
        # Prompts ask a terminal where the cursor is, and this one never answers.
        variables = {**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKE_TERMINAL, *command],
            env={**variables, **environment},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self._written = b""
        # How much of `text` was waited for.
        self._end = 0

    @property
    def text(self) -> str:
        """All that the program has written."""
        return ESCAPES.sub("", self._written.decode(errors="replace")).replace("\r", "")

    def send(self, text: str) -> None:
        """Type *text*."""
        os.write(self._master, text.encode())

    def expect(self, text: str, timeout_s: float = CEILING_S) -> str:
        """Wait until the program has written *text*, after what was last waited for, and return what came before."""
        deadline_s = time.monotonic() + timeout_s
        while text not in self.text[self._end :]:
            if not self._read(deadline_s - time.monotonic()):
                pytest.fail(f"{text!r} was never written:\n{self.text}")
        begin, self._end = self._end, self.text.index(text, self._end) + len(text)
        return self.text[begin : self._end - len(text)]

    def wait(self, timeout_s: float = CEILING_S) -> int:
        """Read to the program's end, and return its exit code."""
        deadline_s = time.monotonic() + timeout_s
        while self._read(deadline_s - time.monotonic()):
            pass
        try:
            return self.process.wait(max(0.1, deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            pytest.fail(f"the program did not end:\n{self.text}")

    def _read(self, timeout_s: float) -> bool:
        readable, _, _ = select.select([self._master], [], [], max(0, timeout_s))
        try:
            data = os.read(self._master, 65536) if readable else b""
        except OSError:  # Linux says so when nobody has the other end any more.
            data = b""
        self._written += data
        return bool(data)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)


@contextlib.contextmanager
def run_terminal(command: list[str], **environment: str) -> Iterator[Terminal]:
    """Run a program in a terminal until the end of the block."""
    terminal = Terminal(command, environment)
    try:
        yield terminal
    finally:
        terminal.close()
