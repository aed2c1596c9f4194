"""A plain test that uses a slot, and then one that is a coroutine: run in a session of its own."""

import asyncio

import pytest

from asyncslot import AsyncSlot


def test_slot(qtbot):
    ended = []

    @AsyncSlot()
    async def slot():
        await asyncio.sleep(0.001)
        ended.append(True)

    slot()
    qtbot.waitUntil(lambda: bool(ended))


@pytest.mark.asyncio
async def test_coroutine():
    await asyncio.sleep(0.001)
    assert type(asyncio.get_running_loop()).__name__ == "AsyncSlotEventLoop"
