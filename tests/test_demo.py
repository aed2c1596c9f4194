"""The demo, run as users run it: in a process of its own, without a display."""

from __future__ import annotations

import http.server
import importlib
import os
import pkgutil
import re
import socket
import subprocess
import sys
import threading
import urllib.request
from typing import TYPE_CHECKING, Iterator

import pytest
from qt import BINDING
from support import break_plugin

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("aiohttp", reason="the demo needs aiohttp")

download, row, server, source = (
    importlib.import_module(f"asyncslot.demo.{name}") for name in ("download", "row", "server", "source")
)

# Seconds after which a run that should have ended is taken never to. Arbitrary, generous: one takes 2.
CEILING_S = 120

# Milliseconds for which the blocking downloads of a run with "--seconds 1" hold the thread, at least.
BLOCKED_MS = 700

# What every PNG file begins with. Source: the PNG specification, section 5.2.
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

# A short run, with asyncio's and Python's own checks.
DEMO = (sys.executable, "-X", "dev", "-m", "asyncslot.demo", "--seconds", "1")

# What the HTTP server of these tests has at /good.bin.
GOOD_SIZE = 300_000

# The demo, but in the script's place somebody who starts the downloads and then closes the window.
CLOSE_WINDOW = """
import asyncio, sys
from asyncslot.demo import application, script
from asyncslot.demo.__main__ import main

class Closer:
    def __init__(self, window, screenshot):
        self.window = window

    async def run(self):
        self.window.start_button.click()
        await script.wait_until(self.window, lambda: all(row.received for row in self.window.rows))
        print(*sorted(path.name for path in self.window.rows[0].path.parent.iterdir()), flush=True)
        self.window.close()
        await asyncio.get_running_loop().create_future()

application.Script = Closer
sys.exit(main(sys.argv[1:]))
"""


