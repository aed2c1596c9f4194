"""
A wrapper that has a given function's positional parameters, and accepts any call.

PySide looks at the code of the function that it connects. Of a signal such as
``clicked(bool checked = false)`` it passes as many arguments as the function has positional
parameters, and none at all to a function that takes ``*args``. So the wrapper must have the
parameters of the function that it wraps. But it must not raise TypeError into Qt when arguments are missing.
"""

from __future__ import annotations

import functools
import inspect
import math
from typing import Any, Callable, Mapping, TypeVar

__all__ = ["count_positional", "make_wrapper"]

R = TypeVar("R")

# The default of each parameter. Not None, which a signal may pass.
_MISSING: Any = object()
# What PySide counts: keyword-only parameters do not matter to it.
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def make_wrapper(
    function: Callable[..., object], call: Callable[[tuple[Any, ...], Mapping[str, Any]], R]
) -> Callable[..., R]:
    """
    Return a function that has as many positional parameters as *function*, each of them optional.

    It takes ``*args`` if *function* does, and any keyword argument. Its name, docstring and signature
    are those of *function*.

    Args:
        function: The function whose parameters the wrapper gets.
        call: Called with the positional and the keyword arguments that were given.
    """
    count = count_positional(function)
    rest = count == math.inf
    # Other names than the function's own, so that keyword arguments arrive in **__keywords with theirs.
    names = [f"__{number}" for number in range(0 if rest else int(count))]
    declared = [f"{name}=__missing" for name in names] + ["*__rest"] * rest + ["**__keywords"]
    given = "".join(f"{name}, " for name in names) + "*__rest, " * rest
    # Arguments fill the parameters from the left, so the last one tells whether any is missing. Most calls have all
    # arguments, and should not pay for a second call.
    cut = f"    if {names[-1]} is __missing:\n        return __cut_and_call(({given}), __keywords)\n" if names else ""
    source = f"def wrapper({', '.join(declared)}):\n{cut}    return __call(({given}), __keywords)\n"
    namespace: dict[str, Any] = {"__missing": _MISSING, "__call": call, "__cut_and_call": _cut_missing(call)}
    # The number of parameters is a property of a function's code: no closure or *args can have it.
    exec(source, namespace)  # noqa: S102 - of nothing but numbers.
    # wraps() also copies the attribute "_slots", by which PySide knows what Qt's own Slot has declared.
    wrapper: Callable[..., R] = functools.wraps(function)(namespace["wrapper"])
    return wrapper


def count_positional(function: Callable[..., object]) -> float:
    """Return how many positional arguments *function* takes, 0 or more; infinity if it takes any number."""
    # By signature(), not by the code object: a functools.partial of a coroutine function has no code.
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
