"""A SIGTERM handler of the program's own, which raises."""

import signal

from qt import QCoreApplication, QTimer

from asyncslot import AsyncSlotEventLoop

app = QCoreApplication([])


def on_sigterm(*_: object) -> None:
    print("handler")
    raise ValueError("from handler")


def on_error(loop: AsyncSlotEventLoop, context: dict) -> None:
    print(f"{type(context['exception']).__name__} {context['exception']} reported")
    loop.stop()


signal.signal(signal.SIGTERM, on_sigterm)
loop = AsyncSlotEventLoop()
loop.set_exception_handler(on_error)
loop.attach()
QTimer.singleShot(20, lambda: print("ready"))
loop.run_forever()
loop.shutdown()
print("restored:", signal.getsignal(signal.SIGTERM) is on_sigterm)
