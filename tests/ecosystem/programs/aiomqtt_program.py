"""aiomqtt: a subscriber and publishers of every quality of service, a will, and a wait that is given up."""

import asyncio
import sys

import aiomqtt
from telling import raised, tell


async def publish(port, number):
    async with aiomqtt.Client("127.0.0.1", int(port)) as client:
        for quality in (0, 1, 2):
            await client.publish(f"eco/{number}/{quality}", payload=str(number * quality), qos=quality)


async def receive_many(client, port):
    await client.subscribe("eco/#", qos=2)
    publishers = asyncio.gather(*(publish(port, number) for number in range(10)))
    received = {}
    async for message in client.messages:
        received[str(message.topic)] = int(message.payload)
        if len(received) == 30:
            break
    await publishers
    return sum(received.values())


async def receive_big(client):
    payload = bytes(range(256)) * 4096
    await client.publish("eco/big", payload, qos=1)
    return (await client.messages.__anext__()).payload == payload


async def wait_in_vain(client):
    """Give up a wait; the message that comes afterwards is received."""
    timed_out = await raised(asyncio.TimeoutError, asyncio.wait_for(client.messages.__anext__(), 0.05))
    await client.publish("eco/late", "late")
    return [timed_out, (await client.messages.__anext__()).payload.decode()]


async def hear_will(client, port):
    """The broker publishes the will of a client that it throws out, here for another one with its name."""
    will = aiomqtt.Will("eco/will", "gone", qos=1)
    thrown_out = aiomqtt.Client("127.0.0.1", int(port), identifier="twin", will=will)
    await thrown_out.__aenter__()
    async with aiomqtt.Client("127.0.0.1", int(port), identifier="twin"):
        heard = (await client.messages.__anext__()).payload.decode()
        lost = await raised(aiomqtt.MqttError, thrown_out.messages.__anext__())
    await thrown_out.__aexit__(None, None, None)
    return [heard, lost]


async def main(port):
    async with aiomqtt.Client("127.0.0.1", int(port)) as client:
        return {
            "received": await receive_many(client, port),
            "big": await receive_big(client),
            "waited": await wait_in_vain(client),
            "will": await hear_will(client, port),
        }


if __name__ == "__main__":
    asyncio.run(tell(main(*sys.argv[1:])))
