"""What an import says if another distribution called asyncslot was installed, and that nothing else alarms it."""

from __future__ import annotations

import importlib
import shutil
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from policy_support import BINDING, run_python

import asyncslot
from asyncslot import _installation

PACKAGE = Path(asyncslot.__file__).parent
WAY_OUT = "pip uninstall asyncslot asyncslot-policy"
# What the other distribution's modules begin with; any of its versions imports `_base_events` first.
FOREIGN_INIT = "from ._base_events import *\nfrom ._slot import *\n"
FOREIGN_MODULES = {"_base_events.py": f"from {BINDING} import QtCore\n", "_slot.py": "", "bindings.py": ""}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A copy of our package, as pip would install it; its directory is to be put on the path."""
    shutil.copytree(str(PACKAGE), str(tmp_path / "asyncslot"), ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def add_foreign_files(site: Path, *, is_last: bool) -> Path:
    """Do what installing the other distribution does, before ours or after it; return the package."""
    package = site / "asyncslot"
    for name, source in FOREIGN_MODULES.items():
        (package / name).write_text(source)
    if is_last:
        (package / "__init__.py").write_text(FOREIGN_INIT)
    (site / "asyncslot-0.3.1.dist-info").mkdir()
    return package


def find_error(site: Path, code: str, *options: str) -> str:
    """Run a program that must fail, and return the last line of what it prints."""
    environment = {"PYTHONPATH": str(site)}
    finished = run_python("-c", code, environment=environment, options=("-W", "error", *options), directory=site)
    assert finished.code == 1
    assert finished.lines == []
    return finished.errors.splitlines()[-1]


@pytest.mark.parametrize("is_last", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("code", ["import asyncslot", "from asyncslot import AsyncSlot", "import asyncslot.loop"])
def test_other_distribution_installed_is_one_clear_error(site: Path, code: str, is_last: bool) -> None:
    """Installed before ours or after it: any import says what is wrong, where, and the way out."""
    package = add_foreign_files(site, is_last=is_last)
    line = find_error(site, code)
    assert line.startswith("ImportError: the package asyncslot in ")
    assert str(package) in line
    assert WAY_OUT in line


def test_other_distribution_imported_after_qt_is_the_same_error(site: Path) -> None:
    """The other one wants a binding to be imported first: even then none of it runs."""
    add_foreign_files(site, is_last=True)
    assert WAY_OUT in find_error(site, f"import {BINDING}.QtCore\nimport asyncslot")


def test_other_distribution_uninstalled_takes_our_init_with_it(site: Path) -> None:
    """Without our ``__init__``, each submodule that needs Qt says so."""
    (site / "asyncslot" / "__init__.py").unlink()
    # A folder of the same name before ours on the path, here the current directory's, is not where the error is.
    (site / "program" / "asyncslot").mkdir(parents=True)
    for module in ("loop", "decorator", "dialogs"):
        # Without site-packages, where a whole package may be installed, which Python prefers.
        line = find_error(site, f"import sys; sys.path.insert(0, 'program'); import asyncslot.{module}", "-S")
        assert f"asyncslot in {site / 'asyncslot'} is mixed" in line
        assert WAY_OUT in line


def test_error_comes_again_at_the_next_import(site: Path) -> None:
    """A program that catches the error does not get half a package afterwards."""
    add_foreign_files(site, is_last=True)
    code = "try:\n    import asyncslot\nexcept ImportError:\n    import asyncslot.loop"
    assert WAY_OUT in find_error(site, code)


# -- no false alarm --


def test_copy_in_a_program_is_no_mixture(site: Path) -> None:
    """A vendored copy works, next to whatever is called asyncslot."""
    for name in ("asyncslot-0.3.1", "asyncslot-0.3.1.dist-info", "asyncslot_policy-0.2.0.dist-info"):
        (site / name).mkdir()
    (site / "bindings.py").write_text("")
    (site / "_base_events.py").write_text("")
    assert import_from(site) == str(site / "asyncslot" / "__init__.py")


def test_program_directory_called_asyncslot_is_no_mixture(tmp_path: Path) -> None:
    """Neither a clone called asyncslot, without an ``__init__``, nor a program called asyncslot-0.3.1 is a mixture."""
    for name in ("asyncslot", "asyncslot-0.3.1"):
        shutil.copytree(str(PACKAGE), str(tmp_path / name / "asyncslot"), ignore=shutil.ignore_patterns("__pycache__"))
        assert import_from(tmp_path / name, tmp_path).startswith(str(tmp_path / name))


def test_zip_is_no_mixture(site: Path) -> None:
    """The package may be imported from an archive."""
    archive = site / "program.zip"
    with zipfile.ZipFile(archive, "w") as stream:
        for path in (site / "asyncslot").rglob("*.py"):
            stream.write(path, str(path.relative_to(site)))
    shutil.rmtree(site / "asyncslot")
    assert import_from(archive, site).startswith(str(archive))


def test_frozen_program_is_no_mixture(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package without files, as some frozen programs have it, is none; nor is one that is not on the disk."""
    for path in ([], ["/no/such/directory/asyncslot"]):
        package = ModuleType("asyncslot")
        package.__path__ = path
        monkeypatch.setitem(sys.modules, "asyncslot", package)
        _installation._check()


def test_walk_over_the_modules_is_no_mixture() -> None:
    """Tools that import all modules of the package, for documentation or freezing, can import this one, too."""
    importlib.import_module("asyncslot._base_events")


def import_from(path: Path, directory: Path | None = None) -> str:
    """Import the package in a process of its own, with *path* first on the path; return where it was found."""
    code = "import asyncslot\nprint(asyncslot.__file__, asyncslot.AsyncSlot.__name__)"
    finished = run_python("-c", code, environment={"PYTHONPATH": str(path)}, directory=directory or path)
    assert (finished.code, finished.errors) == (0, "")
    found, _, name = finished.lines[0].rpartition(" ")
    assert name == "AsyncSlot"
    return found
