"""A program that ends without a quit while something works for it: no_quit_work.py thread|process."""

import sys

from listening_work import work
from qt import QCoreApplication

from asyncslot import Progress, run_in_process, run_in_thread, run_task

if __name__ == "__main__":
    app = QCoreApplication([])
    progress = Progress()
    task = run_task({"thread": run_in_thread, "process": run_in_process}[sys.argv[1]](work, progress=progress))
    while not progress.done:
        app.processEvents()
