"""The program ends while QML has handles of tasks that run, and of others: handle_quit.py quit|exit."""

import asyncio
import sys

from qt import QCoreApplication, QObject, QTimer, QtQml, QUrl, Slot

from asyncslot import AsyncSlot, TaskHandle

PAGE = b"""
import QtQml 2.15
QtObject {
    id: root
    property QtObject task: null
    property bool isBusy: task ? task.running : false
    property var ended: []
    Component.onCompleted: {
        for (let i = 0; i < 1000; i++)
            ended.push(backend.work(0))
        task = backend.work(3600)
        task.cancelled.connect(() => { backend.tell("cancelled"); backend.tell("busy " + root.isBusy) })
        backend.work(3600)
    }
}
"""


class Backend(QObject):
    @AsyncSlot(int, result=TaskHandle)
    async def work(self, seconds: int) -> None:
        if seconds:
            await asyncio.sleep(seconds)

    @Slot(str)
    def tell(self, text: str) -> None:
        print(text)


app = QCoreApplication([])
backend = Backend()
engine = QtQml.QQmlEngine()
engine.rootContext().setContextProperty("backend", backend)
component = QtQml.QQmlComponent(engine)
component.setData(PAGE, QUrl())
root = component.create()
if sys.argv[1] == "quit":
    QTimer.singleShot(50, app.quit)
    app.exec()
else:
    # The interpreter ends, and frees all of it in whatever order.
    for _ in range(5):
        app.processEvents()
