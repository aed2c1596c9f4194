"""What objects of the program are called."""

from __future__ import annotations

from typing import Any

import qt

from asyncslot._inspector.naming import describe_object, name_callable
from asyncslot._qt import QtCore


def test_object_has_its_class_and_object_name(app: Any) -> None:
    """Empty for None."""

    class Named(QtCore.QObject):
        pass

    obj = Named()
    obj.setObjectName("main")
    assert describe_object(obj) == "Named 'main'"
    assert describe_object(None) == ""


def test_objects_without_a_name_are_numbered(app: Any) -> None:
    """By class, from the second on, and each keeps its number."""

    class Document(QtCore.QObject):
        pass

    first, second = Document(), Document()
    assert [describe_object(each) for each in (first, second, first)] == ["Document", "Document 2", "Document"]


def test_object_whose_methods_raise_has_a_name(app: Any) -> None:
    """Its own method is not called. One whose C++ object is gone has none."""

    class Hostile(QtCore.QObject):
        def objectName(self) -> str:
            raise ZeroDivisionError

        def __repr__(self) -> str:
            raise ZeroDivisionError

    obj = Hostile()
    assert describe_object(obj) == "Hostile"
    assert name_callable(obj) == "<Hostile>"
    qt.delete(obj)
    assert describe_object(obj) == "Hostile"


def test_callable_has_its_qualified_name() -> None:
    """Without one, what repr() says."""
    assert name_callable(describe_object) == "describe_object"
    assert name_callable(3) == "3"
