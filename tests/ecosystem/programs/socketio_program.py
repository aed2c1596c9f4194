"""python-socketio: a server in aiohttp's, clients with acknowledged events and rooms, refused and lost connections."""

import asyncio

import socketio
from aiohttp import web
from telling import raised, tell

# A connection begins with requests, and goes on as a WebSocket.
UPGRADED = ["polling", "websocket"]


def make_server():
    server = socketio.AsyncServer(async_mode="aiohttp")
    server.gone = asyncio.Queue()

    @server.event
    async def connect(session, environment, auth):
        return auth != "wrong"  # False refuses the connection.

    @server.event
    async def double(session, number):
        await asyncio.sleep(0)
        return 2 * number

    @server.event
    async def join(session, room):
        await server.enter_room(session, room)
        return True

    @server.event
    async def say(session, room, text):
        await server.emit("said", text.upper(), room=room)

    @server.event
    async def disconnect(session, reason):
        server.gone.put_nowait(session)

    return server


class Member:
    """A client that notes what it is told."""

    def __init__(self):
        self.client = socketio.AsyncClient(reconnection=False)
        self.heard = asyncio.Queue()
        self.client.on("said", self.heard.put)
        self.left = asyncio.Event()
        self.client.on("disconnect", self.on_disconnect)

    async def on_disconnect(self, reason):
        self.left.set()

    async def join(self, url, transport, room):
        await self.client.connect(url, transports=transport)
        return await self.client.call("join", room)


async def talk(members):
    """Let two members of a room hear each other, and the third not."""
    for member, text in zip(members, ("one", "two", "three")):
        await member.client.emit("say", ("far" if text == "three" else "near", text))
    return [sorted([await member.heard.get(), await member.heard.get()]) for member in members[:2]] + [
        [await members[2].heard.get()]
    ]


async def end(server, members):
    """End one connection on the client's side, and the others on the server's."""
    sessions = [member.client.get_sid() for member in members]
    await members[0].client.disconnect()
    for member, session in zip(members[1:], sessions[1:]):
        await server.disconnect(session)
        await member.left.wait()
    return sorted([await server.gone.get() for _ in members]) == sorted(sessions)


async def use(server, url):
    refused = await raised(socketio.exceptions.ConnectionError, Member().client.connect(url, auth="wrong"))
    members = [Member() for _ in range(3)]
    for member, transport, room in zip(members, (["websocket"], UPGRADED, UPGRADED), ("near", "near", "far")):
        await member.join(url, transport, room)
    doubled = await asyncio.gather(*(members[number % 3].client.call("double", number) for number in range(30)))
    return {
        "refused": refused,
        "doubled": sum(doubled),
        "said": await talk(members),
        "ended": await end(server, members),
    }


async def main():
    server = make_server()
    application = web.Application()
    server.attach(application)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        return await use(server, f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await server.shutdown()
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(tell(main()))
