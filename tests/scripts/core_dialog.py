"""A dialog in a program that has no widgets."""

from qt import QCoreApplication

import asyncslot

app = QCoreApplication([])
try:
    asyncslot.run(asyncslot.dialogs.question(None, "Title", "Text"))
except RuntimeError as exc:
    print(str(exc).partition(" <")[0])
