"""debugpy, by its protocol: a breakpoint in a coroutine stops the program, which goes on afterwards."""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Iterator

import pytest
from support import CEILING_S, SCRIPTS

if find_spec("debugpy") is None:
    pytest.skip("debugpy is not installed", allow_module_level=True)

ROOT = Path(__file__).parent.parent.parent

PROGRAM = f"""
import asyncio, sys
sys.path.append({str(SCRIPTS)!r})
import asyncslot
from qt import QApplication, QTimer

async def main():
    timer = QTimer()
    timer.start(1)
    task = asyncio.current_task()
    await asyncslot.wait_signal(timer.timeout)
    stopped = True  # The breakpoint.
    other = asyncio.ensure_future(asyncio.sleep(0.001, "other task"))
    await asyncslot.wait_signal(timer.timeout)
    print("goes on:", await other, asyncio.current_task() is task, flush=True)

app = QApplication([])
asyncslot.run(main())
"""
BREAKPOINT_LINE = 1 + PROGRAM.splitlines().index("    stopped = True  # The breakpoint.")


class Client:
    """
    A client of the Debug Adapter Protocol.

    Args:
        port: Where debugpy listens.
    """

    def __init__(self, port: int) -> None:
        deadline_s = time.monotonic() + CEILING_S
        while True:
            try:
                self._socket = socket.create_connection(("127.0.0.1", port), timeout=CEILING_S)
                break
            except ConnectionRefusedError:  # It does not listen yet.
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(0.01)
        self._file = self._socket.makefile("rb")
        self._numbers = itertools.count(1)

    def send(self, command: str, **arguments: Any) -> None:
        request = {"seq": next(self._numbers), "type": "request", "command": command, "arguments": arguments}
        body = json.dumps(request).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def expect(self, **fields: str) -> dict[str, Any]:
        """Read messages up to one with the given fields, and return its body."""
        while True:
            length = 0
            for line in iter(lambda: self._file.readline().strip(), b""):
                length = int(line.partition(b":")[2])
            message = json.loads(self._file.read(length))
            if all(message.get(name) == value for name, value in fields.items()):
                return message.get("body", {})

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@pytest.fixture
def program(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path, int]]:
    """The program, which waits for a client: its process, its file and the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    command = [sys.executable, "-m", "debugpy", "--listen", f"127.0.0.1:{port}", "--wait-for-client", str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    yield process, path, port
    if process.poll() is None:
        process.kill()
        process.wait()
    process.stdout.close()


def test_breakpoint_in_coroutine_program_goes_on(program: tuple[subprocess.Popen[str], Path, int]) -> None:
    """After a breakpoint, a step and "continue", timers, tasks and the current task are as before."""
    process, path, port = program
    client = Client(port)
    client.send("initialize", adapterID="test")
    client.expect(command="initialize")
    client.send("attach", connect={"host": "127.0.0.1", "port": port}, justMyCode=True)
    client.expect(event="initialized")
    client.send("setBreakpoints", source={"path": str(path)}, breakpoints=[{"line": BREAKPOINT_LINE}])
    client.send("configurationDone")
    thread = client.expect(event="stopped")["threadId"]
    client.send("stackTrace", threadId=thread)
    top = client.expect(command="stackTrace")["stackFrames"][0]
    assert (top["name"], top["line"]) == ("main", BREAKPOINT_LINE)
    client.send("next", threadId=thread)
    assert client.expect(event="stopped")["reason"] == "step"
    client.send("continue", threadId=thread)
    client.expect(event="terminated")
    client.send("disconnect")
    client.close()
    assert "goes on: other task True" in process.communicate(timeout=CEILING_S)[0]
    assert process.returncode == 0
