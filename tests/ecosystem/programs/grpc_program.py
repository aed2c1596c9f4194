"""grpc.aio: calls of all four kinds, a deadline, a cancellation, and an error of the server's."""

import asyncio

import grpc
from telling import cancel, tell


class Handlers(grpc.GenericRpcHandler):
    """The methods of one service; messages are bytes."""

    def __init__(self):
        self.stalled = asyncio.Event()
        self.given_up = asyncio.Event()
        self.methods = {
            "/eco/Upper": grpc.unary_unary_rpc_method_handler(self.upper),
            "/eco/Split": grpc.unary_stream_rpc_method_handler(self.split),
            "/eco/Join": grpc.stream_unary_rpc_method_handler(self.join),
            "/eco/Echo": grpc.stream_stream_rpc_method_handler(self.echo),
            "/eco/Stall": grpc.unary_unary_rpc_method_handler(self.stall),
            "/eco/Refuse": grpc.unary_unary_rpc_method_handler(self.refuse),
        }

    def service(self, details):
        return self.methods.get(details.method)

    async def upper(self, request, context):
        return request.upper()

    async def split(self, request, context):
        for word in request.split():
            yield word

    async def join(self, requests, context):
        return b" ".join([request async for request in requests])

    async def echo(self, requests, context):
        async for request in requests:
            yield request[::-1]

    async def stall(self, request, context):
        self.stalled.set()
        try:
            await asyncio.Event().wait()
        finally:  # The client has given up.
            self.given_up.set()

    async def refuse(self, request, context):
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, "not for you")


async def words():
    for word in (b"a", b"bc", b"def"):
        yield word


async def call_all_kinds(channel):
    uppers = await asyncio.gather(*(channel.unary_unary("/eco/Upper")(b"call %d" % number) for number in range(50)))
    assert uppers == [b"CALL %d" % number for number in range(50)]
    return {
        "split": [word.decode() async for word in channel.unary_stream("/eco/Split")(b"x y z")],
        "joined": (await channel.stream_unary("/eco/Join")(words())).decode(),
        "echoed": [word.decode() async for word in channel.stream_stream("/eco/Echo")(words())],
    }


async def fail(channel, handlers):
    call = channel.unary_unary("/eco/Stall")
    task = asyncio.ensure_future(status(call(b"")))
    await handlers.stalled.wait()
    cancelled = await cancel(task)
    await handlers.given_up.wait()
    timed_out = await status(call(b"", timeout=0.2))
    return [cancelled, timed_out, await status(channel.unary_unary("/eco/Refuse")(b""))]


async def status(call):
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code().name


async def main():
    handlers = Handlers()
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([handlers])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            return {**await call_all_kinds(channel), "failures": await fail(channel, handlers)}
    finally:
        await server.stop(None)


if __name__ == "__main__":
    asyncio.run(tell(main()))
