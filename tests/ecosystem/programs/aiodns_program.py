"""aiodns: many questions at once to a name server in the same loop, an unknown name, and a question given up."""

import asyncio
import struct

import aiodns
from telling import cancel, raised, tell


class NameServer(asyncio.DatagramProtocol):
    """Answers for each name in eco.example with 10.0.0.x, where x is the name's first part; not for stall.example."""

    def __init__(self):
        self.stalled = asyncio.Event()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        end = data.index(b"\0", 12) + 5
        name = data[12 : end - 5]
        if b"stall" in name:
            self.stalled.set()
        elif b"eco" in name:
            number = name[1 : 1 + name[0]]
            answer = b"\xc0\x0c" + struct.pack("!HHIH4B", 1, 1, 60, 4, 10, 0, 0, int(number))
            self.answer(data[:2], 0x8180, data[12:end], answer, address)
        else:
            self.answer(data[:2], 0x8183, data[12:end], b"", address)  # There is no such name.

    def answer(self, number, flags, question, answer, address):
        counts = struct.pack("!HHHHH", flags, 1, bool(answer), 0, 0)
        self.transport.sendto(number + counts + question + answer, address)


async def ask(resolver, number):
    found = await resolver.query_dns(f"{number}.eco.example", "A")
    return [record.data.addr for record in found.answer] == [f"10.0.0.{number}"]


async def use(resolver, server):
    answered = await asyncio.gather(*(ask(resolver, number) for number in range(1, 51)))
    unknown = await raised(aiodns.error.DNSError, resolver.query_dns("nobody.example", "A"))
    task = asyncio.ensure_future(give_up(resolver))
    await server.stalled.wait()
    return {"answered": answered.count(True), "unknown": unknown, "cancelled": await cancel(task)}


async def give_up(resolver):
    await resolver.query_dns("stall.example", "A")


async def main():
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, ("127.0.0.1", 0))
    address = f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    try:
        async with aiodns.DNSResolver(nameservers=[address], timeout=30, tries=1) as resolver:
            return await use(resolver, server)
    finally:
        transport.close()


if __name__ == "__main__":
    asyncio.run(tell(main()))
