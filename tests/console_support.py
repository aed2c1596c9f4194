"""``python -m asyncslot`` in a terminal of its own: a pty, with keys that are typed and text that is awaited."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any, Mapping

from support import CEILING_S

# What moves the cursor and changes colours. readline ends the taking of pasted lines with a carriage return.
ESCAPES = re.compile(r"\x1b\[\?2004l\r?|\x1b\[[0-9;?]*[A-Za-z@]")

# A sequence that may go on in what is read next.
UNFINISHED = re.compile(r"\x1b[\[0-9;?]*l?\Z")

CTRL_C, CTRL_D = "\x03", "\x04"
PROMPT, MORE = ">>> ", "... "


class Console:
    """
    A console in a process of its own.

    Args:
        home: The home directory, where the history is.
        arguments: What follows ``python -m asyncslot``.
        options: Python's own options.
        environment: Variables to add.
    """

    def __init__(
        self,
        home: Path,
        *arguments: str,
        options: tuple[str, ...] = ("-X", "dev", "-W", "error"),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._master, slave = os.openpty()
        # Without colours, and in lines that are long enough for all that is typed.
        fcntl.ioctl(slave, termios.TIOCSWINSZ, b"\x28\x00\x40\x01\x00\x00\x00\x00")
        variables = {**os.environ, "HOME": str(home), "TERM": "xterm", "NO_COLOR": "1", "INPUTRC": os.devnull}
        for name in ("PYTHONSTARTUP", "PYTHON_HISTORY", "PYTHON_COLORS", "FORCE_COLOR"):
            variables.pop(name, None)
        variables.update(environment or {})
        self.modes = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            [sys.executable, *options, "-m", "asyncslot", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=variables,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - it takes no lock.
        )
        # It stays open here, so that what the process has written last is not lost, and its modes can be read.
        self._slave = slave
        self._text = ""
        self._unfinished = ""
        # The terminal was asked to tell what is pasted.
        self.takes_paste = False
        # Up to where the text was awaited.
        self._position = 0

    def __enter__(self) -> Console:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.hang_up()

    def hang_up(self) -> None:
        """Close the terminal."""
        for fd in (self._slave, self._master):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._slave = self._master = -1

    def type(self, keys: str) -> None:
        """Type keys; each line ends with a newline."""
        os.write(self._master, keys.encode())

    def signal(self, signum: int) -> None:
        """Send the process a signal, not by the terminal."""
        self.process.send_signal(signum)

    def expect(self, text: str) -> str:
        """Wait until the console has written *text*; return what it has written since the last time, up to that."""
        end_s = time.monotonic() + CEILING_S
        while (found := self._text.find(text, self._position)) < 0:
            left_s = end_s - time.monotonic()
            assert self._read(left_s), f"no {text!r} in {self._text[self._position :]!r}, of {self._text!r}"
        before, self._position = self._position, found + len(text)
        return self._text[before:found]

    def interrupt(self, text: str) -> None:
        """Press Ctrl-C, and again each second until *text* is written: what is pressed at once may be one."""
        end_s = time.monotonic() + CEILING_S
        while text not in self.rest:
            assert time.monotonic() < end_s, f"no {text!r} in {self.rest!r}"
            self.type(CTRL_C)
            until_s = time.monotonic() + 1
            while text not in self.rest and (left_s := until_s - time.monotonic()) > 0:
                self._read(left_s)
        self.expect(text)

    def run(self, line: str) -> str:
        """Type a line; return what is written between it and the next prompt."""
        self.type(f"{line}\n")
        self.expect("\n")
        return self.expect(PROMPT).strip()

    def define(self, block: str) -> None:
        """Type a block, such as a function, with the empty line that ends it."""
        self.type(f"{block}\n\n")
        self.expect(PROMPT)

    def wait(self) -> int:
        """Wait until the process ends; return its exit code."""
        end_s = time.monotonic() + CEILING_S
        while self.process.poll() is None:
            assert time.monotonic() < end_s, f"it goes on: {self._text!r}"
            self._read(0.05)
        while self._read(0):
            pass
        return self.process.returncode

    @property
    def rest(self) -> str:
        """What was written after what was awaited last."""
        return self._text[self._position :]

    def read_modes(self) -> Any:
        """Return the terminal's modes."""
        return termios.tcgetattr(self._slave)

    def _read(self, timeout_s: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0, timeout_s))
        if not ready:
            return False
        data = b""
        with contextlib.suppress(OSError):
            data = os.read(self._master, 1 << 16)
        new = self._unfinished + data.decode(errors="replace")
        self.takes_paste |= "\x1b[?2004h" in new
        found = UNFINISHED.search(new)
        self._unfinished = found.group() if found else ""
        self._text += ESCAPES.sub("", new[: len(new) - len(self._unfinished)]).replace("\r\n", "\n")
        return bool(data)
