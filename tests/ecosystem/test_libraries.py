"""Libraries written for asyncio work on our loop, also while a modal dialog is open."""

from __future__ import annotations

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable

import pytest
from support import Finished, is_noise

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
EXAMPLES = HERE.parent.parent / "examples"

# Seconds after which a program is taken never to end. Arbitrary, generous.
CEILING_S = 60

OURS = "AsyncSlotEventLoop"
VARIABLES = {"ASYNCSLOT_POLICY": "qt", "ASYNCSLOT_APPLICATION": "widgets"}

# What the sessions of pytest are configured by that are run here.
CONFIGURATION = """
[pytest]
filterwarnings = error
asyncio_default_fixture_loop_scope = function
"""


@dataclass
class Library:
    """
    A library and its program in programs/.

    Args:
        program: The program's name, without "_program.py".
        needs: The packages that the program imports.
        found: What its main coroutine returns.
        server: The fixture that runs the server, which returns its address.
        argument: The program's argument, made of that address.
    """

    program: str
    needs: list[str]
    found: dict[str, Any]
    server: str | None = None
    argument: str = "{}"

    def __str__(self) -> str:
        driver = self.argument.partition(":")[0].partition("+")[2]
        return f"{self.program}-{driver}" if driver else self.program

    def list_arguments(self, request: pytest.FixtureRequest) -> list[str]:
        """Skip the test if a package is missing; start the server, and return the program's arguments."""
        skip_without(self.needs)
        return [self.argument.format(request.getfixturevalue(self.server))] if self.server else []


SQLALCHEMY = {
    "books": 45,
    "streamed": 45,
    "rolled back": [True, 10],
    "loaded": ["book 0", "book 1", "book 2"],
    "given up": [True, 7],
}

