"""A small website on this computer, to try the tutorial without the internet: python local_site.py [PORT [SECONDS]]"""

import asyncio
import contextlib
import sys

from aiohttp import web

PAGES, MISSING, SLOW = 30, 7, 13
PORT, SECONDS = [int(argument) for argument in sys.argv[1:]] + [8000, 3][len(sys.argv) - 1 :]


async def serve_index(_request):
    links = "".join(f'<li><a href="/pages/{number}.html">Page {number}</a></li>\n' for number in range(1, PAGES + 1))
    return web.Response(text=f"<html><title>A small site</title><ul>\n{links}</ul></html>", content_type="text/html")


async def serve_page(request):
    number = int(request.match_info["number"])
    await asyncio.sleep(SECONDS if number == SLOW else 0.1 + number % 5 / 10)
    if number == MISSING or number > PAGES:
        raise web.HTTPNotFound
    return web.Response(text=f"This is page {number}.")


async def main():
    site = web.Application()
    site.router.add_get("/", serve_index)
    site.router.add_get(r"/pages/{number:\d+}.html", serve_page)
    runner = web.AppRunner(site)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", PORT).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
