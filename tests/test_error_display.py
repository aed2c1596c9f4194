"""Exceptions are shown without our frames."""

from __future__ import annotations

import sys
from typing import Any

import pytest  # noqa: TC002

from asyncslot._console import error_display
from asyncslot._console.error_display import hide_frames, show_error, surviving_slots, trim


def raise_inside(function: Any) -> BaseException:
    """Return what *function* raises when a module of asyncslot has called it."""
    code = compile("function()", error_display.__file__, "exec")
    try:
        eval(code, {"function": function})
    except BaseException as exc:
        # From where the package has been called on.
        return exc.with_traceback(exc.__traceback__.tb_next)
    raise AssertionError


def fail() -> None:
    raise ValueError("wrong")


def test_trim_leaves_the_frames_of_the_program() -> None:
    """The first frame is the program's; None is left if there is no such frame."""
    exc = raise_inside(fail)
    assert trim(exc.__traceback__).tb_frame.f_code is fail.__code__
    assert trim(None) is None


def test_show_error_prints_and_keeps_it(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The traceback is printed by sys.excepthook, and kept for pdb.pm()."""
    monkeypatch.setattr(sys, "excepthook", error_display._print_error)
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        monkeypatch.setattr(sys, name, None, raising=False)
    exc = raise_inside(fail)
    show_error(exc)
    assert sys.last_value is exc
    text = capsys.readouterr().err
    assert "ValueError: wrong" in text
    assert error_display.__file__ not in text


def test_show_error_survives_a_hook_that_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the user's hook fails, both exceptions are printed."""

    def hook(*_: object) -> None:
        raise KeyError("hook")

    monkeypatch.setattr(sys, "excepthook", hook)
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        monkeypatch.setattr(sys, name, None, raising=False)
    show_error(raise_inside(fail))
    text = capsys.readouterr().err
    assert text.index("Error in sys.excepthook") < text.index("KeyError") < text.index("ValueError: wrong")


def test_hide_frames_reports_by_the_program_s_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hook gets a traceback without our frames, once; another exception is passed on as it is."""
    seen: list[Any] = []
    monkeypatch.setattr(sys, "excepthook", lambda *arguments: seen.append(arguments))
    hook = sys.excepthook
    exc = raise_inside(fail)
    before = exc.__traceback__
    hide_frames(exc)
    sys.excepthook(type(exc), exc, before)
    assert seen[0][2].tb_frame.f_code is fail.__code__
    assert sys.excepthook is hook
    hide_frames(exc)
    other = KeyError()
    sys.excepthook(KeyError, other, None)
    assert seen[1] == (KeyError, other, None)


def test_surviving_slots_replaces_only_python_s_own_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own hook is replaced, and put back; one of the program's stays, and so does one set meanwhile."""
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    with surviving_slots():
        assert sys.excepthook is not sys.__excepthook__
    assert sys.excepthook is sys.__excepthook__
    own = lambda *_: None
    with surviving_slots():
        sys.excepthook = own
    assert sys.excepthook is own
    with surviving_slots():
        assert sys.excepthook is own
