"""matplotlib's QtAgg: a coroutine feeds a curve, and waits for Qt to paint each state of it."""

import asyncio

import matplotlib as mpl

mpl.use("QtAgg")

from matplotlib import pyplot as plt
from telling import tell


async def paint(figure):
    """Wait until the window is drawn, which only Qt's event loop does."""
    drawn = asyncio.Event()
    connection = figure.canvas.mpl_connect("draw_event", lambda event: drawn.set())
    figure.canvas.draw_idle()
    await drawn.wait()
    figure.canvas.mpl_disconnect(connection)


async def measure(values):
    for number in range(20):
        await asyncio.sleep(0.001)
        await values.put(number**2)
    await values.put(None)


async def main():
    figure, axes = plt.subplots()
    canvas = type(figure.canvas).__name__
    (curve,) = axes.plot([], [])
    plt.show(block=False)
    values, shown, pictures = asyncio.Queue(), [], set()
    measuring = asyncio.ensure_future(measure(values))
    while (value := await values.get()) is not None:
        shown.append(value)
        curve.set_data(range(len(shown)), shown)
        axes.relim()
        axes.autoscale_view()
        await paint(figure)
        pictures.add(bytes(figure.canvas.buffer_rgba()))
    await measuring
    closed = asyncio.Event()
    figure.canvas.mpl_connect("close_event", lambda event: closed.set())
    plt.close(figure)
    await closed.wait()
    return {"canvas": canvas, "shown": len(shown), "pictures": len(pictures)}


if __name__ == "__main__":
    asyncio.run(tell(main()))
