"""aiosqlite: two connections to one file, each with its thread, a roll-back, and a query that is interrupted."""

import asyncio
import sqlite3
import tempfile
from pathlib import Path

import aiosqlite
from telling import raised, tell

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


async def write(connection):
    await connection.execute("CREATE TABLE numbers (number INTEGER UNIQUE)")
    await connection.executemany("INSERT INTO numbers VALUES (?)", [(number,) for number in range(1000)])
    await asyncio.gather(*(connection.execute("INSERT INTO numbers VALUES (?)", (-number,)) for number in range(1, 51)))
    await connection.commit()


async def read(connection):
    async with connection.execute("SELECT number FROM numbers") as cursor:
        return sum([number async for (number,) in cursor])


async def roll_back(connection):
    await connection.execute("DELETE FROM numbers WHERE number < 0")
    refused = await raised(sqlite3.IntegrityError, connection.execute("INSERT INTO numbers VALUES (1)"))
    await connection.rollback()
    return refused


async def interrupt(connection):
    """Interrupt a query that would never end, once it runs."""
    loop, running = asyncio.get_running_loop(), asyncio.Event()
    await connection.set_progress_handler(lambda: loop.call_soon_threadsafe(running.set) and None, 1000)
    task = asyncio.ensure_future(connection.execute_fetchall(ENDLESS))
    await running.wait()
    await connection.interrupt()
    return await raised(sqlite3.OperationalError, task)


async def main():
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "numbers.db")
        async with aiosqlite.connect(path) as first, aiosqlite.connect(path) as second:
            await write(first)
            return {
                "read": await asyncio.gather(read(first), read(second)),
                "refused": await roll_back(first),
                "kept": await read(first),
                "interrupted": await interrupt(second),
            }


if __name__ == "__main__":
    asyncio.run(tell(main()))
