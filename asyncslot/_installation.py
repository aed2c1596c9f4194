"""
Whether another distribution's files are mixed with ours. Importing this module checks that.

On PyPI, "asyncslot" is another project, an old name of qtinter; it installs a package of our name. What pip
leaves of the two, seen with 0.3.1:

installed, uninstalled        ``asyncslot/__init__.py``  who says so
theirs, ours                  ours                       this module, by the table's `FOREIGN_MODULE`
ours, theirs                  theirs                     asyncslot._base_events, which theirs imports first
ours, theirs, theirs removed  missing                    this module, when a submodule of ours is imported
theirs, ours editable         theirs, in its own folder  asyncslot_policy, when it cannot import our loop

One look at the file system, and no metadata: reading that of all distributions takes longer than our import.
"""

import os
import sys

__all__ = ["FOREIGN_MODULE", "describe_mixture"]

# Each of their versions, 0.0.1 to 0.3.1, has this module, and we have none: ours of this name is a folder.
FOREIGN_MODULE = "_base_events.py"


def describe_mixture(directory: str) -> str:
    """Return the text of the error: what is wrong with the package in *directory*, and the way out."""
    return (
        f"the package asyncslot in {directory} is mixed with another distribution of that name. On PyPI, 'asyncslot' "
        "is an old name of qtinter; this one is called 'asyncslot-policy'. Remove both, then install "
        "asyncslot-policy again: pip uninstall asyncslot asyncslot-policy"
    )


def _check() -> None:
    package = sys.modules["asyncslot"]
    # A package without an __init__ has a path of the type _NamespacePath (seen on Python 3.8 to 3.13).
    # Its spec would not tell: other importers, too, may leave the origin out.
    if type(package.__path__).__name__.endswith("NamespacePath"):
        # Not its path: other folders of that name may be in front.
        raise ImportError(describe_mixture(os.path.dirname(__file__)), name="asyncslot")  # noqa: PTH120 - pathlib is not needed yet.
    for directory in package.__path__:
        if os.path.exists(f"{directory}/{FOREIGN_MODULE}"):  # noqa: PTH110 - likewise.
            raise ImportError(describe_mixture(directory), name="asyncslot")


_check()
