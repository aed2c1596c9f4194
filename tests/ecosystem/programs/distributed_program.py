"""dask.distributed: a local cluster of processes: many jobs, jobs that build on others, a failure, a cancellation."""

import asyncio
import logging
import os
import time

from distributed import Client, Event, LocalCluster, as_completed
from telling import raised, tell


def square(number):
    return number**2


def tell_process(_):
    time.sleep(0.01)
    return os.getpid()


def fail(number):
    return 1 / number


def stall(name):
    """Say that it runs, and wait until it may end."""
    Event(name).set()
    Event("may end").wait()


async def map_and_sum(client):
    squares = client.map(square, range(100))
    in_order_of_end = [await future async for future in as_completed(squares)]
    return [await client.submit(sum, squares), sum(in_order_of_end)]


async def give_up(client):
    """Cancel a job that runs; when it has ended, its worker takes another."""
    future = client.submit(stall, "stalled")
    await Event("stalled", client=client).wait()
    await client.cancel([future])
    cancelled = future.cancelled()
    await Event("may end", client=client).set()
    return [cancelled, await client.submit(square, 7)]


async def use(client):
    processes = await client.gather(client.map(tell_process, range(50), pure=False))
    return {
        "summed": await map_and_sum(client),
        "elsewhere": os.getpid() not in processes,
        "processes": len(set(processes)),
        "failed": await raised(ZeroDivisionError, client.submit(fail, 0)),
        "given up": await give_up(client),
    }


async def main():
    async with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        asynchronous=True,
        dashboard_address="127.0.0.1:0",  # Any free port.
        silence_logs=logging.CRITICAL,  # It logs the job that fails.
    ) as cluster, Client(cluster, asynchronous=True) as client:
        return await use(client)


if __name__ == "__main__":
    asyncio.run(tell(main()))
