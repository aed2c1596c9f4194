"""pymodbus: a server of registers, clients side by side, a refused read, and a device that never answers."""

import asyncio
import logging

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusIOException
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from telling import raised, tell


async def start_server():
    registers = SimData(0, values=0, count=100, datatype=DataType.REGISTERS)
    server = ModbusTcpServer(SimDevice(1, [registers]), address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    return server, server.transport.sockets[0].getsockname()[1]


async def write_and_read(port, number):
    """Let one client write its own ten registers, and read them again."""
    async with AsyncModbusTcpClient("127.0.0.1", port=port) as client:
        await client.write_registers(10 * number, list(range(number, number + 10)))
        response = await client.read_holding_registers(10 * number, count=10)
        return sum(response.registers)


async def refuse(port):
    async with AsyncModbusTcpClient("127.0.0.1", port=port) as client:
        response = await client.read_holding_registers(99, count=10)
        return [response.isError(), response.exception_code]


async def wait_in_vain():
    """Ask a device that takes the request and never answers."""

    async def take(reader, writer):
        taken.append(len(await reader.readexactly(12)))
        await reader.read()  # Until the client hangs up.
        writer.close()
        ended.set()

    taken, ended = [], asyncio.Event()
    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with AsyncModbusTcpClient("127.0.0.1", port=port, timeout=0.2, retries=0) as client:
            taken.append(await raised(ModbusIOException, client.read_holding_registers(0)))
        await ended.wait()
    return taken


async def main():
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # It logs what it answers by an exception, too.
    server, port = await start_server()
    try:
        return {
            "read": await asyncio.gather(*(write_and_read(port, number) for number in range(10))),
            "refused": await refuse(port),
            "waited": await wait_in_vain(),
        }
    finally:
        await server.shutdown()


if __name__ == "__main__":
    asyncio.run(tell(main()))
