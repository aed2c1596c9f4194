"""Count primes in other processes, so that the window stays quick. A bar shows how far they are; a button cancels."""

import asyncio

from qtpy.QtWidgets import QApplication, QFormLayout, QLabel, QProgressBar, QPushButton, QSpinBox, QWidget

import asyncslot
from asyncslot import AsyncSlot, Progress, run_in_process


def count_primes(begin, end, progress):
    """Return how many primes there are from *begin* on, before *end*. This runs in another process."""
    count = 0
    for number in progress.track(range(begin, end)):
        count += number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))
    return count


class Window(QWidget):
    def __init__(self):
        super().__init__()
        self.setWindowTitle("Primes")
        self.limit = QSpinBox(minimum=2, maximum=10_000_000, value=400_000)
        self.start, self.cancel, self.result = QPushButton("Count"), QPushButton("Cancel"), QLabel()
        self.progresses = [Progress(), Progress()]
        layout = QFormLayout(self)
        layout.addRow("Primes below", self.limit)
        for number, progress in enumerate(self.progresses, 1):
            bar = QProgressBar()
            progress.bind(bar, cancel_button=self.cancel)
            layout.addRow(f"Process {number}", bar)
        layout.addRow(self.start, self.cancel)
        layout.addRow(self.result)
        self.start.clicked.connect(self.on_start)

    @AsyncSlot(when_busy="drop")
    async def on_start(self):
        self.start.setEnabled(False)
        self.result.setText("Counting…")
        end = self.limit.value()
        middle = int(end * 0.6)  # The second part has fewer numbers, which take longer.
        first, second = self.progresses
        try:
            counts = await asyncio.gather(
                run_in_process(count_primes, 0, middle, progress=first),
                run_in_process(count_primes, middle, end, progress=second),
            )
            self.result.setText(f"{sum(counts)} primes")
        except asyncio.CancelledError:
            self.result.setText("Cancelled.")
            raise
        finally:
            self.start.setEnabled(True)


async def main():
    window = Window()
    window.show()
    await asyncio.Event().wait()  # The program ends when the window is closed, and its processes end with it.


if __name__ == "__main__":  # The processes import this file.
    app = QApplication([])
    asyncslot.run(main())
