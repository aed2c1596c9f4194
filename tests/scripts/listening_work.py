"""Work that listens to its cancellation, for other scripts. A process imports it by its name."""

from __future__ import annotations

import time
from typing import Any


def work(progress: Any) -> None:
    try:
        while True:
            progress.report(1)
            time.sleep(0.01)
    finally:
        print("cleaned up", flush=True)
