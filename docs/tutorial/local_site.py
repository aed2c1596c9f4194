"""A small website on this computer, to try the tutorial without the internet: python local_site.py [PORT [SECONDS]]"""

import asyncio
import sys

from aiohttp import web

# Page 7 does not exist; page 13 takes some seconds.
PAGES = 30
PORT, SECONDS = [int(argument) for argument in sys.argv[1:]] + [8000, 3][len(sys.argv) - 1 :]


async def serve_index(request):
    links = "".join(f'<li><a href="/pages/{number}.html">Page {number}</a></li>\n' for number in range(1, PAGES + 1))
    return web.Response(text=f"<html><title>A small site</title><ul>\n{links}</ul></html>", content_type="text/html")


async def serve_page(request):
    number = int(request.match_info["number"])
    await asyncio.sleep(SECONDS if number == 13 else 0.1 + number % 5 / 10)
    if number == 7 or number > PAGES:
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
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
