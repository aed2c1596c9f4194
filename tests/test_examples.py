"""The examples do what they are there to show. That of the README is in test_readme."""

from __future__ import annotations

import asyncio
import builtins
import os
import random
import re
import runpy
from pathlib import Path
from typing import Any, Awaitable, Callable, Iterator

import pytest
from support import IS_WINDOWS, run_coroutine, run_script

import asyncslot
from asyncslot import AsyncSlotEventLoop, run_task
from asyncslot._qt import import_qt

QtTest = import_qt("QtTest")

EXAMPLES = Path(__file__).parent.parent / "examples"

# What is typed, one key after the other. Several names of builtins have it in them.
TYPED = "connectionerror"


class Search:
    """
    The window of examples/search.py and its server, which notes what comes.

    Args:
        answer: What the server does; None for what the example's does.
    """

    def __init__(self, answer: Callable[..., Awaitable[None]] | None = None) -> None:
        self.example = runpy.run_path(str(EXAMPLES / "search.py"))
        self.answer = answer or self.example["answer"]
        # What was shown, and how many connections the server has had, and has now.
        self.shown: list[str] = []
        self.connections = 0
        self.open_connections = 0
        self.changed = asyncio.Condition()
        search = self

        class Window(self.example["Window"]):  # type: ignore[misc]
            def show_names(self, text: str, names: list[str]) -> None:
                super().show_names(text, names)
                search.shown.append(text)
                run_task(search.notify())

        self.window_class = Window

    async def run(self, drive: Callable[[Any], Awaitable[None]]) -> Any:
        """Let *drive* use the window, and wait until all is over; returns the window."""
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        async with server:
            window = self.window_class(server.sockets[0].getsockname()[1])
            window.show()
            await drive(window)
            await self.wait_for(lambda: not self.open_connections)
            window.close()
        return window

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        await self.notify()
        try:
            await self.answer(reader, writer)
            await writer.wait_closed()
        finally:
            self.open_connections -= 1
            await self.notify()

    async def notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def wait_for(self, predicate: Callable[[], bool]) -> None:
        async with self.changed:
            await self.changed.wait_for(predicate)


def name_descriptors() -> list[str]:
    """Return what the descriptors of this process are, where the system tells."""
    if IS_WINDOWS:
        return []
    directory = Path("/proc/self/fd")
    return sorted(os.readlink(path) for path in directory.iterdir() if path.is_symlink()) if directory.exists() else []


def names_with(text: str) -> list[str]:
    return [name for name in dir(builtins) if text in name.lower()]


@pytest.fixture
def _no_descriptor_left(attached: AsyncSlotEventLoop) -> Iterator[None]:
    """Fail if a connection is open at the end that was not at the beginning."""
    run_coroutine(asyncio.sleep(0))  # What the loop itself opens is open.
    before = [name for name in name_descriptors() if name.startswith("socket")]
    yield
    assert [name for name in name_descriptors() if name.startswith("socket")] == before


