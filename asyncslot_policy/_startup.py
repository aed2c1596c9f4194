"""
What the startup files do if ASYNCSLOT_POLICY is set: asyncslot_policy.pth, or .start from Python 3.15 on.

No exception leaves this module: it prints one line instead.
"""

import os
import sys

__all__ = ["main"]

_has_run = False


def main() -> None:
    """
    Install what ASYNCSLOT_POLICY names.

    In a virtual environment, the startup files run twice; the second run is a no-op.
    Nothing that the loop itself needs is imported before the program asks for a loop.
    """
    global _has_run  # noqa: PLW0603 - there is one interpreter.
    if _has_run or sys.flags.ignore_environment or not os.environ.get("ASYNCSLOT_POLICY"):
        return
    _has_run = True
    try:
        _install()
    except Exception as exc:  # noqa: BLE001 - the program must run on.
        _report(exc)


def _install() -> None:
    from asyncslot_policy._config import AsyncSlotPolicyError, read_environment  # noqa: PLC0415 - not unasked.

    try:
        request = read_environment(os.environ)
        if request.loop is not None:
            from asyncslot_policy._hooks import install_source  # noqa: PLC0415 - it imports asyncio.
            from asyncslot_policy._source import LoopSource  # noqa: PLC0415

            install_source(LoopSource(request, is_tolerant=True))
    except AsyncSlotPolicyError as exc:
        _report(exc, str(exc))


def _report(exc: BaseException, text: str = "") -> None:
    try:
        _print_report(exc, text)
    except (OSError, ValueError):  # Standard error cannot be written to; the program must run on.
        return


def _print_report(exc: BaseException, text: str) -> None:
    if sys.stderr is None:
        return
    if os.environ.get("ASYNCSLOT_DEBUG", "").strip() not in ("", "0"):
        import traceback  # noqa: PLC0415 - only now is it needed.

        traceback.print_exception(type(exc), exc, exc.__traceback__)
    if not text:
        text = (
            f"ASYNCSLOT_POLICY={os.environ['ASYNCSLOT_POLICY']!r}: "
            f"{' '.join(f'{type(exc).__name__}: {exc}'.split())}; to turn this off, unset it, or set it to 'off'"
        )
    print(f"asyncslot_policy: {text}. The program goes on with stock asyncio.", file=sys.stderr)  # noqa: T201
