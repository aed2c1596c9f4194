"""What `import asyncslot` imports, and what it makes available all the same."""

import sys

import asyncslot

print({"dialogs", "background"} & {name.partition(".")[2] for name in sys.modules}, "run_in_thread" in dir(asyncslot))
print(callable(asyncslot.run_in_thread), asyncslot.background.run_in_thread is asyncslot.run_in_thread)
print(callable(asyncslot.dialogs.question), any(name.endswith(".QtWidgets") for name in sys.modules))
