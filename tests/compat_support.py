"""Comparing the names of `asyncslot.compat` with those of the real module, where it is installed."""

from __future__ import annotations

import importlib
import inspect
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Mapping

import pytest

from asyncslot._qt import binding_name

Kind = inspect.Parameter

# What takes any argument.
REST = (Kind.VAR_POSITIONAL, Kind.VAR_KEYWORD)


def import_peer(name: str) -> ModuleType:
    """Import the real module; skip the test where there is none."""
    # Asking for a module's specification imports its package, which must not be another binding.
    is_other = name.startswith("PySide6") and binding_name() != "PySide6"
    if is_other or find_spec(name) is None:
        pytest.skip(f"{name} is not installed, or not for this binding")
    return importlib.import_module(name)


def public_names(module: ModuleType) -> set[str]:
    """Return the names that a module shows, but for modules."""
    return {name for name, value in vars(module).items() if name[0] != "_" and not inspect.ismodule(value)}


def find_missing(ours: ModuleType, peer: ModuleType, left_out: Mapping[str, str]) -> set[str]:
    """Return the names of *peer* that *ours* lacks; fail if one of *left_out* is there, or is no name of the peer."""
    assert set(left_out) <= public_names(peer)
    assert [name for name in left_out if hasattr(ours, name)] == []
    return {name for name in public_names(peer) if not hasattr(ours, name)} - set(left_out)


def find_different(ours: ModuleType, peer: ModuleType) -> dict[str, list[str]]:
    """Return the names of parameters of *peer*'s functions and classes that *ours* do not take in the same way."""
    different = {}
    for name in sorted(public_names(peer)):
        theirs = getattr(peer, name)
        if hasattr(ours, name) and getattr(theirs, "__module__", "").startswith(peer.__name__):
            parameters = compare_signatures(read_signature(getattr(ours, name)), read_signature(theirs))
            if parameters:
                different[name] = parameters
    return different


def read_signature(value: Any) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(value).parameters
    except (TypeError, ValueError):  # An enumeration, or a class of C.
        return {}


def compare_signatures(ours: Mapping[str, inspect.Parameter], theirs: Mapping[str, inspect.Parameter]) -> list[str]:
    has_rest = any(each.kind in REST for each in ours.values())
    wrong = []
    for name, their in theirs.items():
        our = ours.get(name)
        if our is None or our.kind is not their.kind:
            if not has_rest and their.kind not in REST:
                wrong.append(name)
        # A default that is a function is another one here.
        elif their.default is not Kind.empty and not callable(our.default) and our.default != their.default:
            wrong.append(name)
    # What we add must be optional.
    added = (each for name, each in ours.items() if name not in theirs and each.kind not in REST)
    return wrong + [each.name for each in added if each.default is Kind.empty]
