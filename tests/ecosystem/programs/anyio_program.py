"""anyio: task groups, cancel scopes, streams, a TCP server, threads and a process."""

import asyncio
import sys

import anyio
from anyio import from_thread, to_thread
from telling import tell


async def serve_and_call():
    async def answer(stream):
        async with stream:
            async for chunk in stream:
                await stream.send(chunk.upper())

    async def call(port, text):
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(text.encode())
            answers.append((await stream.receive()).decode())

    answers = []
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, answer)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        async with anyio.create_task_group() as callers:
            for number in range(20):
                callers.start_soon(call, port, f"caller {number}")
        group.cancel_scope.cancel()
    return sorted(answers) == sorted(f"CALLER {number}" for number in range(20))


async def pass_on():
    """Send a thousand numbers through a stream without a buffer."""

    async def produce():
        async with sender:
            for number in range(1000):
                await sender.send(number)

    sender, receiver = anyio.create_memory_object_stream[int]()
    async with anyio.create_task_group() as group, receiver:
        group.start_soon(produce)
        return sum([number async for number in receiver])


async def cancel_scopes():
    with anyio.move_on_after(0.05) as scope:
        await anyio.sleep_forever()
    try:
        with anyio.fail_after(0.05):
            await anyio.sleep_forever()
    except TimeoutError:
        return scope.cancelled_caught
    return False


async def fail_in_group():
    async def fail():
        await anyio.lowlevel.checkpoint()
        message = "as it should"
        raise ValueError(message)

    cancelled = []

    async def wait():
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            cancelled.append(1)
            raise

    try:
        async with anyio.create_task_group() as group:
            for function in (wait, wait, fail):
                group.start_soon(function)
    except BaseException as error:
        return [len(cancelled), repr(error.exceptions[0])]


async def use_threads():
    async def double(number):
        await anyio.sleep(0.001)
        return 2 * number

    def work(number):
        return from_thread.run(double, number)

    return [await to_thread.run_sync(work, number) for number in range(5)]


async def run_process():
    finished = await anyio.run_process([sys.executable, "-c", "print(input()[::-1])"], input=b"dlrow\n")
    return finished.stdout.decode().strip()


async def main():
    return {
        "served": await serve_and_call(),
        "passed on": await pass_on(),
        "scopes": await cancel_scopes(),
        "group": await fail_in_group(),
        "threads": await use_threads(),
        "process": await run_process(),
    }


if __name__ == "__main__":
    asyncio.run(tell(main()))
