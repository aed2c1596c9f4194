"""Step 7: tests of step6.py. They click, and await what the click has started."""

import asyncio

from aiohttp import web
from aiohttp.test_utils import TestServer
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from step6 import Window, find_links

from asyncslot import scope

app = QApplication.instance() or QApplication([])


async def serve(request):
    if request.path == "/":
        return web.Response(text='<a href="/good">1</a> <a href="bad">2</a>', content_type="text/html")
    if request.path == "/good":
        return web.Response(text="good")
    raise web.HTTPNotFound


def make_server():
    site = web.Application()
    site.router.add_get("/{path:.*}", serve)
    return TestServer(site)


def test_find_links_reads_relative_addresses():
    assert find_links("http://a.org/b/", '<a class="x" href="c.html">') == ["http://a.org/b/c.html"]


async def test_click_lists_broken_link():
    async with make_server() as server:
        window = Window()
        window.address.setText(str(server.make_url("/")))
        QTest.mouseClick(window.check, Qt.MouseButton.LeftButton)
        assert not window.check.isEnabled()
        await asyncio.wait(scope(window).tasks)
        assert window.status.text() == "2 links, 1 of them broken"
        assert window.list.item(0).text().startswith("404 Not Found")


async def test_cancel_button_cancels():
    async with make_server() as server:
        window = Window()
        window.address.setText(str(server.make_url("/")))
        QTest.mouseClick(window.check, Qt.MouseButton.LeftButton)
        QTest.mouseClick(window.cancel, Qt.MouseButton.LeftButton)
        await asyncio.wait(scope(window).tasks)
        assert window.status.text() == "Cancelled."
