"""psycopg: asynchronous connections, a pipeline, COPY, notifications, and a query that is cancelled."""

import asyncio
import sys

import psycopg
from telling import cancel, raised, tell

# How many queries sleep in the server now.
SLEEPERS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


async def ask(url, number):
    async with await psycopg.AsyncConnection.connect(url) as connection:
        cursor = await connection.execute("SELECT pg_sleep(0.01), %s::int * 2", [number])
        return (await cursor.fetchone())[1]


async def copy(connection):
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.execute("CREATE TEMP TABLE numbers (number int, text text)")
        async with cursor.copy("COPY numbers FROM STDIN") as rows:
            for number in range(5000):
                await rows.write_row((number, "x" * 100))
        return sum([number async for (number,) in cursor.stream("SELECT number FROM numbers")])


async def pipeline(connection):
    async with connection.pipeline():
        cursors = [await connection.execute("SELECT %s::int", [number]) for number in range(100)]
    return sum([(await cursor.fetchone())[0] for cursor in cursors])


async def roll_back(connection):
    await connection.execute("CREATE TEMP TABLE kept (number int UNIQUE)")
    await connection.execute("INSERT INTO kept VALUES (1)")

    async def insert_twice():
        async with connection.transaction(), connection.cursor() as cursor:
            await cursor.executemany("INSERT INTO kept VALUES (%s)", [(2,), (1,)])

    refused = await raised(psycopg.errors.UniqueViolation, insert_twice())
    return [refused, (await (await connection.execute("SELECT count(*) FROM kept")).fetchone())[0]]


async def listen(connection, url):
    await connection.execute("LISTEN psycopg_news")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
        for text in ("one", "two"):
            await other.execute("SELECT pg_notify('psycopg_news', %s)", [text])
    return [notification.payload async for notification in connection.notifies(stop_after=2)]


async def give_up(connection, url):
    """Give up two queries; the server ends them, and the connection is good for another one."""
    task = asyncio.ensure_future(connection.execute("SELECT pg_sleep(600)"))
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
        while await (await other.execute(SLEEPERS)).fetchone() == (0,):
            pass  # The server would ignore a cancellation that comes too early.
    cancelled = await cancel(task)
    await connection.execute("SET statement_timeout = 50")
    timed_out = await raised(psycopg.errors.QueryCanceled, connection.execute("SELECT pg_sleep(600)"))
    return [cancelled, timed_out, (await (await connection.execute("SELECT 7")).fetchone())[0]]


async def main(url):
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        return {
            "asked": sum(await asyncio.gather(*(ask(url, number) for number in range(10)))),
            "copied": await copy(connection),
            "pipeline": await pipeline(connection),
            "rolled back": await roll_back(connection),
            "heard": await listen(connection, url),
            "given up": await give_up(connection, url),
        }


if __name__ == "__main__":
    asyncio.run(tell(main(*sys.argv[1:])))
