"""FastAPI, served by uvicorn inside the application: requests, a stream, a WebSocket, threads, start and end."""

import asyncio
import contextlib
import socket
import threading

import httpx
import uvicorn
from fastapi import BackgroundTasks, FastAPI, HTTPException, WebSocket
from fastapi.responses import StreamingResponse
from telling import tell
from websockets.asyncio.client import connect

# What happened, in this order.
HAPPENED = []


@contextlib.asynccontextmanager
async def lifespan(application):
    HAPPENED.append("started")
    yield
    HAPPENED.append("ended")


application = FastAPI(lifespan=lifespan)


@application.get("/double/{number}")
async def double(number: int, background: BackgroundTasks):
    if number == 13:
        raise HTTPException(418)
    background.add_task(HAPPENED.append, number)
    await asyncio.sleep(0)
    return {"double": 2 * number}


@application.get("/thread")
def tell_thread():
    """Run on a thread, as all that is not a coroutine does there."""
    return threading.current_thread() is threading.main_thread()


@application.get("/stream")
async def stream():
    async def lines():
        for number in range(100):
            await asyncio.sleep(0)
            yield f"{number}\n"

    return StreamingResponse(lines())


@application.websocket("/talk")
async def talk(socket: WebSocket):
    await socket.accept()
    await socket.send_text((await socket.receive_text()).upper())
    await socket.close()


async def use(address):
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=60) as client:
        responses = await asyncio.gather(*(client.get(f"/double/{number}") for number in range(13)))
        async with client.stream("GET", "/stream") as response:
            streamed = sum([int(line) async for line in response.aiter_lines()])
        async with connect(f"ws://{address}/talk", proxy=None) as words:
            await words.send("hello")
            said = await words.recv()
        return {
            "doubled": sum(response.json()["double"] for response in responses),
            "statuses": [(await client.get(path)).status_code for path in ("/double/13", "/double/x", "/nowhere")],
            "on main thread": (await client.get("/thread")).json(),
            "streamed": streamed,
            "said": said,
        }


async def main():
    """Let uvicorn serve on a socket of ours, which takes connections before it does."""
    server = uvicorn.Server(uvicorn.Config(application, log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.ensure_future(server.serve([listener]))
        try:
            found = await use(f"127.0.0.1:{listener.getsockname()[1]}")
        finally:
            server.should_exit = True
            await serving
    assert sorted(HAPPENED[1:-1]) == list(range(13))
    return {**found, "happened": [HAPPENED[0], HAPPENED[-1]]}


if __name__ == "__main__":
    asyncio.run(tell(main()))
