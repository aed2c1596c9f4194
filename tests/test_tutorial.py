"""The programs of docs/tutorial.md do what the page says, and the page shows what is in them."""

from __future__ import annotations

import contextlib
import difflib
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Iterator

import pytest
from qt import BINDING
from support import CEILING_S, run_script

DOCS = Path(__file__).parent.parent / "docs"
TUTORIAL = DOCS / "tutorial"
STEPS = sorted(TUTORIAL.glob("step*.py"))
PAGE = (DOCS / "tutorial.md").read_text(encoding="utf-8")
# The text of each step, from its heading to the next one.
SECTIONS = dict(re.findall(r"^## Step (\d)[^\n]*\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
TESTS = TUTORIAL / "test_links.py"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of the tutorial's own website; all of its pages are quick."""
    with run_site(0) as address:
        yield address


@pytest.fixture(scope="module")
def slow_url() -> Iterator[str]:
    """The same, but one of the pages takes longer than any test."""
    with run_site(600) as address:
        yield address


@contextlib.contextmanager
def run_site(seconds: int) -> Iterator[str]:
    command = [sys.executable, "-u", str(TUTORIAL / "local_site.py"), "0", str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.terminate()


def step_path(number: str) -> Path:
    return TESTS if number == "7" else TUTORIAL / f"step{number}.py"


def snippets(number: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", SECTIONS[number], re.DOTALL)


def test_tutorial_has_all_steps() -> None:
    """The page has a section for each program, which links to it and shows its picture."""
    assert [path.stem for path in STEPS] == [f"step{number}" for number in range(1, 7)]
    assert list(SECTIONS) == [str(number) for number in range(1, 8)]
    for number, text in SECTIONS.items():
        assert f"](tutorial/{step_path(number).name})" in text
        assert f"](tutorial/step{number}.png)" in text


@pytest.mark.parametrize("number", SECTIONS)
def test_tutorial_shows_its_programs(number: str) -> None:
    """Each snippet is a contiguous part of the step's program."""
    program = step_path(number).read_text(encoding="utf-8")
    assert snippets(number)
    for snippet in snippets(number):
        assert f"\n{snippet}" in f"\n{program}", snippet


@pytest.mark.parametrize("number", SECTIONS)
def test_tutorial_shows_all_that_changes(number: str) -> None:
    """Who types what the page shows has the step's program: all lines that are not in the step before are there."""
    before = step_path(str(int(number) - 1)).read_text(encoding="utf-8") if number in "23456" else ""
    now = step_path(number).read_text(encoding="utf-8")
    difference = difflib.ndiff(before.splitlines(), now.splitlines())
    added = {line[2:] for line in difference if line.startswith("+ ") and line[2:]}
    assert added - set("".join(snippets(number)).splitlines()) - set(now.splitlines()[:1]) == set()


def test_tutorial_programs_are_short() -> None:
    """The programs grow to a size that can be read in one go."""
    assert all(len(path.read_text(encoding="utf-8").splitlines()) <= 150 for path in STEPS)


def test_tutorial_page_is_short() -> None:
    """The text, without its programs, takes less than a quarter of an hour."""
    assert len(re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL).split()) < 2000


def test_tutorial_pictures_are_light() -> None:
    """The page loads quickly."""
    for number in SECTIONS:
        assert 0 < (TUTORIAL / f"step{number}.png").stat().st_size < 60_000


def drive(number: int, scenario: str, *urls: str) -> list[str]:
    """Use the window of a step, and return what the driver prints; the program must end well, and without a word."""
    program = str(TUTORIAL / f"step{number}.py")
    finished = run_script("drive_tutorial", program, scenario, *urls, options=("-W", "error"))
    assert finished.errors == ""
    assert finished.code == 0
    return finished.lines


@pytest.mark.parametrize("number", range(1, 7))
def test_tutorial_step_ends_in_the_middle(number: int, slow_url: str) -> None:
    """Closed while its slot runs, each program ends without a word; from step 5 on, it asks first."""
    if number >= 5:
        assert drive(number, "ask", slow_url) == [
            "Stop the check, and close? No",
            "open: True checking: True",
            "Stop the check, and close? Yes",
            "closing",
        ]
    else:
        assert drive(number, "close", *([slow_url] if number > 1 else [])) == ["closing"]


def test_tutorial_step_1_keeps_its_window_alive() -> None:
    """The button is disabled inside the click, and the window takes keys while the slot waits."""
    assert drive(1, "end") == ["in the click: False Checking…", "at the end: Checked.", "closing"]
    assert drive(1, "work_goes_on") == ["Checking… typed meanwhile", "closing"]


def test_tutorial_step_2_lists_links(url: str) -> None:
    """The links of the page are listed."""
    assert drive(2, "list", url) == [
        "in the click: False Loading the page…",
        "at the end: 30 links",
        f"30 {url}pages/1.html",
        "closing",
    ]


def test_tutorial_step_2_shows_errors(url: str) -> None:
    """A page that does not exist, and a text that is no address, give a line in the window and a button that works."""
    first, second, _ = drive(2, "wrong_page", url)
    assert first == "in the click: False Loading the page…"
    assert second.startswith("at the end: ClientResponseError: 404, message='Not Found'")
    _, second, _ = drive(2, "wrong_address")
    assert re.match(r"at the end: Invalid(Url|URL)", second)


@pytest.mark.parametrize("number", range(3, 7))
def test_tutorial_step_3_finds_what_is_broken(number: int, url: str) -> None:
    """Of all links, the broken one is listed, and the bar is full."""
    assert drive(number, "broken", url) == [
        "in the click: False Checking…",
        "at the end: 30 links, 1 of them broken",
        f"['404 Not Found: {url}pages/7.html'] 100% False",
        "closing",
    ]


@pytest.mark.parametrize("number", range(3, 7))
def test_tutorial_step_3_is_cancelled(number: int, slow_url: str) -> None:
    """The Cancel button ends the check in the middle."""
    assert drive(number, "cancel", slow_url) == ["Cancelled. True False", "closing"]


def test_tutorial_step_4_restarts_while_typing(slow_url: str) -> None:
    """The answer for an earlier text is never shown."""
    assert drive(4, "typing", slow_url) == ["{'404 Not Found'} 404 Not Found", "closing"]


def test_tutorial_step_4_drops_the_second_return(url: str) -> None:
    """The Return key, pressed twice, begins one check."""
    assert drive(4, "return", url) == ["calls: 1", "30 links, 1 of them broken", "closing"]


@pytest.mark.parametrize("number", [5, 6])
def test_tutorial_step_5_saves(number: int, url: str) -> None:
    """The list is in the file; an error of the disk is shown."""
    assert drive(number, "save", url) == [f"404 Not Found: {url}pages/7.html", "closing"]
    assert drive(number, "save_nowhere", url) == [
        "The list was not saved: [Errno 28] No space left on device",
        "closing",
    ]


@pytest.mark.parametrize("number", [5, 6])
def test_tutorial_step_5_finishes_its_save(number: int, url: str) -> None:
    """The program ends when the file is written, although its window was closed before."""
    assert drive(number, "finish", url) == ["quitting: True False", "saved: True"]


def test_tutorial_step_5_closes_its_dialog() -> None:
    """A dialog that is awaited does not keep the program from ending."""
    assert drive(5, "close_in_dialog") == ["dialog", "closing"]


def test_tutorial_step_6_reads_a_folder(url: str) -> None:
    """The links of the folder's files are checked, each once."""
    assert drive(6, "folder", url) == [
        "in the check: False Checking…",
        f"['404 Not Found: {url}pages/7.html'] 8 links, 1 of them broken",
        "closing",
    ]


def test_tutorial_step_6_cancels_its_thread(url: str) -> None:
    """The Cancel button ends the function in the thread at its next report."""
    assert drive(6, "folder_cancel", url) == ["Cancelled. files read: 1", "closing"]


@pytest.mark.skipif(find_spec("pytest_asyncio") is None, reason="no pytest-asyncio")
def test_tutorial_step_7_tests_pass(tmp_path: Path) -> None:
    """The page's command runs the tutorial's tests, and they pass."""
    for path in (TUTORIAL / "step6.py", TESTS, TUTORIAL / "pytest.ini"):
        code = path.read_text(encoding="utf-8").replace("PySide6", BINDING)
        (tmp_path / path.name).write_text(code, encoding="utf-8")
    assert "python -m pytest --asyncslot\n" in SECTIONS["7"]
    assert f"```ini\n{(TUTORIAL / 'pytest.ini').read_text(encoding='utf-8')}```" in SECTIONS["7"]
    command = [sys.executable, "-W", "error", "-m", "pytest", "--asyncslot"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=3 * CEILING_S)
    assert re.match(r"=+ 3 passed in [^,]*$", run.stdout.splitlines()[-1]), run.stdout
    assert run.stderr == ""
    assert run.returncode == 0