LIBRARIES = [
    Library(
        "aiohttp",
        ["aiohttp"],
        {"uploaded": 64 * 65536, "said": ["ONE", "TWO", "THREE"], "timed out": True, "cancelled": True},
    ),
    Library(
        "httpx",
        ["httpx"],
        {"many": True, "streamed": True, "timed out": True, "cancelled": True, "last": "desserts"},
    ),
    Library(
        "websockets",
        ["websockets"],
        {
            "echoes": sum(range(20)),
            "broadcast": ["to all", "to all"],
            "again": [True, True, "level"],
            "failure": True,
            "closed": True,
        },
    ),
    Library(
        "anyio",
        ["anyio"],
        {
            "served": True,
            "passed on": sum(range(1000)),
            "scopes": True,
            "group": [2, "ValueError('as it should')"],
            "threads": [0, 2, 4, 6, 8],
            "process": "world",
        },
    ),
    Library(
        "pyzmq",
        ["zmq"],
        {"requests": 2 * sum(range(300)), "published": True, "routed": 10, "waited": [0, True, "late"]},
    ),
    Library(
        "grpc",
        ["grpc"],
        {
            "split": ["x", "y", "z"],
            "joined": "a bc def",
            "echoed": ["a", "cb", "fed"],
            "failures": [True, "DEADLINE_EXCEEDED", "PERMISSION_DENIED"],
        },
    ),
    Library(
        "asyncpg",
        ["asyncpg"],
        {
            "shared": 2 * sum(range(20)),
            "copied": sum(range(5000)),
            "rolled back": [True, 1],
            "heard": ["one", "two"],
            "given up": [True, True, 7],
        },
        server="postgresql",
        argument="postgresql://{}",
    ),
    Library(
        "psycopg",
        ["psycopg"],
        {
            "asked": 2 * sum(range(10)),
            "copied": sum(range(5000)),
            "pipeline": sum(range(100)),
            "rolled back": [True, 1],
            "heard": ["one", "two"],
            "given up": [True, True, 7],
        },
        server="postgresql",
        argument="postgresql://{}",
    ),
    Library("sqlalchemy", ["sqlalchemy", "asyncpg"], SQLALCHEMY, "postgresql", "postgresql+asyncpg://{}"),
    Library("sqlalchemy", ["sqlalchemy", "psycopg"], SQLALCHEMY, "postgresql", "postgresql+psycopg://{}"),
    Library(
        "redis",
        ["redis"],
        {
            "counted": 200,
            "pipeline": [100, sum(range(100))],
            "published": ["aaa", "bbb"],
            "turns": 10,
            "waited": [True, True, "late"],
        },
        server="redis_server",
        argument="redis://{}",
    ),
    Library(
        "aiosqlite",
        ["aiosqlite"],
        {"read": [sum(range(51, 1000))] * 2, "refused": True, "kept": sum(range(51, 1000)), "interrupted": True},
    ),
    Library(
        "aiomqtt",
        ["aiomqtt"],
        {"received": 3 * sum(range(10)), "big": True, "waited": [True, "late"], "will": ["gone", True]},
        server="mosquitto",
    ),
    Library(
        "asyncssh",
        ["asyncssh"],
        {
            "refused": True,
            "shouted": [f"WORD {number}" for number in range(5)],
            "given up": [True, True, "AGAIN"],
            "transferred": [True, ["there"]],
            "forwarded": "reward",
        },
    ),
    Library("asyncua", ["asyncua"], {"changes": [1, 10, 20], "read": 50 * 20, "refused": True, "added": 7}),
    Library(
        "pymodbus",
        ["pymodbus"],
        {
            "read": [sum(range(number, number + 10)) for number in range(10)],
            "refused": [True, 2],
            "waited": [12, True],
        },
    ),
    Library(
        "fastapi",
        ["fastapi", "uvicorn", "httpx", "websockets"],
        {
            "doubled": 2 * sum(range(13)),
            "statuses": [418, 422, 404],
            "on main thread": False,
            "streamed": sum(range(100)),
            "said": "HELLO",
            "happened": ["started", "ended"],
        },
    ),
    Library(
        "apscheduler",
        ["apscheduler"],
        {"reports": [["fail", True], ["work", False]], "ticked": [["tick", False]], "left": 0, "runs": False},
    ),
    Library(
        "socketio",
        ["socketio", "aiohttp"],
        {
            "refused": True,
            "doubled": 2 * sum(range(30)),
            "said": [["ONE", "TWO"], ["ONE", "TWO"], ["THREE"]],
            "ended": True,
        },
    ),
    Library(
        "distributed",
        ["distributed"],
        {
            "summed": [sum(number**2 for number in range(100))] * 2,
            "elsewhere": True,
            "processes": 2,
            "failed": True,
            "given up": [True, 49],
        },
    ),
    Library("matplotlib", ["matplotlib"], {"canvas": "FigureCanvasQTAgg", "shown": 20, "pictures": 20}),
    Library("pyqtgraph", ["pyqtgraph"], {"kept": True, "pictures": 20}),
    Library("aiodns", ["aiodns"], {"answered": 50, "unknown": True, "cancelled": True}),
]


def skip_without(packages: list[str]) -> None:
    """Skip the test if a package is missing; none is imported here, because some change what all tests share."""
    for package in packages:
        if find_spec(package) is None:
            pytest.skip(f"no {package} on this Python")


def run(*command: str, variables: dict[str, str] | None = None, cwd: Path | None = None) -> Finished:
    """
    Run Python in a process of its own, and end all that it started if it does not end by itself.

    Args:
        command: Python's arguments.
        variables: What to add to the environment, which is without the variables of asyncslot but for the binding's.
        cwd: The directory to run it in.
    """
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    # Aborted, Python says where each thread was.
    environment.update(PYTHONPATH=f"{PROGRAMS}{os.pathsep}{HERE.parent / 'scripts'}", PYTHONFAULTHANDLER="1")
    # grpc logs now and then what its server does at its end, on every loop.
    environment["GRPC_VERBOSITY"] = "ERROR"
    process = subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment, **(variables or {})},
        cwd=cwd,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=CEILING_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGABRT)
        output, errors = process.communicate(timeout=CEILING_S)
        pytest.fail(f"it, or a process of its own, did not end within {CEILING_S} s:\n{output}{errors}")
    lines = [line for line in errors.splitlines(keepends=True) if not is_noise(line)]
    return Finished(process.returncode, output.splitlines(), "".join(lines))


