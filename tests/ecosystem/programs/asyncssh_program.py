"""asyncssh: a server and a client in one loop: commands, SFTP, a forwarded port, and a command that is given up."""

import asyncio
import tempfile
from pathlib import Path

import asyncssh
from telling import cancel, raised, tell

DATA = bytes(range(256)) * 2048


def prepare(directory):
    """Make a file to send, and the folder that the server gives access to."""
    (directory / "here").write_bytes(DATA)
    (directory / "root").mkdir()
    return directory / "root"


class Server(asyncssh.SSHServer):
    def begin_auth(self, username):
        return True

    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        return (username, password) == ("eco", "secret")

    def connection_requested(self, dest_host, dest_port, orig_host, orig_port):
        return True


async def handle(process):
    """Run the command of a client: one turns its input to capitals, the other never ends."""
    if process.command == "stall":
        process.stdout.write("stalled\n")
        await process.stdin.read()
        return
    async for line in process.stdin:
        process.stdout.write(line.upper())
    process.stderr.write("done")
    process.exit(3)


async def shout(connection, text):
    finished = await connection.run("shout", input=text)
    assert (finished.exit_status, finished.stderr) == (3, "done")
    return finished.stdout


async def give_up(connection):
    process = await connection.create_process("stall")
    assert await process.stdout.readline() == "stalled\n"
    timed_out = await raised(asyncssh.TimeoutError, process.wait(timeout=0.1))
    other = await connection.create_process("stall")
    return [timed_out, await cancel(asyncio.ensure_future(other.wait())), await shout(connection, "again")]


async def transfer(connection, directory):
    async with connection.start_sftp_client() as client:
        await client.put(str(Path(directory, "here")), "/there")
        async with client.open("/there", "rb") as file:
            return [await file.read() == DATA, sorted(set(await client.listdir("/")) - {".", ".."})]


async def forward(connection):
    async def answer(reader, writer):
        writer.write((await reader.readline())[::-1])
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with await connection.forward_local_port("127.0.0.1", 0, "127.0.0.1", port) as listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.get_port())
            writer.write(b"drawer\n")
            answered = (await reader.read()).strip().decode()
            writer.close()
            await writer.wait_closed()
    return answered


def connect(port, password):
    return asyncssh.connect(
        "127.0.0.1", port, username="eco", password=password, known_hosts=None, config=None, client_keys=None
    )


async def use(port, directory):
    refused = await raised(asyncssh.PermissionDenied, connect(port, "wrong"))
    async with connect(port, "secret") as connection:
        shouted = await asyncio.gather(*(shout(connection, f"word {number}") for number in range(5)))
        return {
            "refused": refused,
            "shouted": shouted,
            "given up": await give_up(connection),
            "transferred": await transfer(connection, directory),
            "forwarded": await forward(connection),
        }


async def main():
    with tempfile.TemporaryDirectory() as directory:
        root = prepare(Path(directory))
        server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=Server,
            server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            process_factory=handle,
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(root).encode()),
        )
        async with server:
            return await use(server.get_port(), directory)


if __name__ == "__main__":
    asyncio.run(tell(main()))