@pytest.mark.usefixtures("_no_descriptor_left")
@pytest.mark.parametrize("seed", range(3))
def test_search_shows_answers_in_order_of_keys(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long each answer takes, none is shown after that to a later key, and the last key's is shown."""
    chance = random.Random(seed)
    monkeypatch.setattr(random, "uniform", chance.uniform)
    search = Search()

    async def drive(window: Any) -> None:
        for key in TYPED:
            QtTest.QTest.keyClicks(window.edit, key)
            await asyncio.sleep(chance.choice([0, 0.01, 0.1, 0.3]))
        await search.wait_for(lambda: TYPED in search.shown)
        assert window.status.text() == f"{len(names_with(TYPED))} names with {TYPED!r}"
        assert [window.list.item(row).text() for row in range(window.list.count())] == names_with(TYPED)

    window = run_coroutine(search.run(drive))
    assert asyncslot.tasks(window) == []
    assert search.shown == sorted(set(search.shown), key=len)
    assert search.shown[-1] == TYPED
    assert len(search.shown) <= search.connections <= len(TYPED)


@pytest.mark.usefixtures("_no_descriptor_left")
def test_search_hangs_up_at_each_key() -> None:
    """The request of a key that another follows is cut off, and only that of the last key is answered."""
    cut_off: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode().split()[1]
        if request == f"/?{TYPED}":
            writer.write(b"HTTP/1.0 200 OK\r\n\r\nfound")
        else:  # No answer at all: it would be waited for, unless the next key ended that.
            assert await reader.read() == b""
            cut_off.append(request)
        writer.close()

    search = Search(answer)

    async def drive(window: Any) -> None:
        for number, key in enumerate(TYPED, 1):
            QtTest.QTest.keyClicks(window.edit, key)
            assert window.status.text().startswith("Searching")
            await search.wait_for(lambda number=number: search.connections == number)
        await search.wait_for(lambda: bool(search.shown))

    run_coroutine(search.run(drive))
    assert sorted(cut_off, key=len) == [f"/?{TYPED[:length]}" for length in range(1, len(TYPED))]
    assert search.shown == [TYPED]


@pytest.mark.usefixtures("_no_descriptor_left")
def test_search_of_keys_at_once_runs_first_and_last() -> None:
    """Of keys in one go only the first and the last ask the server at all."""
    search = Search()

    async def drive(window: Any) -> None:
        QtTest.QTest.keyClicks(window.edit, TYPED)
        await search.wait_for(lambda: bool(search.shown))

    run_coroutine(search.run(drive))
    assert search.shown == [TYPED]
    assert search.connections <= 2


def test_search_program_ends_in_the_middle() -> None:
    """Closed during a search, the program says nothing and exits with 0."""
    # Not in debug mode: if the quit cancels what accepts a connection, asyncio logs it there.
    finished = run_script("drive_search", str(EXAMPLES / "search.py"), options=("-W", "error"))
    assert finished.errors == ""
    assert finished.lines == ["Searching for 'e'…", "searching: True"]
    assert finished.code == 0


@pytest.mark.parametrize("end", ["finish", "close"])
def test_qml_button_calls_slot(end: str) -> None:
    """A click in QML shows at once that the slot runs, and at its end what it found; a second click is dropped."""
    # PySide 6.6 leaves an object of its Property to the collector that it cannot collect.
    options = ("-X", "dev", "-W", "error", "-W", "ignore:gc:ResourceWarning")
    finished = run_script("drive_qml", str(EXAMPLES / "qml.py"), end, options=options)
    assert finished.errors == ""
    counted = ["in between: {'working…'}", "counted: True"] if end == "finish" else []
    assert finished.lines == ["not counted yet", "working…", *counted]
    assert finished.code == 0


@pytest.mark.parametrize(
    ("end", "lines"),
    [
        ("finish", ["Searching… True True True", "6 lines False True False", "counted: True"]),
        ("cancel", ["Searching… True True True", "at True"]),
        (
            "error",
            [
                "No regular expression: missing ), unterminated subpattern at position 0 False True False",
                "counted: False",
            ],
        ),
        ("close", ["Searching… True True True"]),
    ],
)
def test_qml_follows_a_task(end: str, lines: list[str]) -> None:
    """QML fills a list while a task runs, shows that it runs, cancels it, and shows how it ended."""
    options = ("-X", "dev", "-W", "error", "-W", "ignore:gc:ResourceWarning")
    finished = run_script("drive_find", str(EXAMPLES / "find.py"), end, options=options)
    assert finished.errors == ""
    # How many classes there are depends on the Python.
    told = [re.sub("^[0-9]+ lines", "6 lines", line) for line in finished.lines]
    assert told == ["Type a regular expression. False False False", *lines]
    assert finished.code == 0


@pytest.mark.parametrize(
    ("end", "lines"),
    [
        (
            "log-in",
            [
                "echo hidden: True",
                "message: The name or the password is wrong.",
                "echo hidden: True",
                "window: Welcome, ann",
            ],
        ),
        ("give-up", []),
    ],
)
def test_login_example_goes_on_after_its_dialog(end: str, lines: list[str]) -> None:
    """The dialog comes again after a wrong password; then the window opens, and its end is the program's."""
    finished = run_script("drive_login", str(EXAMPLES / "login.py"), end, options=("-W", "error"))
    assert finished.errors == ""
    assert finished.lines == lines
    assert finished.code == 0


@pytest.mark.parametrize(
    ("example", "end", "lines"),
    [
        ("downloads", "end", ["Downloading… False True", "All files are here. True False", "closing"]),
        ("downloads", "cancel", ["Downloading… False True", "Cancelled. False False", "closing"]),
        ("downloads", "close", ["Downloading… False True", "closing"]),
        ("chat", "end", ["heard", "closing"]),
        ("chat", "away", ["away", "heard", "closing"]),
        ("primes", "end", ["Counting… False", "9592 primes False", "closing"]),
        ("primes", "cancel", ["Counting… False", "Cancelled. False", "closing"]),
        ("primes", "close", ["Counting… False", "closing"]),
        ("watch", "end", ["notes.txt: 3 lines", "closing"]),
    ],
)
def test_example_in_its_window(example: str, end: str, lines: list[str]) -> None:
    """Used by pointer and keyboard, it does what its first line says; closed in the middle, it ends without a word."""
    finished = run_script("drive_window", str(EXAMPLES / f"{example}.py"), end, options=("-W", "error"))
    assert finished.errors == ""
    assert finished.lines == lines
    assert finished.code == 0


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_example_is_short(example: Path) -> None:
    """An example is read in one go."""
    assert len(example.read_text().splitlines()) <= 100
