"""What tests written for pytest-asyncio use of a loop: run in a session of its own."""

import asyncio
import sys

import pytest
import pytest_asyncio


@pytest_asyncio.fixture
async def server():
    async def answer(reader, writer):
        writer.write((await reader.readline()).upper())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def module_loop():
    yield asyncio.get_running_loop()


@pytest.mark.asyncio
async def test_loop():
    assert type(asyncio.get_running_loop()).__name__ == "AsyncSlotEventLoop"


@pytest.mark.asyncio
@pytest.mark.parametrize("word", ["one", "two"])
async def test_server(server, word):
    reader, writer = await asyncio.open_connection("127.0.0.1", server)
    writer.write(f"{word}\n".encode())
    assert await reader.read() == f"{word.upper()}\n".encode()
    writer.close()
    await writer.wait_closed()


@pytest.mark.asyncio
async def test_process():
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "raise SystemExit(3)")
    assert await process.wait() == 3


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("number", [1, 2])
async def test_module_loop(module_loop, number):
    await asyncio.sleep(0.001)
    assert asyncio.get_running_loop() is module_loop


# It is to fail: so that a test that cannot fail is noticed, and a timeout of asyncio's is seen to arrive.
@pytest.mark.asyncio
@pytest.mark.xfail(strict=True, raises=asyncio.TimeoutError)
async def test_timeout():
    await asyncio.wait_for(asyncio.Event().wait(), 0.01)