class Handler(http.server.BaseHTTPRequestHandler):
    """Has one good file, one whose body breaks off, and nothing else."""

    def do_GET(self) -> None:
        if self.path not in ("/good.bin", "/short.bin"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(GOOD_SIZE))
        self.end_headers()
        self.wfile.write(bytes(GOOD_SIZE if self.path == "/good.bin" else GOOD_SIZE // 2))

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def base_url() -> Iterator[str]:
    """The address of an HTTP server."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command without a display; of the variables that name one, it sees those in *environment* only."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    inherited = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=CEILING_S, env={**inherited, **environment}, check=False
    )


def check_is_clean(finished: subprocess.CompletedProcess[str]) -> None:
    """Fail if anything went wrong in a way that the exit code does not tell."""
    for sign in ("Traceback", "never", "Unclosed", "was destroyed"):
        assert sign not in finished.stderr, finished.stderr


def test_demo_offscreen_downloads_all_and_cancels_one(tmp_path: Path) -> None:
    """Every file arrives whole, also while a modal question is open; the file cancelled leaves nothing behind."""
    screenshot, temporary = tmp_path / "demo.png", tmp_path / "temporary"
    temporary.mkdir()
    finished = run(*DEMO, "--offscreen", "--screenshot", str(screenshot), TMPDIR=str(temporary))
    assert finished.returncode == 0, finished.stdout + finished.stderr
    for text in (
        "Start clicked: disabled when click() returned",
        "question open: Cancel endless.dat?",
        "meanwhile, with the question open: brook.dat +",
        "Yes clicked",
        "endless.dat cancelled at",
        "brook.dat done: 2.0 MB, sha256 verified",
        "river.dat done: 3.5 MB, sha256 verified",
        "ocean.dat done: 6.0 MB, sha256 verified",
        "Start enabled again",
        "all files have arrived again",
    ):
        assert text in finished.stdout
    asyncio_ms, blocking_ms = (
        float(number) * (1000 if unit == "s" else 1)
        for number, unit in re.findall(r"longest gap of the clock: ([\d.]+) (m?s)$", finished.stdout, re.MULTILINE)
    )
    # The blocking calls take about a second: the server waits between two pieces.
    assert blocking_ms >= BLOCKED_MS
    assert asyncio_ms < blocking_ms
    assert screenshot.read_bytes().startswith(PNG_SIGNATURE)
    assert not list(temporary.iterdir())
    check_is_clean(finished)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there is always a display")
def test_demo_without_display_says_so_and_runs(base_url: str, tmp_path: Path) -> None:
    """Without a display the demo prints one line about it, and drives itself; two files of one name are both kept."""
    url, directory = f"{base_url}/good.bin", tmp_path / "files"
    finished = run(*DEMO, url, url, "--directory", str(directory), "--screenshot", str(tmp_path / "demo.png"))
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.startswith("No display: ")
    assert {path.name: path.stat().st_size for path in directory.iterdir()} == {
        "good.bin": GOOD_SIZE,
        "2-good.bin": GOOD_SIZE,
    }
    check_is_clean(finished)


def test_demo_failing_urls_are_told_and_exit_with_1(base_url: str, tmp_path: Path) -> None:
    """An HTTP error, a body that breaks off and a refused connection fail alone: the good file arrives."""
    directory = tmp_path / "files"
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # Bound and not listening: nobody else can answer there.
        urls = [f"{base_url}/{name}" for name in ("good.bin", "missing.bin", "short.bin")]
        urls.append(f"http://127.0.0.1:{unused.getsockname()[1]}/refused.bin")
        screenshot = str(tmp_path / "demo.png")
        finished = run(*DEMO, *urls, "--offscreen", "--directory", str(directory), "--screenshot", screenshot)
    assert finished.returncode == 1, finished.stdout + finished.stderr
    for text in (
        "good.bin done: 300 kB",
        "missing.bin failed: HTTP 404",
        "short.bin failed: ",
        "refused.bin failed: no connection to 127.0.0.1:",
    ):
        assert text in finished.stdout
    assert [path.name for path in directory.iterdir()] == ["good.bin"]
    check_is_clean(finished)


def test_demo_window_closed_cancels_downloads(tmp_path: Path) -> None:
    """Closing the window removes the partial files of the downloads that go on, and exits with 0."""
    finished = run(sys.executable, "-X", "dev", "-c", CLOSE_WINDOW, "--offscreen", "--directory", str(tmp_path))
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.split() == [f".{name}.dat.part" for name in ("brook", "endless", "ocean", "river")]
    assert not list(tmp_path.iterdir())
    check_is_clean(finished)


@pytest.mark.parametrize(
    "arguments",
    [["--no-such-option"], ["ftp://127.0.0.1/file"], ["http://:80/"], ["http://[::1/"], ["--seconds", "0"]],
    ids=["unknown option", "no HTTP", "no host", "no URL", "no time"],
)
def test_demo_bad_argument_exits_with_2(arguments: list[str]) -> None:
    """A usage error prints the usage and runs nothing."""
    finished = run(*DEMO, *arguments)
    assert finished.returncode == 2
    assert finished.stderr.startswith("usage: ")


def test_demo_directory_that_is_a_file_exits_with_2(tmp_path: Path) -> None:
    """A directory that cannot be made is a usage error."""
    (tmp_path / "file").touch()
    finished = run(*DEMO, "--directory", str(tmp_path / "file"))
    assert finished.returncode == 2
    assert "argument --directory: " in finished.stderr


@pytest.mark.parametrize("module", ["aiohttp", f"{BINDING}.QtWidgets"])
def test_demo_without_module_says_what_to_install(module: str) -> None:
    """What is missing is named in one line, without a traceback."""
    code = f"import sys; sys.modules[{module!r}] = None; from asyncslot.demo.__main__ import main; sys.exit(main([]))"
    finished = run(sys.executable, "-c", code)
    assert finished.returncode == 1
    [line] = finished.stderr.splitlines()
    assert module in line
    assert "pip install '.[demo]'" in line


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there the plugin needs no other library")
def test_demo_without_system_library_says_what_to_install(tmp_path: Path) -> None:
    """If Qt could not open a window, one line names the library, its package, and both ways out."""
    finished = subprocess.run(DEMO, capture_output=True, text=True, env=break_plugin(tmp_path), check=False)
    assert finished.returncode == 1
    [line] = finished.stderr.splitlines()
    assert line.startswith("asyncslot.demo: Qt cannot open a window: ")
    assert "(libx.so.6). On Debian or Ubuntu: apt-get install libx6." in line
    assert line.endswith("QT_QPA_PLATFORM=offscreen, or --offscreen")


def test_demo_blocking_download_that_fails_leaves_no_file(base_url: str, tmp_path: Path) -> None:
    """By blocking calls, too, a file exists only if all of it has arrived."""
    path = tmp_path / "file"
    with pytest.raises(download.DownloadError, match="404"):
        download.download_blocking(download.Source(f"{base_url}/missing.bin", "missing"), path)
    with pytest.raises(download.DownloadError, match="bytes arrived"):
        download.download_blocking(download.Source(f"{base_url}/short.bin", "short", GOOD_SIZE), path)
    assert not list(tmp_path.iterdir())
    assert download.download_blocking(download.Source(f"{base_url}/good.bin", "good"), path) == GOOD_SIZE
    assert path.stat().st_size == GOOD_SIZE


def test_demo_server_in_thread_ends_with_its_block() -> None:
    """The server for blocking calls answers inside its block, and its thread is gone after it."""
    before = threading.active_count()
    with server.serve_files_in_thread(0.1) as sources, urllib.request.urlopen(sources[0].url) as response:
        assert len(response.read()) == sources[0].size
    assert threading.active_count() == before


@pytest.mark.usefixtures("app")
def test_demo_source_is_shown_also_without_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """The source window has the demo's own files; in a program that was frozen without them, it says where they are."""
    window = source.SourceWindow()
    texts = [view.toPlainText() for view in window.findChildren(source.QtWidgets.QPlainTextEdit)]
    assert len(texts) == len(source.FILES)
    assert any("async def on_start_clicked" in text for text in texts)

    def fail(*_: str) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(pkgutil, "get_data", fail)
    assert "asyncslot/demo/row.py" in source.read_source("row.py")


@pytest.mark.usefixtures("app")
def test_demo_question_does_not_cover_the_window() -> None:
    """The question stands beside the window, and is wide enough for its title."""
    window = row.QtWidgets.QWidget()
    window.setGeometry(0, 0, 300, 200)
    window.show()
    box = row.QtWidgets.QMessageBox(window)
    box.setWindowTitle("Cancel this download, which has a long name?")
    row._widen(box)
    row._move_beside(box, window)
    box.show()
    try:
        assert not box.frameGeometry().intersects(window.frameGeometry())
        assert box.width() > box.fontMetrics().horizontalAdvance(box.windowTitle())
    finally:
        box.close()
        window.close()


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe breaks otherwise there")
def test_demo_whose_output_nobody_reads_ends(tmp_path: Path) -> None:
    """The demo ends when its output breaks while the question is open: the question does not hold it."""
    command = [*DEMO, "--offscreen", "--screenshot", str(tmp_path / "demo.png")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if "Cancel of" in line:
                break
        demo.stdout.close()
        assert demo.wait(CEILING_S) != 0
