"""The proactor loop of Windows, hosted in Qt: what it carries, and what differs from the selector loop."""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any, Iterator

import pytest
from support import CEILING_S, only_windows, run_coroutine, run_qt

import asyncslot
import asyncslot_policy
from asyncslot import AsyncSlotEventLoop, AsyncSlotSelectorEventLoop
from asyncslot._qt import QtCore

pytestmark = only_windows


def run(loop: AsyncSlotEventLoop, coro: Any) -> Any:
    return loop.run_until_complete(asyncio.wait_for(coro, CEILING_S))


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)
    writer.close()


async def echo_over(server: Any, count: int, **options: Any) -> int:
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), **options)
    echoed = 0
    for number in range(count):
        writer.write(b"%d\n" % number)
        echoed += await reader.readline() == b"%d\n" % number
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()
    return echoed


def test_default_loop_is_asyncios_default(app: Any) -> None:
    """As asyncio's own default since Python 3.8, the loop is a proactor loop."""
    assert issubclass(AsyncSlotEventLoop, asyncio.ProactorEventLoop)
    assert issubclass(AsyncSlotSelectorEventLoop, asyncio.SelectorEventLoop)


@pytest.mark.parametrize("make_argument", [selectors.SelectSelector, asyncio.Event, QtCore.QCoreApplication.instance])
def test_argument_is_refused_with_a_way_out(app: Any, make_argument: Any) -> None:
    """A proactor loop takes no argument; the message names the class that takes a selector."""
    with pytest.raises(TypeError, match=r"takes no argument on Windows, .* AsyncSlotSelectorEventLoop takes one"):
        AsyncSlotEventLoop(make_argument())


# -- what it carries --


def test_tcp(loop: AsyncSlotEventLoop) -> None:
    """200 lines go to a server and come back."""

    async def main() -> int:
        return await echo_over(await asyncio.start_server(echo, "127.0.0.1", 0), 200)

    assert run(loop, main()) == 200


def test_tls(loop: AsyncSlotEventLoop) -> None:
    """The same over TLS."""
    utils = pytest.importorskip("test.test_asyncio.utils", reason="the certificate is that of CPython's own tests")

    async def main() -> int:
        server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=utils.simple_server_sslcontext())
        return await echo_over(server, 200, ssl=utils.simple_client_sslcontext(), server_hostname="")

    assert run(loop, main()) == 200


def test_udp(loop: AsyncSlotEventLoop) -> None:
    """100 datagrams go to an endpoint and come back."""

    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, address: Any) -> None:
            self.transport.sendto(data, address)

    class Client(asyncio.DatagramProtocol):
        def __init__(self) -> None:
            self.received: asyncio.Queue[bytes] = asyncio.Queue()

        def datagram_received(self, data: bytes, address: Any) -> None:
            self.received.put_nowait(data)

    async def main() -> int:
        server, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
        address = server.get_extra_info("sockname")
        transport, client = await loop.create_datagram_endpoint(Client, remote_addr=address)
        count = 0
        for number in range(100):
            transport.sendto(b"%d" % number)
            count += await client.received.get() == b"%d" % number
        transport.close()
        server.close()
        await asyncio.sleep(0)
        return count

    assert run(loop, main()) == 100


def test_named_pipe(loop: AsyncSlotEventLoop) -> None:
    """A server of a named pipe answers each of three clients."""
    address = rf"\\.\pipe\asyncslot-{time.time_ns()}"

    class Answer(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.transport.write(data[::-1])
            self.transport.close()

    class Ask(asyncio.Protocol):
        def __init__(self) -> None:
            self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def data_received(self, data: bytes) -> None:
            self.answer.set_result(data)

    async def main() -> list[bytes]:
        (server,) = await loop.start_serving_pipe(Answer, address)
        answers = []
        for _ in range(3):
            transport, client = await loop.create_pipe_connection(Ask, address)
            transport.write(b"abc")
            answers.append(await client.answer)
            transport.close()
        server.close()
        return answers

    assert run(loop, main()) == [b"cba"] * 3


def test_subprocess(loop: AsyncSlotEventLoop) -> None:
    """A program gets its input, gives its output and its exit code; another one is ended."""

    async def main() -> tuple[bytes, int, int]:
        code = "import sys; print(sys.stdin.read()[::-1]); sys.exit(3)"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        out, _ = await process.communicate(b"abc")
        endless = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(3600)")
        endless.kill()
        return out.strip(), process.returncode, await endless.wait()

    assert run(loop, main()) == (b"cba", 3, 1)


def test_terminate_is_a_hard_kill(loop: AsyncSlotEventLoop) -> None:
    """Windows ends the process at once: no handler of SIGTERM and no `finally` runs there."""
    code = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: print('handled', flush=True))\n"
        "try: print('ready', flush=True); time.sleep(3600)\n"
        "finally: print('cleaned up', flush=True)"
    )

    async def main() -> tuple[bytes, bytes, int]:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=subprocess.PIPE)
        ready = await process.stdout.readline()
        process.terminate()
        rest, _ = await process.communicate()
        return ready.strip(), rest, process.returncode

    assert run(loop, main()) == (b"ready", b"", 1)


