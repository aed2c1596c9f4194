"""asyncslot.dialogs after `import asyncslot`."""

import sys

import asyncslot

print(callable(asyncslot.dialogs.question), any(name.endswith(".QtWidgets") for name in sys.modules))
