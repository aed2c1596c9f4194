"""aiohttp: requests, a streamed body, a WebSocket, a timeout, and a server that notices who hangs up."""

import asyncio

import aiohttp
from aiohttp import web
from telling import cancel, raised, tell

CHUNK = bytes(range(256)) * 256


class Handlers:
    def __init__(self):
        self.stalled = asyncio.Event()
        self.hung_up = asyncio.Event()

    async def double(self, request):
        return web.json_response(2 * await request.json())

    async def count(self, request):
        return web.json_response(sum([len(chunk) async for chunk in request.content.iter_any()]))

    async def stall(self, request):
        self.stalled.set()
        try:
            await asyncio.Event().wait()
        finally:  # The client has hung up.
            self.hung_up.set()

    async def talk(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data.upper())
        return socket


def make_application(handlers):
    application = web.Application()
    application.router.add_post("/double", handlers.double)
    application.router.add_post("/count", handlers.count)
    application.router.add_get("/stall", handlers.stall)
    application.router.add_get("/talk", handlers.talk)
    return application


async def double(session, number):
    async with session.post("/double", json=number) as response:
        return await response.json()


async def upload(session):
    async def chunks():
        for _ in range(64):
            yield CHUNK

    async with session.post("/count", data=chunks()) as response:
        return await response.json()


async def talk(session):
    async with session.ws_connect("/talk") as socket:
        for word in ("one", "two", "three"):
            await socket.send_str(word)
        return [await socket.receive_str() for _ in range(3)]


async def hang_up(session, handlers):
    """Give up two requests that are never answered, by a cancellation and by a timeout."""
    task = asyncio.ensure_future(session.get("/stall"))
    await handlers.stalled.wait()
    cancelled = await cancel(task)
    await handlers.hung_up.wait()
    return cancelled, await raised(asyncio.TimeoutError, session.get("/stall", timeout=aiohttp.ClientTimeout(0.2)))


async def main():
    handlers = Handlers()
    runner = web.AppRunner(make_application(handlers), handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
            doubled, uploaded, said = await asyncio.gather(
                asyncio.gather(*(double(session, number) for number in range(50))), upload(session), talk(session)
            )
            cancelled, timed_out = await hang_up(session, handlers)
    finally:
        await runner.cleanup()
    assert doubled == [2 * number for number in range(50)]
    return {"uploaded": uploaded, "said": said, "timed out": timed_out, "cancelled": cancelled}


if __name__ == "__main__":
    asyncio.run(tell(main()))
