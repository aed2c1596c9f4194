"""Loading a program: what is compiled, and what becomes of ``__main__``. What it then does is in test_launch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterator

import pytest

from asyncslot._console.options import Program
from asyncslot._console.program import ProgramError, is_coroutine, load


@pytest.fixture(autouse=True)
def _process_is_restored() -> Iterator[None]:
    main, argv, path = sys.modules["__main__"], sys.argv[:], sys.path[:]
    yield
    sys.modules["__main__"] = main
    sys.argv[:] = argv
    sys.path[:] = path


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("await x", True),
        ("async with x: pass", True),
        ("[y async for y in x]", True),
        ("x = 1", False),
        ("async def f(): await x", False),
    ],
)
def test_top_level_await_makes_a_coroutine(code: str, expected: bool) -> None:
    """Only an await at the top level does, not one in a function."""
    assert is_coroutine(load(Program("command", code)).code) == expected


def test_program_does_not_inherit_our_future_imports() -> None:
    """The program's annotations are evaluated, though this package's are not."""
    loaded = load(Program("command", "def f(x: int): pass\nkind = f.__annotations__['x']"))
    loaded.run()
    assert loaded.namespace["kind"] is int
    assert sys.modules["__main__"].__dict__ is loaded.namespace


def test_script_with_declared_encoding_and_compiled_file(tmp_path: Path) -> None:
    """A script is read in its own encoding; a compiled file runs, too."""
    import py_compile

    source = tmp_path / "program.py"
    source.write_bytes("# coding: latin-1\nword = 'ä'\n".encode("latin-1"))
    compiled = py_compile.compile(str(source), str(tmp_path / "program.pyc"))
    for path in (str(source), str(compiled)):
        loaded = load(Program("path", path, ["a"]))
        loaded.run()
        assert loaded.namespace["word"] == "ä"
        assert sys.argv == [path, "a"]
        assert sys.path[0] == str(tmp_path)


def test_script_that_is_missing_is_an_error() -> None:
    """The error has the words of Python's own."""
    with pytest.raises(ProgramError, match=r"can't open file .*nosuch\.py': \[Errno 2\] No such file or directory"):
        load(Program("path", "nosuch.py"))
