"""A program that knows nothing of asyncslot, nor of Qt."""

import asyncio


async def main():
    await asyncio.sleep(0.01)
    print(type(asyncio.get_running_loop()).__name__)


if __name__ == "__main__":
    asyncio.run(main())
