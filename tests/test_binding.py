"""Which binding is chosen, and what is said if there is none, or a bad one."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from asyncslot._qt import application, binding


def nothing(_: str) -> bool:
    return False


def anything(_: str) -> bool:
    return True


def test_choose_binding_first_installed() -> None:
    """Without any other hint, the first installed binding is chosen."""
    assert binding.choose_binding({}, nothing, anything) == "PySide6"


def test_choose_binding_none_installed_says_what_to_install() -> None:
    """With no binding at all the error names those that would do."""
    with pytest.raises(ImportError, match="install one of PySide6"):
        binding.choose_binding({}, nothing, nothing)


@pytest.mark.parametrize("value", ["PySide6", "pyside6", " pyside6 "])
def test_choose_binding_variable_names_it(value: str) -> None:
    """ASYNCSLOT_QT_API names a binding, in any case."""
    assert binding.choose_binding({"ASYNCSLOT_QT_API": value}, nothing, nothing) == "PySide6"


def test_choose_binding_unknown_name_refused() -> None:
    """A name that ASYNCSLOT_QT_API cannot have is an error with variable, value and choices."""
    with pytest.raises(ImportError, match=r"ASYNCSLOT_QT_API='gtk'.*PySide6"):
        binding.choose_binding({"ASYNCSLOT_QT_API": "gtk"}, nothing, anything)


def test_choose_binding_shared_variable_may_name_others() -> None:
    """QT_API is other packages' too: a name that is not ours does not count."""
    assert binding.choose_binding({"QT_API": "gtk"}, nothing, anything) == "PySide6"


def test_choose_binding_shared_variable_may_name_what_is_not_installed() -> None:
    """The variable may be meant for another environment: what is not installed here does not count."""
    assert binding.choose_binding({"QT_API": "pyqt6"}, nothing, lambda name: name == "PySide2") == "PySide2"


def test_choose_binding_contradiction_refused() -> None:
    """ASYNCSLOT_QT_API cannot name another binding than the one that is imported already."""
    with pytest.raises(ImportError, match=r"'pyqt6' contradicts PySide6.*import PyQt6 instead"):
        binding.choose_binding({"ASYNCSLOT_QT_API": "pyqt6"}, lambda name: name == "PySide6", anything)


@pytest.mark.parametrize("imported", binding.BINDINGS)
@pytest.mark.parametrize("variables", [{}, {"QT_API": "pyside6"}, {"QT_API": "pyqt5"}])
def test_choose_binding_imported_one_counts_before_shared_variable(variables: dict[str, str], imported: str) -> None:
    """The program's own import decides, whatever QT_API says: no other binding is imported beside it."""
    assert binding.choose_binding(variables, lambda name: name == imported, anything) == imported


@pytest.mark.parametrize("name", binding.BINDINGS)
def test_choose_binding_variables_in_order(name: str) -> None:
    """ASYNCSLOT_QT_API comes before QT_API, and QT_API before what is installed."""
    assert binding.choose_binding({"QT_API": name.lower()}, nothing, anything) == name
    variables = {"ASYNCSLOT_QT_API": name, "QT_API": "pyside6"}
    assert binding.choose_binding(variables, nothing, anything) == name
    assert binding.choose_binding({}, nothing, lambda other: other == name) == name


def test_import_qt_missing_library_names_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system library that is missing is named, with the Debian packages to install."""

    def fail(_: str) -> None:
        raise ImportError("libEGL.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(ImportError, match=r"libEGL\.so\.1.*apt-get install .*libegl1"):
        binding.import_qt("QtWidgets")


@pytest.mark.skipif(sys.version_info < (3, 10), reason="Python does not tell which module it runs")
@pytest.mark.parametrize("module", ["asyncslot", "asyncslot.demo"])
def test_command_without_binding_prints_one_line(module: str) -> None:
    """``python -m asyncslot...`` says in one line why Qt cannot be imported; a traceback would hide it."""
    finished = run_python("-m", module)
    assert finished.returncode == 1
    assert finished.stderr == (
        f"{module}: ASYNCSLOT_QT_API='none' is not a binding that asyncslot supports; "
        f"set it to one of {', '.join(binding.BINDINGS)}\n"
    )


def test_program_without_binding_can_handle_it(tmp_path: Path) -> None:
    """A program that is run by ``python -m`` and can do without asyncslot gets the ImportError."""
    package = tmp_path / "program"
    package.mkdir()
    (package / "__init__.py").write_text("try:\n    import asyncslot\nexcept ImportError:\n    print('without')\n")
    (package / "__main__.py").touch()
    finished = run_python("-m", "program", folder=tmp_path)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "without\n", "")


def run_python(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python where no binding can be chosen; *folder* is where it finds modules, too."""
    path = os.pathsep.join([str(folder or Path.cwd()), *sys.path])
    environment = {**os.environ, "ASYNCSLOT_QT_API": "none", "PYTHONPATH": path}
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_import_qt_other_error_passed_on() -> None:
    """A module that the binding lacks is Python's own error."""
    with pytest.raises(ModuleNotFoundError, match="QtNothing"):
        binding.import_qt("QtNothing")