def run_by_variable(program: str, *arguments: str) -> list[Any]:
    """Run a program that knows of nothing, by the environment alone, and return what it said."""
    return read(run(str(PROGRAMS / f"{program}_program.py"), *arguments, variables=VARIABLES))


def run_in_dialog(program: str, *arguments: str) -> list[Any]:
    """Run a program's main coroutine while a modal dialog is open, and return what it said."""
    *said, about_dialog = read(run(str(HERE / "run_in_dialog.py"), program, *arguments))
    assert about_dialog == {"dialog": {"open and modal, loops": [[True, 2], [True, 2]], "ended early": False}}
    return said


def read(finished: Finished) -> list[Any]:
    assert finished.errors == ""
    assert finished.code == 0
    return [json.loads(line) for line in finished.lines]


@pytest.mark.parametrize("way", [run_by_variable, run_in_dialog], ids=["variable", "dialog"])
@pytest.mark.parametrize("library", LIBRARIES, ids=str)
def test_library_works(library: Library, way: Callable[..., list[Any]], request: pytest.FixtureRequest) -> None:
    """The program of the library runs on our loop, finds what it should, and leaves no error behind."""
    arguments = library.list_arguments(request)
    assert way(library.program, *arguments) == [{"loop": OURS, "result": library.found}]


def test_each_program_is_run() -> None:
    """Each program has its line in the table."""
    assert {path.name for path in PROGRAMS.glob("*_program.py")} == {f"{row.program}_program.py" for row in LIBRARIES}


@pytest.mark.parametrize("path", sorted(PROGRAMS.glob("*_program.py")), ids=lambda path: path.stem)
def test_program_is_plain_asyncio(path: Path) -> None:
    """A program imports neither Qt nor asyncslot, and calls asyncio.run."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in names if name.lower().startswith(("asyncslot", "pyside", "pyqt5", "pyqt6", "qt"))}
    assert ast.unparse(tree.body[-1].body[-1]).startswith("asyncio.run(tell(main(")


# By the variable alone, no plug-in detaches the loop that a plain test has attached: no mixed session then.
@pytest.mark.parametrize(
    ("name", "needs", "outcome", "way"),
    [
        ("pytest_asyncio", ["pytest_asyncio"], "6 passed, 1 xfailed", "variable"),
        ("pytest_asyncio", ["pytest_asyncio"], "6 passed, 1 xfailed", "--asyncslot"),
        ("pytest_qt", ["pytest_asyncio", "pytestqt"], "5 passed", "variable"),
        ("pytest_qt", ["pytest_asyncio", "pytestqt"], "5 passed", "--asyncslot"),
        ("pytest_mixed", ["pytest_asyncio", "pytestqt"], "2 passed", "--asyncslot"),
    ],
)
def test_pytest_plugin_works(name: str, needs: list[str], outcome: str, way: str, tmp_path: Path) -> None:
    """A session of tests written for the plug-in passes, with each of its loops one of ours."""
    skip_without(needs)
    shutil.copy(PROGRAMS / f"{name}_tests.py", tmp_path / f"test_{name}.py")
    (tmp_path / "pytest.ini").write_text(CONFIGURATION)
    options, variables = ([], VARIABLES) if way == "variable" else ([way], {})
    finished = run("-m", "pytest", "-q", *options, variables=variables, cwd=tmp_path)
    assert finished.lines[-1].startswith(f"{outcome} in ")
    assert (finished.code, finished.errors) == (0, "")


@pytest.mark.parametrize("end", ["finish", "stop", "close", "early"])
def test_cluster_example_ends(end: str) -> None:
    """The example counts all primes, or is stopped or closed before; each time, its processes end in good order."""
    skip_without(["distributed"])
    finished = run(str(HERE / "drive_cluster.py"), str(EXAMPLES / "cluster.py"), end)
    last = "ended: 78498 primes True True" if end == "finish" else "ended: Stopped False True"
    assert finished.errors == ""
    assert finished.lines == ["starts: Starting processes… False", last]
    assert finished.code == 0
