"""What a program says to its test: in which loop it ran, and what came of it."""

import asyncio
import json


async def tell(coro):
    """Await a program's main coroutine and print, as one line of JSON, the type of the loop and the result."""
    result = await coro
    print(json.dumps({"loop": type(asyncio.get_running_loop()).__name__, "result": result}), flush=True)


async def raised(error, awaitable):
    """Tell whether awaiting raises this error; any other error is raised."""
    try:
        await awaitable
    except error:
        return True
    return False


async def cancel(task):
    """Cancel a task that has run up to its first wait at least, and wait for its end; tell whether it was cancelled."""
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    return task.cancelled()
