"""
A function that has a given function's positional parameters and accepts any call.

PySide looks at the code of the function that it connects. Of a signal such as
``clicked(bool checked = false)`` it passes as many arguments as there are positional
parameters, and none at all to a function that takes ``*args``. So a wrapper must have the
parameters of what it wraps, but must not raise TypeError into Qt when some are missing.
"""

from __future__ import annotations

import functools
import inspect
import math
from typing import Any, Callable, Mapping, TypeVar

__all__ = ["count_positional", "make_wrapper"]

R = TypeVar("R")

_MISSING: Any = object()
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def make_wrapper(
    function: Callable[..., object], call: Callable[[tuple[Any, ...], Mapping[str, Any]], R]
) -> Callable[..., R]:
    """
    Return a function that has as many positional parameters as *function*, each optional.

    They have other names, so that it takes any keyword; it takes ``*args`` if *function*
    does. Its name, docstring and signature are *function*'s.

    Args:
        function: What to take the parameters from.
        call: Called with the positional and the keyword arguments given.
    """
    count = count_positional(function)
    rest = count == math.inf
    names = [f"__{number}" for number in range(0 if rest else int(count))]
    declared = [f"{name}=__missing" for name in names] + ["*__rest"] * rest + ["**__keywords"]
    given = "".join(f"{name}, " for name in names) + "*__rest, " * rest
    # Most calls have all arguments, and should not pay for a second call.
    cut = f"    if {names[-1]} is __missing:\n        return __cut_and_call(({given}), __keywords)\n" if names else ""
    source = f"def wrapper({', '.join(declared)}):\n{cut}    return __call(({given}), __keywords)\n"
    namespace: dict[str, Any] = {"__missing": _MISSING, "__call": call, "__cut_and_call": _cut_missing(call)}
    exec(source, namespace)  # noqa: S102 - of nothing but numbers.
    wrapper: Callable[..., R] = functools.wraps(function)(namespace["wrapper"])
    return wrapper


def count_positional(function: Callable[..., object]) -> float:
    """Return how many positional arguments *function* takes; infinity if it takes any number."""
    kinds = [parameter.kind for parameter in inspect.signature(function).parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return math.inf
    return sum(kind in _POSITIONAL for kind in kinds)


def _cut_missing(
    call: Callable[[tuple[Any, ...], Mapping[str, Any]], R],
) -> Callable[[tuple[Any, ...], Mapping[str, Any]], R]:
    def call_given(values: tuple[Any, ...], keywords: Mapping[str, Any]) -> R:
        count = len(values)
        while count and values[count - 1] is _MISSING:
            count -= 1
        return call(values[:count], keywords)

    return call_given
