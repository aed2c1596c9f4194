"""
What the environment, a flag or an argument asks for. Pure: it imports neither Qt nor asyncio, and changes nothing.

The binding's variable, ASYNCSLOT_QT_API, is read where the binding is chosen, in `asyncslot._qt`.
"""

from __future__ import annotations

import os
import sys
from typing import Mapping, NamedTuple

__all__ = [
    "APPLICATION_VARIABLE",
    "DEBUG_VARIABLE",
    "POLICY_VARIABLE",
    "AsyncSlotPolicyError",
    "Request",
    "heeded_environment",
    "read_argument",
    "read_environment",
]

POLICY_VARIABLE = "ASYNCSLOT_POLICY"
APPLICATION_VARIABLE = "ASYNCSLOT_APPLICATION"
DEBUG_VARIABLE = "ASYNCSLOT_DEBUG"

# Words that may stand in place of a loop's name, in upper or lower case.
OFF_WORDS = ("", "0", "off", "none")
QT_WORDS = ("1", "auto", "qt")

# The kinds of application; `asyncslot._qt.APPLICATIONS` has the same, but importing it imports Qt.
APPLICATIONS = ("core", "gui", "widgets")


class AsyncSlotPolicyError(RuntimeError):
    """The requested loop is unavailable. The message says which loop, why, what is available, and what to do."""


class Request(NamedTuple):
    """A loop that somebody asked for."""

    # The loop's name, as in `asyncslot_policy._registry`; None for stock asyncio.
    loop: str | None
    # Who asked, with the value. Every message about the request begins with it.
    asked: str
    # How to turn it off. Every such message ends with it; "" if the caller knows.
    way_out: str = ""
    # The kind of application to make if there is none, one of APPLICATIONS; None for none.
    application: str | None = None
    # Whether code, and not only the environment, asked for that application.
    is_application_explicit: bool = False
    # Tracebacks, and a line on what was chosen.
    is_debugging: bool = False


def heeded_environment() -> Mapping[str, str]:
    """Return the environment's variables; none under ``python -E`` or ``-I``, as in `asyncslot._qt.binding`."""
    return {} if sys.flags.ignore_environment and not getattr(sys, "frozen", False) else os.environ


def read_environment(environment: Mapping[str, str], *, application: str | None = None) -> Request:
    """
    Return what the environment asks for.

    Args:
        environment: Its variables, as `heeded_environment` returns them.
        application: The kind of application that a flag asks for, if any.

    Raises:
        AsyncSlotPolicyError: If ``ASYNCSLOT_APPLICATION`` is none of the kinds.
    """
    value = environment.get(POLICY_VARIABLE, "")
    way_out = f"to turn this off, unset {POLICY_VARIABLE}, or set it to 'off'"
    return _make_request(value, f"{POLICY_VARIABLE}={value!r}", way_out, application, environment)


def read_argument(name: str, asked: str, environment: Mapping[str, str], *, application: str | None = None) -> Request:
    """
    Return what an argument or a flag asks for; the environment decides what that leaves open.

    Args:
        name: The loop's name.
        asked: How it was asked for, with the value, such as ``install('qt')``.
        environment: The variables, as `heeded_environment` returns them.
        application: The kind of application; None for the environment's.

    Raises:
        AsyncSlotPolicyError: If the application is none of the kinds.
    """
    return _make_request(name, asked, "", application, environment)


def _make_request(
    name: str, asked: str, way_out: str, application: str | None, environment: Mapping[str, str]
) -> Request:
    loop: str | None = name.strip()
    if name.strip().lower() in OFF_WORDS:
        loop = None
    elif name.strip().lower() in QT_WORDS:
        loop = "qt"
    return Request(
        loop,
        asked,
        way_out,
        None if loop is None else _read_application(application, environment),
        application is not None,
        environment.get(DEBUG_VARIABLE, "").strip() not in ("", "0"),
    )


def _read_application(argument: str | None, environment: Mapping[str, str]) -> str | None:
    value = environment.get(APPLICATION_VARIABLE, "") if argument is None else argument
    kind = value.strip().lower()
    if kind in APPLICATIONS:
        return kind
    if argument is None and not kind:
        return None
    asked = f"application={value!r}" if argument is not None else f"{APPLICATION_VARIABLE}={value!r}"
    way_out = "" if argument is not None else f"; or unset {APPLICATION_VARIABLE} to make none"
    msg = f"{asked}: there is no such kind of application; available: {', '.join(APPLICATIONS)}{way_out}"
    raise AsyncSlotPolicyError(msg)
