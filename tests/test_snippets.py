"""
Every Python snippet of README.md and of docs/ runs.

A snippet is a whole program. It runs as it is printed, with the imports that it shows; warnings are errors,
standard error is empty, and it exits with 0. A comment at the end of a line of code is what the program prints there,
unless it ends with a full stop: then it explains; `...` stands for what differs from run to run. A program with an
`await` at its top level is run by `python -m asyncslot`.

What is otherwise says so by a mark, an HTML comment on the line before the fence:

- `<!-- continues -->`: it continues the program before it on the page; both run, as one.
- `<!-- needs: Python 3.12 -->`, `<!-- needs: Python before 3.16 -->`: where it runs.
- `<!-- not run: why not -->`: it must compile, and what it takes from asyncslot must exist.
"""

from __future__ import annotations

import ast
import importlib
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path
from typing import Iterator

import pytest
from page_support import ROOT, Fence, find_pages, read_fences
from qt import BINDING
from support import CEILING_S, IS_WINDOWS, is_noise

# Pages whose snippets need more than to be run: the tests there run them all.
ELSEWHERE = {
    "README.md": "test_readme.py",
    "docs/index.md": "test_site.py",
    "docs/tutorial.md": "test_tutorial.py",
    "docs/busy.md": "test_docs.py",
    "docs/qml.md": "test_task_handle.py",
}

PYTHON = [
    fence
    for page in find_pages()
    if page.relative_to(ROOT).as_posix() not in ELSEWHERE
    for fence in read_fences(page)
    if fence.language == "python"
]


def collect_programs() -> list[list[Fence]]:
    """Return the programs of all pages: each is a snippet, and those that continue it."""
    programs: list[list[Fence]] = []
    for fence in PYTHON:
        if fence.mark == "continues":
            assert programs, fence.place
            assert programs[-1][0].page == fence.page, f"{fence.place}: there is no program before it"
            programs[-1].append(fence)
        elif fence.mark != "not run":
            programs.append([fence])
    return programs


PROGRAMS = collect_programs()


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program[0].place)
def test_program_prints_what_its_comments_say(program: list[Fence], tmp_path: Path) -> None:
    """The program runs with the imports that it shows, prints what its comments say, and no word on stderr."""
    code = "\n\n".join(fence.text for fence in program)
    skip_unless_it_can_run(program[0], code)
    # A file, not `-c`: its other processes could not import it.
    path = tmp_path / "snippet.py"
    path.write_text(adapt(code), encoding="utf-8")
    runner = ["-m", "asyncslot"] if has_top_level_await(code) else []
    run = subprocess.run(
        [sys.executable, "-W", "error", *runner, str(path)],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=CEILING_S,
    )
    assert [line for line in run.stderr.splitlines(keepends=True) if not is_noise(line)] == []
    expected = [re.escape(comment).replace(re.escape("..."), ".*") for comment in find_output(code)]
    assert re.fullmatch("".join(f"{line}\\n" for line in expected), run.stdout)
    assert run.returncode == 0


def has_top_level_await(code: str) -> bool:
    """Tell whether the program is one for `python -m asyncslot`."""
    try:
        compile(code, "snippet", "exec")
    except SyntaxError:
        return True
    return False


def find_output(code: str) -> Iterator[str]:
    """Yield the comments at the end of a line of code that say what is printed there."""
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        comment = token.string.lstrip("# ")
        is_explanation = comment.endswith(".") and not comment.endswith("...")
        if token.type == tokenize.COMMENT and token.line[: token.start[1]].strip() and not is_explanation:
            yield comment


def skip_unless_it_can_run(fence: Fence, code: str) -> None:
    if IS_WINDOWS and "run_in_process" in code:
        pytest.skip("in Wine 8, the standard library's own pool hangs with two calls at once (Python 3.12.1)")
    if fence.mark == "needs":
        version = re.fullmatch(r"Python (before )?3\.(\d+)", fence.reason)
        assert version, fence.place
        if (sys.version_info < (3, int(version[2]))) != bool(version[1]):
            pytest.skip(f"needs {fence.reason}")


def adapt(code: str) -> str:
    """Return the code with the names of the binding on which the tests run; pages have those of PySide6."""
    # Not in a string, such as compat.replace("PySide6.QtAsyncio").
    code = re.sub(r"^( *)(from|import) PySide6\b", rf"\1\2 {BINDING}", code, flags=re.MULTILINE)
    if BINDING.startswith("PyQt"):
        imports = re.compile(rf"^from {BINDING}\.QtCore import .*$", re.MULTILINE)
        code = imports.sub(lambda line: re.sub(r"\b(Signal|Slot|Property)\b", r"pyqt\1 as \1", line[0]), code)
    if BINDING == "PySide2":
        code = code.replace("app.exec()", "app.exec_()")  # Its only name there.
    return code


@pytest.mark.parametrize("fence", [fence for fence in PYTHON if fence.mark == "not run"], ids=lambda fence: fence.place)
def test_snippet_that_is_not_run_names_what_is_there(fence: Fence) -> None:
    """It says why it is not run, compiles, and what it takes from asyncslot exists."""
    assert fence.reason
    compile(fence.text, fence.place, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    for node in ast.walk(ast.parse(fence.text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("asyncslot"):
            for alias in node.names:
                assert hasattr(importlib.import_module(node.module or ""), alias.name)


@pytest.mark.parametrize(("page", "module"), ELSEWHERE.items())
def test_page_that_is_tested_elsewhere_is_read_there(page: str, module: str) -> None:
    """The test module that is named for a page reads it."""
    assert Path(page).stem in (Path(__file__).parent / module).read_text(encoding="utf-8")
