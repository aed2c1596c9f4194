"""
Reading lines from the terminal: history, completion, Ctrl-C.

Lines are read on a thread of their own, because nothing else can be done with ``input()``: it returns when a line is
complete, and meanwhile the main thread has to run Qt. asyncio's own console does the same. From that follows the rest
of this module: CPython raises KeyboardInterrupt on the main thread only, so that Ctrl-C does not end ``input()`` here.

- With GNU readline, the terminal sends no signal for Ctrl-C while a line is edited. The key is bound to readline's
  own "insert-comment" instead, which puts a mark before the line, and returns it.
- Without readline, and where standard input is no terminal, lines are read by ``read()`` after a ``select()``, which a
  second descriptor wakes.
- If ``sys.stdin`` or ``sys.stdout`` is not the terminal any more, as in a program that shows its output in a window,
  lines are read in the second way, and the prompt goes to the original standard error.
- With libedit, and if the signal does not come from the terminal, the line stays as it is; only a message is printed.

What was tried and does not work
- ``ioctl(TIOCSTI)``, by which a process types a key itself: Linux may forbid it (from 6.2 on), and often does.
- Raising in the thread by ``PyThreadState_SetAsyncExc``: readline does not return for it.

Python 3.13 brought a line editor of its own, `_pyrepl`. It is private, and its reader can be woken by private names
only, so readline is used on each Python.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import site
import sys
from pathlib import Path
from typing import Any, Callable, TextIO

try:
    import readline
except ImportError:  # Windows; or a Python that was built without it.
    readline = None  # type: ignore[assignment]

try:
    import termios
except ImportError:  # Windows.
    termios = None  # type: ignore[assignment]

__all__ = ["Terminal"]

# The descriptors that input() and readline use.
STDIN, STDOUT = 0, 1

# 8.1, as the module readline has it.
PASTE_VERSION = 0x801

# What Ctrl-C puts before a line. It is what the key itself would insert, so no line begins with it by chance, and
# readline shows it as "^C".
INTERRUPTED = "\x03"

# "insert-comment" is on M-# by default, where it now would look like Ctrl-C: this does what it did.
_BINDINGS = rf"""
set comment-begin {INTERRUPTED}
$if mode=vi
set keymap vi-command
"\C-c": insert-comment
"#": "0i#\C-m"
set keymap vi-insert
$endif
"\C-c": insert-comment
"\e#": "\C-a#\C-m"
"""

# Switches a terminal's bracketed paste off, which readline may have switched on, and cannot switch off any more when
# the program ends while a line is edited. Source: xterm's control sequences.
_NO_BRACKETED_PASTE = "\x1b[?2004l"


class Terminal:
    """
    Standard input, line by line.

    Args:
        complete: Called with a beginning and a number, 0 and up; returns the completion of that number, None if there
            are no more. It is called on the thread that reads.
    """

    def __init__(self, complete: Callable[[str, int], str | None]) -> None:
        self._complete = complete
        self._fd = STDIN
        # The original ones: the program may replace, or close, its own.
        self._encoding = getattr(sys.__stdin__, "encoding", None) or "utf-8"
        self._errors = getattr(sys.__stdin__, "errors", None) or "strict"
        self.is_terminal = os.isatty(STDIN)
        self._is_gnu = readline is not None and termios is not None and "libedit" not in (readline.__doc__ or "")
        # The terminal's modes as they were found; None if there are none.
        self._modes: Any = None
        self._history: Path | None = None
        # Wakes _read_plainly(): the end that is read from, and the end that is written to.
        self._wake_read, self._wake_write = os.pipe()
        # What was read after the last line that was returned.
        self._buffer = b""
        self._is_closed = False
        # The prompt that waits for a line; None if none does.
        self._prompt: str | None = None

    def is_edited(self) -> bool:
        """Tell whether the next line is edited by readline. ``input()`` uses that only under these conditions."""
        if readline is None or sys.stdin is not sys.__stdin__ or sys.stdout is not sys.__stdout__:
            return False
        return sys.stderr is not None and os.isatty(STDIN) and os.isatty(STDOUT)

    def say(self, message: str) -> None:
        """Write a line to the original standard error, if it is still there: ``sys.stderr`` may be a window's."""
        _write(sys.__stderr__, f"{message}\n")

    def open(self) -> None:
        """Set readline up as Python does, and note the terminal's modes."""
        if termios is not None and self.is_terminal:
            self._modes = termios.tcgetattr(self._fd)
        # Under -I there is none.
        hook = getattr(sys, "__interactivehook__", None)
        # Before Python 3.13, site's own function has no name, and does what is right here.
        if hook is not None and hook is getattr(site, "register_readline", None):
            self._register_readline()
        elif hook is not None:
            sys.audit("cpython.run_interactivehook", hook)
            hook()
        # A program before the prompt may have replaced sys.stdout, and may put it back.
        if readline is not None and self.is_terminal:
            readline.set_completer(self._complete)
        if self._is_gnu and self.is_terminal:
            for line in _BINDINGS.strip().splitlines():
                readline.parse_and_bind(line)
        # Python switches it off whenever an init file was read, whatever stands there. PYTHONSTARTUP is run later.
        if self._is_gnu and self.is_terminal and _has_bracketed_paste():
            readline.parse_and_bind("set enable-bracketed-paste on")
        _forget_input_hook()

    def _register_readline(self) -> None:
        # As site.register_readline() of Python 3.13, but that gives the history to _pyrepl, and not to readline.
        if readline is None or not self.is_terminal:
            return
        is_libedit = "libedit" in (readline.__doc__ or "")
        readline.parse_and_bind("bind ^I rl_complete" if is_libedit else "tab: complete")
        # There may be no such file.
        with contextlib.suppress(OSError):
            readline.read_init_file()
        if readline.get_current_history_length() > 0:
            return  # The init file has read another one.
        self._history = Path(site.gethistoryfile())  # type: ignore[attr-defined]
        with contextlib.suppress(OSError):
            readline.read_history_file(self._history)

    def close(self) -> None:
        """Put the terminal back as it was found, and save the history. A line may still be awaited."""
        self._is_closed = True
        if self._modes is not None:
            if self._prompt is not None and self.is_edited():
                _write(sys.__stdout__, f"{_NO_BRACKETED_PASTE if self._is_gnu else ''}\n")
            with contextlib.suppress(termios.error):  # The terminal is gone.
                termios.tcsetattr(self._fd, termios.TCSADRAIN, self._modes)
        if self._history is not None:
            with contextlib.suppress(OSError):
                readline.write_history_file(self._history)

    def read(self, prompt: str) -> str:
        """
        Wait for a line.

        Raises:
            EOFError: If there are no more, or it was closed.
            KeyboardInterrupt: If Ctrl-C was pressed.
            UnicodeError: If the line, or the prompt, is no text.
            Exception: If the terminal is gone, or a file is closed.
        """
        if self._is_closed:
            raise EOFError
        self._prompt = prompt
        try:
            is_edited = self.is_edited()
            if is_edited and self._is_gnu:
                return self._read_by_readline(prompt)
            if is_edited or sys.platform == "win32":
                return input(prompt)
            return self._read_plainly(prompt)
        finally:
            self._prompt = None

    def interrupt(self) -> None:
        """Do what Ctrl-C does while a line is awaited, if it came as a signal. Called on the main thread."""
        prompt = self._prompt
        if prompt is None:
            return
        if self.is_edited() or sys.platform == "win32":
            # The line that was begun stays: see above.
            self.say("\nKeyboardInterrupt")
            _write(sys.__stdout__, prompt)
        else:
            os.write(self._wake_write, b"\0")

    def _read_by_readline(self, prompt: str) -> str:
        modes = termios.tcgetattr(self._fd)
        without_key = [*modes[:6], list(modes[6])]
        without_key[6][termios.VINTR] = os.fpathconf(self._fd, "PC_VDISABLE").to_bytes(1, "little")
        termios.tcsetattr(self._fd, termios.TCSADRAIN, without_key)
        try:
            line = input(prompt)
        finally:
            termios.tcsetattr(self._fd, termios.TCSADRAIN, modes)
        if not line.startswith(INTERRUPTED):
            return line
        # readline has added it.
        readline.remove_history_item(readline.get_current_history_length() - 1)
        raise KeyboardInterrupt

    def _read_plainly(self, prompt: str) -> str:
        # Not by sys.stdin: a thread that holds its lock when the interpreter ends is a fatal error.
        _write(sys.__stderr__, prompt)
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([self._fd, self._wake_read], [], [])
            if self._wake_read in ready:
                os.read(self._wake_read, 1)
                self._buffer = b""
                raise KeyboardInterrupt
            data = os.read(self._fd, 1 << 16)
            if not data:
                break
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        if not line and not _:
            raise EOFError
        return line.decode(self._encoding, self._errors)


def _has_bracketed_paste() -> bool:
    # From readline 8.1 on it works, and is on by default, but not for a terminal that takes no sequences.
    version = getattr(readline, "_READLINE_RUNTIME_VERSION", 0)
    return version >= PASTE_VERSION and os.environ.get("TERM", "dumb") != "dumb"


def _write(stream: TextIO | None, text: str) -> None:
    # It may be closed, or the terminal gone, and nobody reads then.
    with contextlib.suppress(OSError, ValueError):
        if stream is not None:
            stream.write(text)
            stream.flush()


def _forget_input_hook() -> None:
    """
    Remove the hook by which a binding runs Qt while Python waits for a line.

    It does nothing on a thread that is not Qt's, but as long as there is one, readline wakes up 10 times a second.
    """
    ctypes.c_void_p.in_dll(ctypes.pythonapi, "PyOS_InputHook").value = None
