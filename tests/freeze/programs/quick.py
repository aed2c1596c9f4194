"""A QML page calls a slot, and follows its task."""

import asyncio
import sys

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtQml import QQmlApplicationEngine

from asyncslot import AsyncSlot, TaskHandle

PAGE = b"""
import QtQuick 2.15
import QtQuick.Window 2.15

Window {
    visible: true
    property QtObject task: null
    Component.onCompleted: {
        task = backend.load("notes.txt")
        task.finished.connect(lines => { backend.show(lines.length + " lines: " + lines[0].text); Qt.quit() })
    }
}
"""


class Backend(QObject):
    @AsyncSlot(str, result=TaskHandle)
    async def load(self, name):
        await asyncio.sleep(0.1)
        return [{"text": f"{name} 1"}, {"text": f"{name} 2"}]

    @Slot(str)
    def show(self, text):
        print(text)


if __name__ == "__main__":
    app = QGuiApplication(sys.argv)
    backend = Backend()
    engine = QQmlApplicationEngine()
    engine.rootContext().setContextProperty("backend", backend)
    engine.loadData(PAGE)
    code = app.exec() if engine.rootObjects() else 1
    del engine
    sys.exit(code)
