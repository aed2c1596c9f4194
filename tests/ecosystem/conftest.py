"""The servers that some libraries talk to: each runs on a free port, with its files in a temporary directory."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any, Iterator

import pytest

# Seconds after which a server is taken never to be ready, or never to end. Arbitrary, generous.
CEILING_S = 60

# PostgreSQL refuses to run as root; Debian keeps its programs out of PATH.
SERVER_USER = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
POSTGRESQL = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))


@pytest.fixture(scope="session")
def postgresql(directory: Path) -> Iterator[str]:
    """A cluster of databases: "user@host:port/database"."""
    if not POSTGRESQL:
        pytest.skip("no postgresql on this machine")
    port, data = find_port(), str(directory / "data")
    initialise = [str(POSTGRESQL[-1] / "initdb"), "--auth=trust", "--username=eco", "--no-sync", data]
    subprocess.run(initialise, check=True, capture_output=True, cwd=directory, timeout=CEILING_S, **SERVER_USER)
    command = [str(POSTGRESQL[-1] / "postgres"), "-D", data, "-p", str(port), "-k", str(directory)]
    command += ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    with run_server(command, "ready to accept connections", cwd=directory, **SERVER_USER):
        yield f"eco@127.0.0.1:{port}/postgres"


@pytest.fixture(scope="session")
def redis_server(directory: Path) -> Iterator[str]:
    """A server of redis without persistence: "host:port"."""
    port = find_port()
    command = [find_server("redis-server"), "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    with run_server(command, "Ready to accept connections", cwd=directory):
        yield f"127.0.0.1:{port}"


@pytest.fixture(scope="session")
def mosquitto(directory: Path) -> Iterator[str]:
    """A broker of MQTT that takes everybody: its port."""
    port = find_port()
    configuration = directory / "mosquitto.conf"
    configuration.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    with run_server([find_server("mosquitto"), "-v", "-c", str(configuration)], "running", cwd=directory):
        yield str(port)


@pytest.fixture(scope="session")
def directory() -> Iterator[Path]:
    """A directory that the servers own; pytest's own one is closed to other users."""
    with tempfile.TemporaryDirectory(prefix="asyncslot-ecosystem-") as name:
        if SERVER_USER:
            shutil.chown(name, SERVER_USER["user"])
        yield Path(name)


def find_server(name: str) -> str:
    """Find a server's program, in the directories of the administrator's, too; skip the test if there is none."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"no {name} on this machine")
    return found


def find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def run_server(command: list[str], ready: str, **options: Any) -> Iterator[None]:
    """
    Run a server until the end of the block.

    Args:
        command: Its program and arguments.
        ready: What it prints when it takes connections.
        options: Those of Popen.
    """
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    watchdog = threading.Timer(CEILING_S, process.kill)
    watchdog.start()
    # A full pipe would stop the server.
    reader = threading.Thread(target=process.stdout.read)
    try:
        printed = []
        for line in process.stdout:
            printed.append(line)
            if ready in line:
                break
        else:
            pytest.fail(f"{command[0]} ended before it was ready:\n{''.join(printed)}")
        watchdog.cancel()
        reader.start()
        yield
    finally:
        watchdog.cancel()
        stop_server(process)
        if reader.ident is not None:
            reader.join()
        process.stdout.close()


def stop_server(process: subprocess.Popen[str]) -> None:
    """Stop a server; at SIGINT, each of them ends without waiting for its clients."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(CEILING_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
