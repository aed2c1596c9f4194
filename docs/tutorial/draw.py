"""
Draw docs/tutorial/step*.png: the windows of the tutorial, as they are used. It needs a display or Xvfb.

``xvfb-run python docs/tutorial/draw.py``
"""

from __future__ import annotations

import asyncio
import os
import runpy
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QWidget

import asyncslot
from asyncslot import inspector

HERE = Path(__file__).parent
URL = "http://127.0.0.1:8000/"
MARGIN = 6


async def until(condition: Callable[[], object]) -> None:
    """Wait for something in a window."""
    while not condition():  # noqa: ASYNC110 - a window has no event for it.
        await asyncio.sleep(0.01)


def click(button: QWidget) -> None:
    """Use the pointer."""
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


async def draw(name: str, *windows: QWidget) -> None:
    """Write a picture of windows: the first one, and those above it, each with a thin frame."""
    await asyncio.sleep(0.3)  # Until all is painted.
    origin = windows[0].pos() - QPoint(MARGIN, MARGIN)
    image = QImage(windows[0].width() + 2 * MARGIN, windows[0].height() + 2 * MARGIN, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    for window in windows:
        place = window.pos() - origin
        painter.drawPixmap(place, window.grab())
        painter.setPen(QColor("#a0a0a0"))
        painter.drawRect(QRect(place, window.size()).adjusted(-1, -1, 0, 0))
    painter.end()
    image.save(str(HERE / name))


def show(step: int, address: str = URL) -> Any:
    """Show the window of a step."""
    # Not imported: the inspector would show where this directory is.
    window = runpy.run_path(f"step{step}.py")["Window"]()
    window.move(20, 20)
    window.address.setText(address)
    window.show()
    return window


async def end(window: Any) -> None:
    """Cancel what runs in a window, and close it."""
    tasks = asyncslot.scope(window).tasks
    asyncslot.scope(window).cancel()
    if tasks:
        await asyncio.wait(tasks)
    window.hide()


async def draw_step_1() -> None:
    """Draw the window while its slot waits."""
    window = show(1, "https://www.python.org/")
    click(window.check)
    await draw("step1.png", window)
    await end(window)


async def draw_step_2() -> None:
    """Draw the list of links."""
    window = show(2)
    click(window.check)
    await until(window.list.count)
    await draw("step2.png", window)
    await end(window)


async def draw_step_3() -> None:
    """Draw the check in its middle."""
    window = show(3)
    click(window.check)
    await until(lambda: window.bar.value() >= 15)  # noqa: PLR2004
    await draw("step3.png", window)
    await end(window)


async def draw_step_4() -> None:
    """Draw what is said while the user types."""
    window = show(4, "")
    QTest.keyClicks(window.address, f"{URL}pages/7.html")
    await until(lambda: window.hint.text().startswith("404"))
    await draw("step4.png", window)
    await end(window)


async def draw_step_5() -> None:
    """Draw the question before the window closes."""
    window = show(5)
    click(window.check)
    await until(lambda: window.bar.value() >= 15)  # noqa: PLR2004
    window.close()
    await until(lambda: QApplication.activeModalWidget() is not None)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, QDialog)
    dialog.move(window.geometry().center() - dialog.rect().center())
    await draw("step5.png", window, dialog)
    dialog.reject()
    await end(window)


async def draw_steps_6_and_7() -> None:
    """Draw the check of a folder, and the inspector meanwhile."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory, "notes")
        folder.mkdir()
        for number in range(1, 31):
            (folder / f"{number}.md").write_text(f"[A page]({URL}pages/{number}.html).", encoding="utf-8")
        window = show(6, folder.name)
        os.chdir(directory)
        click(window.check)
        await until(lambda: window.bar.maximum() == 30 and window.bar.value() >= 15)  # noqa: PLR2004
        await draw("step6.png", window)
        await until(window.check.isEnabled)
        os.chdir(HERE)
    window.address.setText(URL)
    view = inspector.show()
    view.resize(760, 330)
    click(window.check)
    await until(lambda: window.bar.value() >= 10)  # noqa: PLR2004
    pane = view._task_pane
    await until(lambda: any(row.name.endswith("on_check") for row in pane.model.rows))
    chosen = next(row for row in pane.model.rows if row.name.endswith("on_check"))
    pane.view.setCurrentIndex(pane.model.index(pane.model.find_number(chosen), 0))
    await draw("step7.png", view)
    await end(window)


async def main() -> None:
    """Draw all pictures, one after the other."""
    QApplication.setQuitOnLastWindowClosed(False)
    site = await asyncio.create_subprocess_exec(
        *(sys.executable, str(HERE / "local_site.py"), "8000"), stdout=asyncio.subprocess.PIPE
    )
    assert site.stdout is not None
    await site.stdout.readline()
    try:
        for step in (draw_step_1, draw_step_2, draw_step_3, draw_step_4, draw_step_5, draw_steps_6_and_7):
            await step()
    finally:
        site.terminate()
        await site.wait()


if __name__ == "__main__":
    os.chdir(HERE)
    application = QApplication(["tutorial"])
    application.setStyle("Fusion")
    application.setFont(QFont("DejaVu Sans", 10))
    asyncslot.run(main())
