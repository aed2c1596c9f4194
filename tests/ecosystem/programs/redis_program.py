"""redis.asyncio: clients side by side, a pipeline, published messages, a lock, and waits that are given up."""

import asyncio
import sys

from redis.asyncio import BlockingConnectionPool, Redis
from telling import cancel, raised, tell


async def count(client):
    """Count to two hundred in two hundred tasks that share the connections."""
    await asyncio.gather(*(client.incr("counter") for _ in range(200)))
    return int(await client.get("counter"))


async def pipeline(client):
    async with client.pipeline(transaction=True) as commands:
        for number in range(100):
            commands.rpush("numbers", number)
        lengths = await commands.execute()
    return [lengths[-1], sum(map(int, await client.lrange("numbers", 0, -1)))]


async def publish(client):
    async with client.pubsub() as subscription:
        await subscription.psubscribe("news.*")
        messages = subscription.listen()
        assert (await messages.__anext__())["type"] == "psubscribe"
        for name in ("a", "b"):
            await client.publish(f"news.{name}", name * 3)
        return [(await messages.__anext__())["data"].decode() for _ in range(2)]


async def take_turns(client):
    """Change a value in ten tasks that would lose changes without the lock."""

    async def change():
        async with client.lock("lock", sleep=0.001):
            value = int(await client.get("value") or 0)
            await client.set("value", value + 1)

    await asyncio.gather(*(change() for _ in range(10)))
    return int(await client.get("value"))


async def wait_in_vain(client):
    """Give up two waits, and then wait for a value that comes."""
    cancelled = await cancel(asyncio.ensure_future(client.blpop("empty")))
    timed_out = await raised(asyncio.TimeoutError, asyncio.wait_for(client.blpop("empty"), 0.2))
    task = asyncio.ensure_future(client.blpop("other"))
    await client.rpush("other", "late")
    return [cancelled, timed_out, (await task)[1].decode()]


async def main(url):
    pool = BlockingConnectionPool.from_url(url, max_connections=10, socket_timeout=None)
    async with Redis.from_pool(pool) as client:
        await client.flushall()
        return {
            "counted": await count(client),
            "pipeline": await pipeline(client),
            "published": await publish(client),
            "turns": await take_turns(client),
            "waited": await wait_in_vain(client),
        }


if __name__ == "__main__":
    asyncio.run(tell(main(*sys.argv[1:])))
