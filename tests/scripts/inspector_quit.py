"""Quits with code 3 while the inspector is open: inspector_quit.py blocking|attached."""

import asyncio
import sys

import qt

import asyncslot

app = qt.QApplication([])


async def work():
    try:
        await asyncio.sleep(3600)
    finally:
        print("cleaning up")
        # The inspector shows it meanwhile.
        while asyncslot.inspector.show()._task_pane.model.rowCount() == 0:
            await asyncio.sleep(0.005)
        print("cleaned up")


def start():
    asyncslot.inspector.show()
    asyncslot.run_task(work())
    qt.QTimer.singleShot(300, lambda: app.exit(3))


if sys.argv[1] == "blocking":

    async def main():
        start()
        await asyncio.sleep(3600)

    asyncslot.run(main())
else:
    qt.QTimer.singleShot(0, start)
    qt.add_exec(type(app))
    sys.exit(app.exec())
