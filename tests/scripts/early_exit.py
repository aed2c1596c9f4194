"""SystemExit in first steps, before any Qt loop runs."""

import sys

from qt import QCoreApplication

from asyncslot import AsyncSlot, run_task

app = QCoreApplication([])


async def leave(code: int) -> None:
    sys.exit(code)


try:
    run_task(leave(6))
except SystemExit as exc:
    print(f"run_task raised SystemExit({exc.code})")

AsyncSlot(leave)(7)
print("slot returned")
code = app.exec()
print("exec returned", code)
sys.exit(code)
