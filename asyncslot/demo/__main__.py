"""``python -m asyncslot.demo``: the arguments, what is missing, and the exit code."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Sequence
from urllib.parse import urlsplit

__all__ = ["main"]

# The Qt platforms that show nothing on this machine's screen. Source: the plugins in the wheels' "platforms"
# directory.
INVISIBLE_PLATFORMS = ("offscreen", "minimal", "vnc")


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the demo.

    Args:
        arguments: The command line's arguments; None for the program's own.

    Returns:
        The exit code: 0; or 1 if a package or library is missing, or if a run without a display has failed.

    Raises:
        SystemExit: With 2, if the arguments are invalid.
    """
    parser = _make_parser()
    options = parser.parse_args(arguments)
    # Now, so that a directory that cannot be made is a usage error and no failure in the window.
    if options.directory is not None:
        try:
            options.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            parser.error(f"argument --directory: {error}")
    try:
        # After the arguments were checked, because --help and usage errors need neither a display nor aiohttp.
        from asyncslot._qt import check_platform_plugin  # noqa: PLC0415
        from asyncslot._qt.proven import describe_platform  # noqa: PLC0415
        from asyncslot.demo.application import Options, run_application  # noqa: PLC0415
    except ImportError as error:
        print(f"asyncslot.demo: {_explain(error)}", file=sys.stderr)
        return 1
    is_self_driven = _choose_platform(is_forced=options.offscreen)
    try:
        # Qt would abort the process.
        check_platform_plugin()
    except ImportError as error:
        print(f"asyncslot.demo: {error}, or --offscreen", file=sys.stderr)
        return 1
    if not sys.platform.startswith("linux"):
        # A reader should not take for proven what is not.
        print(describe_platform(), flush=True)
    return run_application(
        Options(
            urls=options.urls,
            directory=options.directory,
            seconds=options.seconds,
            is_self_driven=is_self_driven,
            screenshot=options.screenshot,
        )
    )


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m asyncslot.demo",
        description="Download files in a Qt window, by asyncio: from URLs, or from a server of the demo's own.",
    )
    parser.add_argument("urls", metavar="URL", nargs="*", type=_http_url, help="a file to download")
    parser.add_argument(
        "--directory", metavar="DIR", type=Path, help="where to (default: a temporary one, removed at the end)"
    )
    parser.add_argument(
        "--seconds",
        metavar="N",
        type=_positive,
        default=3.0,
        help="how long the demo's own server takes for its slowest file (default: %(default)g)",
    )
    parser.add_argument(
        "--offscreen", action="store_true", help="show nothing and click the buttons itself, as without a display"
    )
    parser.add_argument(
        "--screenshot",
        metavar="FILE",
        type=Path,
        default=Path("demo-screenshot.png"),
        help="where that run saves a picture of the window (default: %(default)s)",
    )
    return parser


def _http_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        # Reading the port raises ValueError, too, if it is not a number up to 65535.
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        msg = f"{text!r} is not a URL that begins with http:// or https:// and a host"
        raise argparse.ArgumentTypeError(msg)
    return text


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    # NaN fails this comparison, too.
    if not 0 < number < float("inf"):
        msg = f"{text!r} is not a number of seconds above 0"
        raise argparse.ArgumentTypeError(msg)
    return number


def _choose_platform(*, is_forced: bool) -> bool:
    """Have Qt run without a display if there is none, or if *is_forced*; return whether the window is invisible."""
    # By Qt's own variable, which it reads when the application object is made.
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    if is_forced:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        return True
    # A choice of the user's counts. After a colon come the plugin's options.
    if platform:
        return platform.partition(":")[0] in INVISIBLE_PLATFORMS
    # Windows and macOS are taken to have a display. Elsewhere X11 and Wayland name theirs by a variable.
    if sys.platform in ("win32", "darwin") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return False
    print(
        "No display: the demo runs offscreen and clicks its own buttons. Qt may say what its plugin for that lacks.",
        flush=True,
    )
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    return True


def _explain(error: ImportError) -> str:
    """Return what to install, in one line."""
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is not installed; install what the demo needs: in a clone, pip install '.[demo]'"
    return " ".join(str(error).split())


if __name__ == "__main__":
    sys.exit(main())
