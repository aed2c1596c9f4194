"""asyncpg: a pool that many tasks share, transactions, COPY, notifications, a timeout and a cancellation."""

import asyncio
import sys

import asyncpg
from telling import cancel, raised, tell

# How many queries sleep in the server now.
SLEEPERS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


async def share(pool):
    """Let twenty tasks share three connections."""

    async def ask(number):
        async with pool.acquire() as connection:
            return await connection.fetchval("SELECT pg_sleep(0.01)::text || $1::int * 2", number)

    return sum(map(int, await asyncio.gather(*map(ask, range(20)))))


async def copy(pool):
    """Write rows by COPY, and read them again by a cursor."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("CREATE TEMP TABLE numbers (number int, text text)")
        await connection.copy_records_to_table("numbers", records=[(number, "x" * 100) for number in range(5000)])
        return sum([row["number"] async for row in connection.cursor("SELECT * FROM numbers")])


async def roll_back(pool):
    await pool.execute("CREATE TABLE asyncpg_kept (number int UNIQUE)")
    await pool.execute("INSERT INTO asyncpg_kept VALUES (1)")

    async def insert_twice():
        async with pool.acquire() as connection, connection.transaction():
            await connection.executemany("INSERT INTO asyncpg_kept VALUES ($1)", [(2,), (1,)])

    refused = await raised(asyncpg.UniqueViolationError, insert_twice())
    kept = await pool.fetchval("SELECT count(*) FROM asyncpg_kept")
    await pool.execute("DROP TABLE asyncpg_kept")
    return [refused, kept]


async def listen(pool):
    def hear(connection, process, channel, text):
        heard.put_nowait(text)

    heard = asyncio.Queue()
    async with pool.acquire() as connection:
        await connection.add_listener("asyncpg_news", hear)
        for text in ("one", "two"):
            await pool.execute("SELECT pg_notify('asyncpg_news', $1)", text)
        found = [await heard.get(), await heard.get()]
        await connection.remove_listener("asyncpg_news", hear)
    return found


async def give_up(pool):
    """Give up two queries; the server ends them, and the connections are good for another one."""
    timed_out = await raised(asyncio.TimeoutError, pool.execute("SELECT pg_sleep(600)", timeout=1))
    async with pool.acquire() as connection:
        task = asyncio.ensure_future(connection.execute("SELECT pg_sleep(600)"))
        while not await pool.fetchval(SLEEPERS):  # The server would ignore a cancellation that comes too early.
            pass
        cancelled = await cancel(task)
        return [timed_out, cancelled, await connection.fetchval("SELECT 7")]


async def main(url):
    async with asyncpg.create_pool(url, min_size=3, max_size=3) as pool:
        return {
            "shared": await share(pool),
            "copied": await copy(pool),
            "rolled back": await roll_back(pool),
            "heard": await listen(pool),
            "given up": await give_up(pool),
        }


if __name__ == "__main__":
    asyncio.run(tell(main(*sys.argv[1:])))
