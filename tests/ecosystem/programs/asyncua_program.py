"""asyncua: an OPC UA server and a client in one loop: values, a method, a subscription, many reads at once."""

import asyncio
import logging
import socket

from asyncua import Client, Server, ua, uamethod
from telling import raised, tell

URI = "https://eco.example"


@uamethod
async def add(parent, first, second):
    await asyncio.sleep(0)
    return first + second


class Changes:
    """Where a subscription says what has changed."""

    def __init__(self):
        self.values = asyncio.Queue()

    def datachange_notification(self, node, value, data):
        self.values.put_nowait(value)


def find_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def make_server(url):
    server = Server()
    await server.init()
    server.set_endpoint(url)
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    index = await server.register_namespace(URI)
    machine = await server.nodes.objects.add_object(index, "machine")
    await (await machine.add_variable(index, "speed", 1)).set_writable()
    await machine.add_variable(index, "serial", "A1")
    await machine.add_method(index, "add", add, [ua.VariantType.Int64] * 2, [ua.VariantType.Int64])
    return server


async def subscribe(client, node):
    changes = Changes()
    subscription = await client.create_subscription(10, changes)
    await subscription.subscribe_data_change(node)
    seen = [await changes.values.get()]
    for value in (10, 20):
        await node.write_value(value)
        seen.append(await changes.values.get())
    await subscription.delete()
    return seen


async def use(url):
    async with Client(url) as client:
        index = await client.get_namespace_index(URI)
        machine = await client.nodes.objects.get_child(f"{index}:machine")
        speed, serial = [await machine.get_child(f"{index}:{name}") for name in ("speed", "serial")]
        return {
            "changes": await subscribe(client, speed),
            "read": sum(await asyncio.gather(*(speed.read_value() for _ in range(50)))),
            "refused": await raised(ua.UaStatusCodeError, serial.write_value("A2")),
            "added": await machine.call_method(f"{index}:add", 3, 4),
        }


async def main():
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)  # It warns of each write that it refuses.
    url = f"opc.tcp://127.0.0.1:{find_port()}"
    async with await make_server(url):
        return await use(url)


if __name__ == "__main__":
    asyncio.run(tell(main()))
