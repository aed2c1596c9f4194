"""pyzmq: sockets of the kinds that answer, publish and route, with a poll that times out and a cancelled receive."""

import asyncio

import zmq
import zmq.asyncio
from telling import cancel, tell


def bind(context, kind):
    socket = context.socket(kind)
    return socket, f"tcp://127.0.0.1:{socket.bind_to_random_port('tcp://127.0.0.1')}"


def connect(context, kind, url):
    socket = context.socket(kind)
    socket.connect(url)
    return socket


async def request(context):
    """Let a client send many requests, one after the other."""
    server, url = bind(context, zmq.REP)
    client = connect(context, zmq.REQ, url)

    async def serve():
        while True:
            await server.send_json(2 * await server.recv_json())

    task = asyncio.ensure_future(serve())
    total = 0
    for number in range(300):
        await client.send_json(number)
        total += await client.recv_json()
    assert await cancel(task)
    return total


async def publish(context):
    publisher, url = bind(context, zmq.XPUB)  # It hears of each subscription, so that no message comes too early.
    subscriber = connect(context, zmq.SUB, url)
    subscriber.subscribe(b"even")
    await publisher.recv()
    for number in range(100):
        await publisher.send_multipart([b"odd" if number % 2 else b"even", str(number).encode()])
    return [int((await subscriber.recv_multipart())[1]) for _ in range(50)] == list(range(0, 100, 2))


async def route(context):
    """Let ten dealers send a hundred messages each through one router, all at once."""
    router, url = bind(context, zmq.ROUTER)
    dealers = [connect(context, zmq.DEALER, url) for _ in range(10)]

    async def serve():
        while True:
            await router.send_multipart(await router.recv_multipart())

    async def deal(dealer):
        for number in range(100):
            await dealer.send(str(number).encode())
        return [int(await dealer.recv()) for _ in range(100)] == list(range(100))

    task = asyncio.ensure_future(serve())
    answered = await asyncio.gather(*map(deal, dealers))
    assert await cancel(task)
    return answered.count(True)


async def wait_in_vain(context):
    """Poll and receive where nothing comes; the message that comes afterwards is received."""
    puller, url = bind(context, zmq.PULL)
    polled = await puller.poll(50)
    cancelled = await cancel(asyncio.ensure_future(puller.recv()))
    await connect(context, zmq.PUSH, url).send(b"late")
    return [polled, cancelled, (await puller.recv()).decode()]


async def main():
    context = zmq.asyncio.Context()
    try:
        return {
            "requests": await request(context),
            "published": await publish(context),
            "routed": await route(context),
            "waited": await wait_in_vain(context),
        }
    finally:
        context.destroy(linger=0)


if __name__ == "__main__":
    asyncio.run(tell(main()))
