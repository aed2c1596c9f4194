"""The prompt: a thread that reads lines, compiles what is complete, and has it run on the main thread."""

from __future__ import annotations

import ast
import codeop
import concurrent.futures
import linecache
import rlcompleter
import sys
import threading
from types import CodeType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncslot._console.execution import Execution
    from asyncslot._console.terminal import Terminal

__all__ = ["Completions", "Inputs", "Prompt"]

# The first, and the one for further lines, where those of the user's do not work.
PROMPTS = (">>> ", "... ")

# How long the line editor waits for completions, in seconds, while the main thread is busy. Arbitrary: a person
# notices it, and can type on.
COMPLETION_TIMEOUT_S = 0.5


class Inputs:
    """Puts lines together until they are a complete input, and compiles it. ``await`` is allowed at the top level."""

    def __init__(self) -> None:
        # It remembers "from __future__ import", as Python's own prompt does.
        self._compile = codeop.CommandCompiler()
        self._compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._lines: list[str] = []
        self._count = 0

    @property
    def is_begun(self) -> bool:
        """Whether there are lines of an input that is not complete."""
        return bool(self._lines)

    def forget(self) -> None:
        """Forget the lines of an input that is not complete."""
        self._lines.clear()

    def push(self, line: str) -> CodeType | None:
        """
        Add a line.

        Returns:
            The code of a complete input; None if more lines are needed.

        Raises:
            SyntaxError: If the lines cannot be compiled; or OverflowError, or ValueError. They are forgotten.
        """
        self._lines.append(line)
        source = "\n".join(self._lines)
        try:
            code = self._compile(source, self._name(), "single")
        except (SyntaxError, OverflowError, ValueError):
            self._lines.clear()
            raise
        if code is not None:
            self._complete(source)
        return code

    def push_pasted(self, text: str) -> list[CodeType] | None:
        """
        Add lines that were pasted at once. An empty line inside a block does not end it.

        Returns:
            The code of each statement; None if the text is no whole number of statements. Then nothing was added.

        Raises:
            SyntaxError: As `push`.
        """
        source = "\n".join([*self._lines, text])
        flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        try:
            tree = compile(source, self._name(), "exec", flags, dont_inherit=True)
        except (SyntaxError, OverflowError, ValueError):
            return None
        compiler: Any = self._compile.compiler
        try:
            codes = [compiler(ast.Interactive([each]), self._name(), "single") for each in tree.body]
        except (SyntaxError, OverflowError, ValueError):
            self._lines.clear()
            raise
        self._complete(source)
        return codes

    def _name(self) -> str:
        # One for each input, so that tracebacks show the lines of earlier ones, too.
        return f"<input-{self._count}>"

    def _complete(self, source: str) -> None:
        # Without a time, which is what linecache compares with the file's.
        name = self._name()
        linecache.cache[name] = (len(source), None, [f"{each}\n" for each in source.splitlines()], name)
        self._lines.clear()
        self._count += 1


class Completions:
    """
    The completer for readline.

    Args:
        execution: Looks names up on the main thread, where Qt's objects live.
        namespace: The names at the prompt.
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._completer = rlcompleter.Completer(namespace)
        self._found: list[str] = []
        self.execution: Execution | None = None

    def complete(self, text: str, state: int) -> str | None:
        """Return the completion of that number; None if there are no more."""
        if state == 0:
            self._found = self._ask(text)
        return self._found[state] if state < len(self._found) else None

    def _ask(self, text: str) -> list[str]:
        if self.execution is None:
            return []
        try:
            found: list[str] = self.execution.call(lambda: self._list(text), timeout_s=COMPLETION_TIMEOUT_S)
        except concurrent.futures.TimeoutError:
            return []
        return found

    def _list(self, text: str) -> list[str]:
        found: list[str] = []
        while True:
            each = self._completer.complete(text, len(found))
            if each is None:
                return found
            found.append(each)


class Prompt(threading.Thread):
    """
    The thread of the prompt. It ends with the process, because nothing can make ``input()`` return.

    Args:
        terminal: Where lines come from.
        execution: What runs them.
        first: Code to run before the first prompt; None for none.
    """

    def __init__(self, terminal: Terminal, execution: Execution, first: CodeType | None) -> None:
        super().__init__(name="asyncslot prompt", daemon=True)
        self._terminal = terminal
        self._execution = execution
        self._first = first
        self._inputs = Inputs()

    def run(self) -> None:
        """Read and run, until the application ends. If the thread ends first, it ends the application."""
        try:
            if self._first is not None:
                self._execution.run_first(self._first)
            while self._take_line():
                pass
        finally:
            # Nobody can type any more.
            self._execution.quit(by_force=True)

    def _take_line(self) -> bool:
        """Read a line and do what it asks for. Return whether there may be another one."""
        try:
            lines = self._terminal.read(self._make_prompt())
        except EOFError:
            return self._end()
        except UnicodeError as exc:
            # Bytes that are no text; or a prompt of the user's that cannot be encoded.
            self._execution.show(exc)
            sys.ps1, sys.ps2 = PROMPTS
            return True
        except KeyboardInterrupt:
            self._execution.interrupt_hanging()
            self._terminal.say("KeyboardInterrupt" if self._terminal.is_edited() else "\nKeyboardInterrupt")
            self._inputs.forget()
            return True
        except Exception as exc:  # noqa: BLE001 - the terminal is gone, or a file is closed: the same would come again.
            self._terminal.say(f"asyncslot: no line can be read: {exc}")
            return False
        self._push_all(lines)
        return True

    def _push_all(self, lines: str) -> None:
        # Lines that are pasted come as one, if the terminal tells readline that they are pasted.
        if "\n" not in lines:
            self._push(lines)
            return
        try:
            codes = self._inputs.push_pasted(lines)
        except (SyntaxError, OverflowError, ValueError) as exc:
            self._execution.show(exc.with_traceback(None))
            return
        if codes is None:
            for line in lines.split("\n"):
                self._push(line)
            return
        for code in codes:
            self._execution.run(code)

    def _make_prompt(self) -> str:
        try:
            return str(sys.ps2 if self._inputs.is_begun else sys.ps1)
        except Exception as exc:  # noqa: BLE001 - of the user's object; or there is none.
            self._execution.show(exc)
        sys.ps1, sys.ps2 = PROMPTS
        return PROMPTS[self._inputs.is_begun]

    def _push(self, line: str) -> None:
        try:
            code = self._inputs.push(line)
        except (SyntaxError, OverflowError, ValueError) as exc:
            # Without a traceback: it would show the compiler's frames.
            self._execution.show(exc.with_traceback(None))
            return
        if code is not None:
            self._execution.run(code)

    def _end(self) -> bool:
        """Quit the application, as Ctrl-D asks for. Return whether the prompt goes on."""
        self._terminal.say("")
        if not self._terminal.is_terminal:
            # By force: there is nobody who could close the window that refuses.
            return False
        self._execution.quit(by_force=False)
        self._terminal.say("asyncslot: a window has refused to close; exit() quits all the same")
        return True
