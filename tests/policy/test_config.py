"""What the variables, flags and arguments mean."""

from __future__ import annotations

import pytest

from asyncslot import _qt
from asyncslot_policy import AsyncSlotPolicyError
from asyncslot_policy._config import APPLICATIONS, OFF_WORDS, QT_WORDS, read_argument, read_environment


@pytest.mark.parametrize("value", [None, *OFF_WORDS, "OFF", "None", " "])
def test_read_environment_off_words_mean_no_loop(value: str | None) -> None:
    """Unset, empty and the words for "off", in any case, mean stock asyncio."""
    assert read_environment({} if value is None else {"ASYNCSLOT_POLICY": value}).loop is None


@pytest.mark.parametrize("value", [*QT_WORDS, "QT", " Auto "])
def test_read_environment_qt_words_mean_qt(value: str) -> None:
    """The words for the Qt-hosted loop, in any case, mean just that."""
    assert read_environment({"ASYNCSLOT_POLICY": value}).loop == "qt"


@pytest.mark.parametrize("value", ["uvloop", "MyLoop", "pkg.mod:callable"])
def test_read_environment_other_names_are_kept(value: str) -> None:
    """Any other name is somebody's, and its case matters."""
    assert read_environment({"ASYNCSLOT_POLICY": value}).loop == value


def test_read_environment_application_off_is_not_read() -> None:
    """What kind of application to make is nobody's business while the policy is off."""
    assert read_environment({"ASYNCSLOT_APPLICATION": "nonsense"}).application is None


def test_read_environment_application_unknown_raises() -> None:
    """A kind of application that there is not is an error with the variable, its value and the kinds that there are."""
    with pytest.raises(AsyncSlotPolicyError, match=r"ASYNCSLOT_APPLICATION='widget'.*core, gui, widgets.*unset"):
        read_environment({"ASYNCSLOT_POLICY": "qt", "ASYNCSLOT_APPLICATION": "widget"})


def test_read_argument_application_counts_more_than_environment() -> None:
    """An argument or flag for the application overrules the variable."""
    environment = {"ASYNCSLOT_APPLICATION": "core"}
    assert read_argument("qt", "install('qt')", environment).application == "core"
    assert read_argument("qt", "install('qt')", environment, application="gui").application == "gui"


def test_read_argument_application_unknown_raises() -> None:
    """So is one that code asks for, and the environment is not blamed for it."""
    with pytest.raises(AsyncSlotPolicyError, match=r"^application='x'.*core, gui, widgets$"):
        read_argument("qt", "install('qt')", {}, application="x")


@pytest.mark.parametrize(("value", "expected"), [("", False), ("0", False), ("1", True)])
def test_read_environment_debug(value: str, expected: bool) -> None:
    """ASYNCSLOT_DEBUG is off when empty or 0."""
    assert read_environment({"ASYNCSLOT_DEBUG": value}).is_debugging is expected


def test_applications_are_those_of_the_loop() -> None:
    """The kinds of application are written twice, as one place must not import Qt; they are the same."""
    assert set(APPLICATIONS) == set(_qt.APPLICATIONS)
