"""pyqtgraph: a coroutine feeds a curve, and waits for Qt to paint each state of it."""

import asyncio

import pyqtgraph
from telling import tell


async def paint(plot):
    """Wait until the window is painted, which only Qt's event loop does."""
    painted = asyncio.Event()
    plot.scene().sigPrepareForPaint.connect(painted.set)
    plot.viewport().update()
    await painted.wait()
    plot.scene().sigPrepareForPaint.disconnect(painted.set)


async def measure(values):
    for number in range(20):
        await asyncio.sleep(0.001)
        await values.put(number**2)
    await values.put(None)


async def main():
    pyqtgraph.mkQApp()
    plot = pyqtgraph.PlotWidget()
    curve = plot.plot()
    plot.show()
    values, shown, pictures = asyncio.Queue(), [], set()
    measuring = asyncio.ensure_future(measure(values))
    while (value := await values.get()) is not None:
        shown.append(value)
        curve.setData(shown)
        await paint(plot)
        image = plot.grab().toImage()
        pictures.add(bytes(image.constBits()))
    await measuring
    kept = curve.getData()[1].tolist() == shown
    plot.close()
    return {"kept": kept, "pictures": len(pictures)}


if __name__ == "__main__":
    asyncio.run(tell(main()))
