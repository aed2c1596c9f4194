"""
Raises an ImportError if another distribution's ``asyncslot/__init__.py`` stands in the place of ours.

Theirs begins with ``from ._base_events import *``, and Python prefers this folder to their module of that name. Ours
has imported asyncslot._installation by then, which says more.
"""

import os
import sys

if "asyncslot._installation" not in sys.modules:
    from asyncslot._installation import describe_mixture

    raise ImportError(describe_mixture(os.path.dirname(os.path.dirname(__file__))), name="asyncslot")  # noqa: PTH120
