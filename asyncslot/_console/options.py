"""The command line of ``python -m asyncslot``: what Python's own has, and ours. Pure: neither Qt nor asyncio."""

from __future__ import annotations

from typing import NamedTuple, Optional, Sequence

__all__ = ["HELP", "KINDS", "Options", "Program", "UsageError", "read_options"]

# The kinds of application, as in `asyncslot._qt.APPLICATIONS`, which cannot be imported without Qt.
KINDS = ("core", "gui", "widgets")

HELP = """\
usage: python -m asyncslot [-i] [-q] [--app KIND] [-c CODE | -m MODULE | SCRIPT | -] [ARGUMENT ...]

Without a program: a prompt with a live Qt application, where "await" works.
With one: run it as Python does; "await" also works at the top level of CODE, SCRIPT and standard input.

  -c CODE      run CODE
  -m MODULE    run MODULE, which has no top-level await
  SCRIPT       run a file, a directory or an archive
  -            run standard input
  -i           open the prompt afterwards, with the names of the program
  -q           print no banner
  --app KIND   make this application: core, gui, widgets; the default is widgets, or core without a display
  -h, --help   print this, and end
  --version    print the versions, and end
"""


class UsageError(Exception):
    """The command line is wrong. The text says what, and what there is."""


class Program(NamedTuple):
    """
    What to run.

    Attributes:
        kind: ``"command"``, ``"module"``, ``"path"`` or ``"stdin"``.
        value: The code, the module's name, the path; ``"-"``.
        arguments: What follows, for the program.
        is_named: False for standard input that no ``-`` has named: Python then leaves ``sys.argv[0]`` empty.
    """

    kind: str
    value: str
    arguments: Sequence[str] = ()
    is_named: bool = True


class Options(NamedTuple):
    """
    What the command line says.

    Attributes:
        action: ``"run"``, ``"help"`` or ``"version"``.
        program: What to run; None for the prompt, or for standard input if that is no terminal.
        is_interactive: Open the prompt after the program.
        is_quiet: Print no banner.
        application: One of `KINDS`; None for the best that can be had.
    """

    action: str = "run"
    program: Optional[Program] = None
    is_interactive: bool = False
    is_quiet: bool = False
    application: Optional[str] = None


def read_options(arguments: Sequence[str]) -> Options:
    """
    Read the command line. Like Python's own, it ends with the program: what follows is the program's.

    Raises:
        UsageError: If it is wrong.
    """
    options = Options()
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "-":
            return options._replace(program=Program("stdin", word, rest))
        if word == "--":
            break
        if word.startswith("--"):
            options = _read_long(word, rest, options)
        elif word.startswith("-"):
            options = _read_letters(word[1:], rest, options)
        else:
            rest.insert(0, word)
            break
        if options.program is not None or options.action != "run":
            return options
    if not rest:
        return options
    return options._replace(program=Program("path", rest[0], rest[1:]))


def _read_long(word: str, rest: list[str], options: Options) -> Options:
    name, equals, value = word.partition("=")
    if name in ("--help", "--version") and not equals:
        return options._replace(action=name[2:])
    if name != "--app":
        msg = f"unknown option {word!r}"
        raise UsageError(msg)
    if not equals:
        value = _take_value(name, rest)
    if value not in KINDS:
        msg = f"--app takes one of {', '.join(KINDS)}, got {value!r}"
        raise UsageError(msg)
    return options._replace(application=value)


def _read_letters(letters: str, rest: list[str], options: Options) -> Options:
    """Read options of one letter each; the last one's value may follow without a space, as in ``-ic1``."""
    for index, letter in enumerate(letters):
        if letter == "h":
            return options._replace(action="help")
        if letter == "V":
            return options._replace(action="version")
        if letter == "i":
            options = options._replace(is_interactive=True)
        elif letter == "q":
            options = options._replace(is_quiet=True)
        elif letter in "cm":
            kind = "command" if letter == "c" else "module"
            value = letters[index + 1 :] or _take_value(f"-{letter}", rest)
            return options._replace(program=Program(kind, value, list(rest)))
        else:
            msg = f"unknown option '-{letter}'"
            raise UsageError(msg)
    return options


def _take_value(name: str, rest: list[str]) -> str:
    if not rest:
        needed = {"-c": "code", "-m": "a module's name", "--app": f"one of {', '.join(KINDS)}"}[name]
        msg = f"{name} needs {needed}"
        raise UsageError(msg)
    return rest.pop(0)
