"""httpx: many requests at once to a server on a thread, a streamed body, a timeout, a cancellation."""

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from telling import cancel, raised, tell

BODY = b"0123456789abcdef" * 65536


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # How often a request came that is not answered before the event is set.
    stalled = threading.Semaphore(0)
    may_answer = threading.Event()

    def do_GET(self):
        if self.path == "/stall":
            self.stalled.release()
            self.may_answer.wait()
        self.answer(BODY if self.path == "/big" else self.path.encode())

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"]))[::-1])

    def answer(self, body):
        try:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # The client has hung up.
            self.close_connection = True

    def log_message(self, *arguments):
        pass


async def get_many(client):
    responses = await asyncio.gather(*(client.get(f"/{number}") for number in range(30)))
    return [response.text for response in responses] == [f"/{number}" for number in range(30)]


async def stream(client):
    received = bytearray()
    async with client.stream("GET", "/big") as response:
        async for chunk in response.aiter_bytes():
            received += chunk
    return received == BODY


async def give_up(client):
    loop = asyncio.get_running_loop()
    timed_out = await raised(httpx.ReadTimeout, client.get("/stall", timeout=httpx.Timeout(60, read=0.2)))
    await loop.run_in_executor(None, Handler.stalled.acquire)
    task = asyncio.ensure_future(client.get("/stall"))
    await loop.run_in_executor(None, Handler.stalled.acquire)
    return timed_out, await cancel(task)


async def use(url):
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        many, streamed = await asyncio.gather(get_many(client), stream(client))
        timed_out, cancelled = await give_up(client)
        reversed_text = (await client.post("/", content=b"stressed")).text
    return {"many": many, "streamed": streamed, "timed out": timed_out, "cancelled": cancelled, "last": reversed_text}


async def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        return await use(f"http://127.0.0.1:{server.server_port}")
    finally:
        Handler.may_answer.set()
        await asyncio.get_running_loop().run_in_executor(None, server.shutdown)
        thread.join()
        server.server_close()


if __name__ == "__main__":
    asyncio.run(tell(main()))
