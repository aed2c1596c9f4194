"""
Make asyncio itself use the Qt-hosted loop, in a program that knows nothing of that loop.

Importing this package imports neither Qt nor asyncio: on Python 3.15 and later, every start of
the interpreter imports it. It has nothing for pytest to rewrite: PYTEST_DONT_REWRITE.
"""

TYPE_CHECKING = False  # Type checkers take it for typing's; importing typing costs a millisecond.
if TYPE_CHECKING:
    from asyncslot_policy._config import AsyncSlotPolicyError
    from asyncslot_policy._hooks import install, uninstall
    from asyncslot_policy._policy import AsyncSlotEventLoopPolicy

__all__ = ["AsyncSlotEventLoopPolicy", "AsyncSlotPolicyError", "install", "uninstall"]

_MODULES = {
    "AsyncSlotEventLoopPolicy": "_policy",
    "AsyncSlotPolicyError": "_config",
    "install": "_hooks",
    "uninstall": "_hooks",
}


def _start() -> None:
    """
    Install what ASYNCSLOT_POLICY names. The startup files call this at every start of the interpreter.

    It is in this module because a second module would cost another 0.1 ms.
    """
    import os  # noqa: PLC0415 - `import asyncslot_policy` leaves no other name behind.

    if os.environ.get("ASYNCSLOT_POLICY"):
        from asyncslot_policy._startup import main  # noqa: PLC0415 - only then is there anything to do.

        main()


def __getattr__(name: str) -> object:
    """Import a public name's module when it is first asked for."""
    if name not in _MODULES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    # Each by a statement of its own: PyInstaller and Nuitka find modules by these.
    if _MODULES[name] == "_config":
        import asyncslot_policy._config as module  # noqa: PLC0415 - see the module's docstring.
    elif _MODULES[name] == "_hooks":
        import asyncslot_policy._hooks as module  # type: ignore[no-redef]  # noqa: PLC0415
    else:
        import asyncslot_policy._policy as module  # type: ignore[no-redef]  # noqa: PLC0415
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> "list[str]":
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})
