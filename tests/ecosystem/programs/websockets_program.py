"""websockets: a server and many clients, a broadcast, a cancelled receive, and a connection that is closed."""

import asyncio

from telling import cancel, raised, tell
from websockets.asyncio.client import connect
from websockets.asyncio.server import broadcast, serve
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK


async def answer(connection):
    async for message in connection:
        if message == "fail":
            await connection.close(1011, "as asked for")
            return
        await connection.send(message[::-1])


async def echo(url, number):
    async with connect(url) as client:
        for size in (1, 1000, 100_000):
            await client.send(bytes([number]) + bytes(size))
            assert await client.recv() == bytes(size) + bytes([number])
        return number


async def hear_broadcast(server, url):
    async with connect(url) as first, connect(url) as second:
        broadcast(server.connections, "to all")
        return [await first.recv(), await second.recv()]


async def receive_again(url):
    """Cancel a receive; no message is lost by it."""
    async with connect(url) as client:
        cancelled = await cancel(asyncio.ensure_future(client.recv()))
        timed_out = await raised(asyncio.TimeoutError, asyncio.wait_for(client.recv(), 0.05))
        await client.send("level")
        await (await client.ping())
        return [cancelled, timed_out, await client.recv()]


async def hear_failure(url):
    async with connect(url) as client:
        await client.send("fail")
        return await raised(ConnectionClosedError, client.recv())


async def hear_closing(server, url):
    async with connect(url) as client:
        server.close()
        closed = await raised(ConnectionClosedOK, client.recv())
    await server.wait_closed()
    return closed


async def main():
    async with serve(answer, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return {
            "echoes": sum(await asyncio.gather(*(echo(url, number) for number in range(20)))),
            "broadcast": await hear_broadcast(server, url),
            "again": await receive_again(url),
            "failure": await hear_failure(url),
            "closed": await hear_closing(server, url),
        }


if __name__ == "__main__":
    asyncio.run(tell(main()))
