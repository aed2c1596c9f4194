"""What is published beside the code: the README as PyPI shows it, and the citation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import asyncslot

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    """Return what pyproject.toml says."""
    tomllib = pytest.importorskip("tomllib", reason="Python reads TOML from 3.11 on")
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return found


def render(text: str, project: dict[str, Any]) -> str:
    """Do to a README what the build does to it for PyPI."""
    for each in project["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        text = re.sub(each["pattern"], each["replacement"], text)
    return text


def test_readme_on_pypi_has_no_relative_link(project: dict[str, Any]) -> None:
    """A link or a picture with a relative target would be dead there."""
    text = render((ROOT / "README.md").read_text(encoding="utf-8"), project)
    assert re.findall(r"(?<!\w)\[[^\]\n]*\]\((?!https?:)[^)]*\)", text) == []
    assert re.findall(r"""(?:src|srcset|href)=["'](?!https?:)[^"']*""", text) == []
    assert "asyncslot" in text


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("See [the page](docs/page.md#part-2), [`there`](examples), [here](#here).", "See the page, `there`, here."),
        (
            "[A](https://example.org/a.md) and `handlers[0](event)`",
            "[A](https://example.org/a.md) and `handlers[0](event)`",
        ),
        ("![A picture](docs/a.png)\ntext\n", "text\n"),
        ("[![A picture](docs/a.png)](docs/a.md)\ntext\n", "text\n"),
        ('<picture>\n<source srcset="a.png">\n<img src="b.png">\n</picture>\ntext\n', "text\n"),
        ('<img src="docs/a.gif"\n width="600">\ntext\n', "text\n"),
    ],
)
def test_readme_links_become_text(project: dict[str, Any], text: str, rendered: str) -> None:
    """Relative links become their text, relative pictures go, and the rest stays as it is."""
    assert render(text, project) == rendered


def test_citation_has_our_version() -> None:
    """CITATION.cff names the version of this code."""
    assert f"\nversion: {asyncslot.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
