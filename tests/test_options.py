"""The command line of ``python -m asyncslot``."""

from __future__ import annotations

import pytest

from asyncslot._console.options import HELP, KINDS, Options, Program, UsageError, read_options
from asyncslot._qt import APPLICATIONS


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", Options()),
        ("-i", Options(is_interactive=True)),
        ("-iq", Options(is_interactive=True, is_quiet=True)),
        ("--app core", Options(application="core")),
        ("--app=gui -i", Options(application="gui", is_interactive=True)),
        ("-c code a -i", Options(program=Program("command", "code", ["a", "-i"]))),
        ("-ccode", Options(program=Program("command", "code", []))),
        ("-ic code", Options(program=Program("command", "code", []), is_interactive=True)),
        ("-m module -q", Options(program=Program("module", "module", ["-q"]))),
        ("-mmodule", Options(program=Program("module", "module", []))),
        ("- a", Options(program=Program("stdin", "-", ["a"]))),
        ("-q app.py --help", Options(program=Program("path", "app.py", ["--help"]), is_quiet=True)),
        ("-- -app.py -i", Options(program=Program("path", "-app.py", ["-i"]))),
        ("--", Options()),
        ("-h", Options(action="help")),
        ("--help x", Options(action="help")),
        ("-V", Options(action="version")),
        ("-i --version", Options(action="version", is_interactive=True)),
    ],
)
def test_options_are_read(line: str, expected: Options) -> None:
    """Options come before the program; what follows it is the program's, as with Python itself."""
    assert read_options(line.split()) == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--nope", "unknown option '--nope'"),
        ("--help=x", "unknown option '--help=x'"),
        ("-z", "unknown option '-z'"),
        ("-iz", "unknown option '-z'"),
        ("-c", "-c needs code"),
        ("-im", "-m needs a module's name"),
        ("--app", "--app needs one of core, gui, widgets"),
        ("--app qml", "--app takes one of core, gui, widgets, got 'qml'"),
        ("--app=", "--app takes one of core, gui, widgets, got ''"),
    ],
)
def test_options_wrong_line_is_an_error(line: str, message: str) -> None:
    """The error names the option, and what there is."""
    with pytest.raises(UsageError) as error:
        read_options(line.split())
    assert str(error.value) == message


def test_options_kinds_are_those_of_the_application() -> None:
    """The kinds are written down twice, because this module knows no Qt."""
    assert set(KINDS) == set(APPLICATIONS)
    assert all(kind in HELP for kind in KINDS)