@pytest.mark.parametrize(
    ("version", "python", "faulty"),
    [("6.12.0", (3, 11), True), ("6.12.0", (3, 12), False), ("6.11.3", (3, 11), False), ("6.12.1", (3, 8), False)],
)
def test_is_faulty_only_known_combination(version: str, python: tuple[int, int], faulty: bool) -> None:
    """Only PySide6 6.12.0 on Python before 3.12 corrupts reference counts."""
    assert binding.is_faulty("PySide6", version, python) == faulty


def test_warn_about_fault_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first use of the faulty combination warns, naming the fault and the way out; the second does not."""
    monkeypatch.setattr(binding, "is_faulty", lambda *_: True)
    binding.warn_about_fault.cache_clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        binding.warn_about_fault()
        binding.warn_about_fault()
    binding.warn_about_fault.cache_clear()
    assert len(caught) == 1
    assert "reference counts" in str(caught[0].message)
    assert "pip install" in str(caught[0].message)


# -- with other packages that choose a binding, each program in a process of its own --


def run_program(text: str, **environment: str) -> list[str]:
    """Run a program; return the lines that it prints."""
    clean = {name: value for name, value in os.environ.items() if name not in ("QT_API", "ASYNCSLOT_QT_API")}
    command = [sys.executable, "-c", text]
    finished = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=60, env={**clean, **environment}
    )
    assert finished.stderr == ""
    return finished.stdout.split()


SAY = "from asyncslot._qt import binding_name; print(binding_name())\n"


@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("package", ["qtpy", "pyqtgraph"])
def test_binding_is_that_of_other_packages(package: str, order: str) -> None:
    """QtPy and pyqtgraph run on the binding that asyncslot runs on, whichever is imported first."""
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    names = {"qtpy": "qtpy.API_NAME", "pyqtgraph": "pyqtgraph.Qt.QT_LIB"}
    other = f"import {package}; print({names[package]})\n"
    chosen = run_program(other + SAY if order == "before" else SAY + other)
    # With several installed, whoever comes first chooses.
    assert chosen in [[name, name] for name in binding.BINDINGS]


@pytest.mark.parametrize("variable", ["QT_API", "ASYNCSLOT_QT_API"])
def test_binding_variable_chooses_among_those_installed(variable: str) -> None:
    """With two bindings installed, either variable chooses; the program's import comes before QT_API."""
    installed = [name for name in binding.BINDINGS if find_spec(name) is not None]
    for name in installed:
        assert run_program(SAY, **{variable: name.lower()}) == [name]
        imported = f"import {name}.QtCore\n{SAY}"
        assert run_program(imported, QT_API=installed[0].lower()) == [name]


@pytest.mark.parametrize("has_application", [True, False])
def test_require_application_names_the_other_binding(monkeypatch: pytest.MonkeyPatch, has_application: bool) -> None:
    """If the program's application is another binding's, the error says which binding to import first."""
    other = next(name for name in binding.BINDINGS if name != binding.binding_name())
    module = SimpleNamespace(QCoreApplication=SimpleNamespace(instance=lambda: object() if has_application else None))
    monkeypatch.setitem(sys.modules, f"{other}.QtCore", module)
    monkeypatch.setattr(application.QtCore.QCoreApplication, "instance", lambda: None)
    with pytest.raises(RuntimeError, match="there is no QCoreApplication") as caught:
        application.require_application()
    assert (f"import {other} before asyncslot" in str(caught.value)) == has_application