STDIN_READER = """
import asyncio, sys, asyncslot
from asyncslot._qt import QtCore

class Protocol(asyncio.Protocol):
    def data_received(self, data):
        print("data")

async def main():
    loop = asyncio.get_running_loop()
    failed = loop.create_future()
    loop.set_exception_handler(lambda _, context: failed.done() or failed.set_result(context))
    try:
        await loop.connect_read_pipe(Protocol, sys.stdin)
        await failed
    except OSError:
        pass
    print("failed")
    print(await loop.run_in_executor(None, sys.stdin.readline))

app = QtCore.QCoreApplication([])
asyncio.run(main(), loop_factory=LOOP)
"""


@pytest.mark.skipif(sys.version_info < (3, 12), reason="asyncio.run() takes a loop_factory from Python 3.12 on")
@pytest.mark.parametrize("kind", ["asyncio.ProactorEventLoop", "asyncslot.AsyncSlotEventLoop"])
def test_stdin_is_no_pipe_for_a_loop(kind: str) -> None:
    """connect_read_pipe(sys.stdin) does not work, as on the stock loop; a thread reads it."""
    command = [sys.executable, "-c", STDIN_READER.replace("LOOP", kind)]
    run = subprocess.run(command, input="line\n", capture_output=True, text=True, check=False, timeout=CEILING_S)
    assert run.stdout.split() == ["failed", "line"]


def test_executor_and_threads(loop: AsyncSlotEventLoop) -> None:
    """run_in_executor() and call_soon_threadsafe() wake a guest that waits."""

    async def main() -> list[int]:
        called: asyncio.Queue[int] = asyncio.Queue()
        threading.Timer(0.02, loop.call_soon_threadsafe, (called.put_nowait, 1)).start()
        return [await called.get(), await loop.run_in_executor(None, int, "2")]

    assert run(loop, main()) == [1, 2]


def test_attached_loop_carries_io_beside_qt(attached: AsyncSlotEventLoop) -> None:
    """In the application's own Qt loop, too, and in a dialog that a coroutine has opened."""

    async def main() -> int:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        task = asyncio.ensure_future(echo_over(server, 50))
        nested = QtCore.QEventLoop()
        task.add_done_callback(lambda _: nested.quit())
        nested.exec()
        return task.result()

    assert run_coroutine(main()) == 50


def test_server_that_runs_at_the_end_is_closed(app: Any) -> None:
    """A pending accept is the system's until it has ended: shutdown() ends it, and the loop closes without a report."""
    loop = AsyncSlotEventLoop()
    reports: list[Any] = []
    loop.set_exception_handler(lambda _, context: reports.append(context))

    async def main() -> Any:
        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
        transport, _ = await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
        transport.close()
        return server

    server = run(loop, main())
    accepting = loop._accept_futures.values()  # type: ignore[attr-defined]
    assert [future.done() for future in accepting] == [False]
    loop.shutdown()
    assert loop.is_closed()
    assert not server.sockets or server.sockets[0].fileno() == -1
    assert not reports


# -- time --


def test_short_sleeps_do_not_spin(loop: AsyncSlotEventLoop) -> None:
    """100 sleeps of a millisecond take 100 ms at least: a clock of 16 ms steps would have them end at once."""

    async def main() -> float:
        began_s = time.perf_counter()
        for _ in range(100):
            await asyncio.sleep(0.001)
        return time.perf_counter() - began_s

    assert run(loop, main()) >= 0.1


# -- the loop's own reading --


