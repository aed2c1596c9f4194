"""A slot with ``result=`` is called before there is an application, which then runs."""

from qt import QCoreApplication, QTimer

from asyncslot import AsyncSlot, TaskHandle
from asyncslot._slot import task_handle


@AsyncSlot(result=TaskHandle)
async def work() -> None:
    """Do nothing."""


def tell(message: str) -> None:
    print("failed:", message.partition(",")[0])
    app.quit()


handle = work()
print(f"running: {handle.running}, error: {handle.error}")
print("task:", type(handle.task).__name__)
handle.failed.connect(tell)
app = QCoreApplication([])
QTimer.singleShot(20_000, app.quit)
app.exec()
print("kept:", len(task_handle._kept))
