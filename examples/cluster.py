"""Count primes in a cluster of processes: each result is shown as it comes, and the window never freezes."""

import asyncio
import logging
import math
import sys

from distributed import Client, LocalCluster, as_completed
from qtpy.QtWidgets import QApplication, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from asyncslot import AsyncClose, AsyncSlot

# The work, in parts that each take a process some tenths of a second.
PARTS = [range(start, start + 20_000) for start in range(0, 1_000_000, 20_000)]


def is_prime(number):
    return number > 1 and all(number % divisor for divisor in range(2, math.isqrt(number) + 1))


def count_primes(numbers):
    """Runs in a process of the cluster, so it may take as long as it likes."""
    return sum(map(is_prime, numbers))


class Window(QWidget):
    def __init__(self):
        super().__init__()
        self.setWindowTitle("Primes")
        self.count = QPushButton("Count the primes below a million")
        self.stop = QPushButton("Stop", enabled=False)
        self.bar = QProgressBar(maximum=len(PARTS))
        self.status = QLabel()
        layout = QVBoxLayout(self)
        for widget in (self.count, self.stop, self.bar, self.status):
            layout.addWidget(widget)
        self.counting = None
        self.count.clicked.connect(self.on_count)
        self.stop.clicked.connect(self.on_stop)

    @AsyncSlot()
    async def on_count(self):
        self.counting = asyncio.current_task()
        self.count.setEnabled(False)
        self.stop.setEnabled(True)
        self.bar.setValue(0)
        self.status.setText("Starting processes…")
        try:
            await self.count_in_cluster()
        except asyncio.CancelledError:
            self.status.setText("Stopped")
            raise
        finally:  # The processes have ended by now.
            self.counting = None
            self.count.setEnabled(True)

    async def count_in_cluster(self):
        # Both use this event loop; by default, they start threads. If stopped, they would log what they have not done.
        options = {"asynchronous": True, "dashboard_address": "127.0.0.1:0", "silence_logs": logging.CRITICAL}
        async with LocalCluster(**options) as cluster, Client(cluster, asynchronous=True) as client:
            total = 0
            async for job in as_completed(client.map(count_primes, PARTS)):
                total += await job
                self.bar.setValue(self.bar.value() + 1)
                self.status.setText(f"{total} primes so far, by {len(cluster.workers)} processes")
            self.stop.setEnabled(False)
        self.status.setText(f"{total} primes")

    def on_stop(self):
        self.stop.setEnabled(False)
        self.status.setText("Ending processes…")
        self.counting.cancel()

    @AsyncClose
    async def closeEvent(self, event):
        # A quit cancels all tasks at once, also those by which the cluster ends in good order. So that comes first.
        if self.counting is not None:
            self.on_stop()
            await asyncio.wait([self.counting])


if __name__ == "__main__":  # The processes run this file, too, and must not open windows.
    app = QApplication(sys.argv)
    window = Window()
    window.show()
    sys.exit(app.exec())