def test_run_after_run_reads_its_socket_again(loop: AsyncSlotEventLoop) -> None:
    """Each run wakes up by another thread's call; what a run leaves of its own operations does no harm to the next."""
    for _ in range(10):
        threading.Timer(0.01, loop.call_soon_threadsafe, (loop.stop,)).start()
        loop.run_forever()
        loop.attach()
        run_qt(lambda quit_qt: threading.Timer(0.01, loop.call_soon_threadsafe, (quit_qt,)).start())
        loop.detach()


def test_loop_closed_with_its_reading_under_way(app: Any) -> None:
    """close() right after a run waits for the cancelled read of the loop's own socket, and no longer."""
    began_s = time.perf_counter()
    for _ in range(10):
        loop = AsyncSlotEventLoop()
        loop.run_until_complete(asyncio.sleep(0.001))
        loop.close()
    assert time.perf_counter() - began_s < CEILING_S


# -- the selector loop --


@pytest.fixture
def selector_loop(app: Any) -> Iterator[AsyncSlotSelectorEventLoop]:
    with AsyncSlotSelectorEventLoop() as loop:
        yield loop


def test_selector_loop_has_readers(selector_loop: AsyncSlotSelectorEventLoop) -> None:
    """add_reader() and add_writer() work, which libraries such as pyzmq need."""
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        received = selector_loop.create_future()
        selector_loop.add_reader(left, lambda: received.set_result(left.recv(10)))
        selector_loop.add_writer(right, lambda: (selector_loop.remove_writer(right), right.send(b"x")))
        assert run(selector_loop, received) == b"x"
        selector_loop.remove_reader(left)


def test_selector_loop_carries_slots_and_dialogs(selector_loop: AsyncSlotSelectorEventLoop) -> None:
    """It is a guest like the other one: attached, with tasks started in slots, and nested Qt loops."""
    selector_loop.attach()
    assert run_coroutine(asyncio.sleep(0.01, "slept")) == "slept"
    assert asyncio.get_running_loop() is selector_loop


def test_selector_loop_takes_the_application_factory_of_the_other(
    selector_loop: AsyncSlotSelectorEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A policy, or a program, sets it once, for all loops."""
    monkeypatch.setattr(AsyncSlotEventLoop, "application_factory", int)
    assert selector_loop._find_application_factory() is int


# -- signals while another loop is made or closed, which takes the wakeup descriptor for a moment --


@pytest.mark.parametrize("cls", [AsyncSlotEventLoop, AsyncSlotSelectorEventLoop])
def test_ctrl_c_while_another_loop_is_made_is_not_lost(app: Any, monkeypatch: pytest.MonkeyPatch, cls: Any) -> None:
    """The running loop hears of it at once, not with the next event."""
    loop = cls()
    others: list[Any] = []
    make_pair = socket.socketpair

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.undo()
        signal.raise_signal(signal.SIGINT)
        return make_pair(*args, **kwargs)

    async def main() -> None:
        monkeypatch.setattr(socket, "socketpair", interrupted)
        others.append(AsyncSlotEventLoop())
        await asyncio.sleep(CEILING_S)

    began_s = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(main())
    assert time.perf_counter() - began_s < CEILING_S / 2
    for each in [*others, loop]:
        each.close()


def test_full_wakeup_socket_is_not_told_after_another_loop_was_closed(
    loop: AsyncSlotEventLoop, capfd: pytest.CaptureFixture[str]
) -> None:
    """A full buffer is full of wake-ups: C code need not say so on standard error."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)

    async def main() -> None:
        AsyncSlotEventLoop().close()
        with contextlib.suppress(BlockingIOError):
            while True:
                loop._csock.send(b"\0" * 65536)
        signal.raise_signal(signal.SIGTERM)

    run(loop, main())
    signal.signal(signal.SIGTERM, before)
    assert capfd.readouterr().err == ""


def test_completions_come_in_order(loop: AsyncSlotEventLoop) -> None:
    """What a child writes in turn to two pipes arrives in turn, but for what the system itself may mix up."""
    rounds = 150
    child = "import os, time\nfor _ in range(150): os.write(1, b'o'); os.write(2, b'e'); time.sleep(0.005)"

    class Protocol(asyncio.SubprocessProtocol):
        def __init__(self) -> None:
            self.written = b""
            self.ended = loop.create_future()

        def pipe_data_received(self, fd: int, data: bytes) -> None:
            self.written += data

        def process_exited(self) -> None:
            self.ended.set_result(None)

    async def main() -> bytes:
        transport, protocol = await loop.subprocess_exec(Protocol, sys.executable, "-c", child, stdin=None)
        await protocol.ended
        await asyncio.sleep(0.1)
        transport.close()
        return protocol.written

    written = run(loop, main())
    assert len(written) == 2 * rounds
    swapped = sum(written[index : index + 2] != b"oe" for index in range(0, len(written), 2))
    assert swapped < rounds / 10


# -- what each of the two lacks --


@pytest.mark.parametrize("method", ["add_reader", "add_writer", "remove_reader", "remove_writer"])
def test_reader_on_default_loop_names_the_loop_that_has_it(loop: AsyncSlotEventLoop, method: str) -> None:
    """It is a NotImplementedError, as on the stock loop, and says which loop to use."""
    arguments = (0, print) if method.startswith("add") else (0,)
    with pytest.raises(NotImplementedError, match=r"loop_factory=AsyncSlotSelectorEventLoop"):
        getattr(loop, method)(*arguments)


def test_subprocess_on_selector_loop_names_the_loop_that_has_it(selector_loop: AsyncSlotSelectorEventLoop) -> None:
    """So are subprocesses and pipes on the selector loop."""

    async def main() -> None:
        with pytest.raises(NotImplementedError, match=r"subprocesses are not available .* use AsyncSlotEventLoop"):
            await asyncio.create_subprocess_exec(sys.executable, "-c", "")
        for connect in (selector_loop.connect_read_pipe, selector_loop.connect_write_pipe):
            with pytest.raises(NotImplementedError, match=r"pipe\(\) is not available .* use AsyncSlotEventLoop"):
                await connect(asyncio.Protocol, sys.stdin)

    run(selector_loop, main())


def test_qprocess_on_selector_loop(selector_loop: AsyncSlotSelectorEventLoop) -> None:
    """Qt's own class for processes needs nothing of asyncio's loop."""

    async def main() -> Any:
        process = QtCore.QProcess()
        async with asyncslot.expect_signal(process.finished, timeout_s=CEILING_S) as received:
            process.start(sys.executable, ["-c", "import sys; sys.exit(3)"])
        return received.arguments[0]

    assert run(selector_loop, main()) == 3


@pytest.mark.parametrize("kind", [AsyncSlotEventLoop, AsyncSlotSelectorEventLoop])
def test_signal_handler_names_signal_signal(app: Any, kind: type[AsyncSlotEventLoop]) -> None:
    """Neither loop has add_signal_handler(); signal.signal() does the same."""
    with kind() as loop:
        with pytest.raises(NotImplementedError, match=r"signal\.signal\(SIGINT, handler\)"):
            loop.add_signal_handler(signal.SIGINT, print)
        with pytest.raises(NotImplementedError, match=r"signal\.signal\(SIGINT, handler\)"):
            loop.remove_signal_handler(signal.SIGINT)


# -- the choice between the two --


def test_choice_of_the_policy_reaches_run_and_slots(app: Any) -> None:
    """With `qt-selector`, `asyncslot.run` and `run_task` have a selector loop; without, the default."""

    async def kind() -> str:
        return type(asyncio.get_running_loop()).__name__

    made = []
    for name in ("qt-selector", "off"):
        asyncslot_policy.install(name)
        task = asyncslot.run_task(kind())
        task.get_loop().shutdown()
        made += [asyncio.run(kind()) if name != "off" else None, asyncslot.run(kind()), task.result()]
    assert made == ["AsyncSlotSelectorEventLoop"] * 3 + [None] + ["AsyncSlotEventLoop"] * 2


@pytest.mark.filterwarnings("ignore:.*policy.* deprecated:DeprecationWarning")
def test_stock_policy_does_not_reach_slots(app: Any) -> None:
    """asyncio's WindowsSelectorEventLoopPolicy, which pyzmq advises, changes nothing for slots and `asyncslot.run`."""

    async def kind() -> str:
        return type(asyncio.get_running_loop()).__name__

    before = asyncio.get_event_loop_policy()
    asyncio.set_event_loop_policy(asyncio.WindowsSelectorEventLoopPolicy())
    try:
        task = asyncslot.run_task(kind())
        task.get_loop().shutdown()
        made = [task.result(), asyncslot.run(kind()), asyncio.run(kind())]
    finally:
        asyncio.set_event_loop_policy(before)
    assert made == ["AsyncSlotEventLoop", "AsyncSlotEventLoop", "_WindowsSelectorEventLoop"]
