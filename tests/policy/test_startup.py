"""Programs under ASYNCSLOT_POLICY alone: what the startup file does, when it does nothing, what goes wrong."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from policy_support import (
    BINDING,
    MAKE_APPLICATION,
    OTHER_BINDING,
    OURS,
    PROGRAM,
    ROOT,
    STOCK,
    is_startup_file_installed,
    run_python,
    write_distribution,
)

from asyncslot_policy._config import OFF_WORDS

OTHER = OTHER_BINDING

# Of asyncslot_policy, what Python 3.15 imports at each start.
LIGHT_MODULES = ["asyncslot_policy"] if sys.version_info >= (3, 15) else []

needs_startup_file = pytest.mark.skipif(not is_startup_file_installed(), reason="test_startup_file_is_installed fails")

QT_AND_CORE = {"ASYNCSLOT_POLICY": "qt", "ASYNCSLOT_APPLICATION": "core"}


def test_startup_file_is_installed() -> None:
    """The startup file is there, in a wheel's installation and in an editable one."""
    assert is_startup_file_installed(), "install the project again: the startup file is new"


# -- the loop that was asked for --


@needs_startup_file
@pytest.mark.parametrize("value", ["qt", "1", "auto", "asyncslot:AsyncSlotEventLoop"])
def test_variable_set_program_runs_on_qt(value: str) -> None:
    """An unmodified asyncio program, which makes its application, runs on the Qt-hosted loop."""
    finished = run_python("-c", MAKE_APPLICATION + PROGRAM, environment={"ASYNCSLOT_POLICY": value})
    assert finished.errors == ""
    assert finished.lines == [OURS]


@needs_startup_file
@pytest.mark.parametrize(
    ("kind", "expected"), [("core", "QCoreApplication"), ("gui", "QGuiApplication"), ("widgets", "QApplication")]
)
def test_variable_for_application_makes_one(kind: str, expected: str) -> None:
    """A program that knows nothing of Qt runs with the application that ASYNCSLOT_APPLICATION names."""
    report = f"\nfrom {BINDING}.QtCore import QCoreApplication; print(type(QCoreApplication.instance()).__name__)"
    environment = {"ASYNCSLOT_POLICY": "qt", "ASYNCSLOT_APPLICATION": kind}
    finished = run_python("-c", PROGRAM + report, environment=environment)
    assert finished.errors == ""
    assert finished.code == 0
    assert finished.lines == [OURS, expected]


@needs_startup_file
def test_variable_set_no_application_raises() -> None:
    """Without an application, and nobody asked to make one, the program gets asyncslot's own error, once."""
    finished = run_python("-c", PROGRAM, environment={"ASYNCSLOT_POLICY": "qt"})
    assert finished.errors.count("RuntimeError: there is no QCoreApplication") == 1
    assert "ASYNCSLOT_APPLICATION=core" in finished.errors
    for noise in ("During handling", "never awaited", "was destroyed", "ResourceWarning"):
        assert noise not in finished.errors
    assert finished.code == 1


@needs_startup_file
def test_variables_choose_for_asyncslot_run_and_slots(tmp_path: Path) -> None:
    """A program that uses asyncslot itself gets the variables' loop and application there, too."""
    (tmp_path / "chosen.py").write_text("import asyncslot\nclass Chosen(asyncslot.AsyncSlotEventLoop): pass\n")
    program = tmp_path / "program.py"
    program.write_text(
        "import asyncio, asyncslot\n"
        "from asyncslot._qt import QtCore\n"
        "async def main(): return type(asyncio.get_running_loop()).__name__\n"
        "print(asyncslot.run(main()), type(QtCore.QCoreApplication.instance()).__name__)\n"
        "task = asyncslot.run_task(main())\n"
        "print(task.result())\n"
        "task.get_loop().shutdown()\n"
    )
    environment = {"ASYNCSLOT_POLICY": "chosen:Chosen", "ASYNCSLOT_APPLICATION": "core"}
    finished = run_python(str(program), environment=environment)
    assert finished.errors == ""
    assert finished.lines == ["Chosen QCoreApplication", "Chosen"]


@needs_startup_file
@pytest.mark.parametrize("value", [*OFF_WORDS, "OFF"])
def test_variable_off_is_stock(value: str) -> None:
    """The words for "off" mean stock asyncio."""
    environment = {"ASYNCSLOT_POLICY": value, "ASYNCSLOT_APPLICATION": "core"}
    finished = run_python("-c", PROGRAM, environment=environment)
    assert finished.errors == ""
    assert finished.lines == [STOCK]


@needs_startup_file
@pytest.mark.parametrize("option", ["-E", "-I"])
def test_variable_set_is_not_heeded_by_isolated_python(option: str) -> None:
    """Under -E and -I no variable counts."""
    finished = run_python("-c", PROGRAM, environment=QT_AND_CORE, options=(option, "-W", "error"))
    assert finished.errors == ""
    assert finished.lines == [STOCK]


@needs_startup_file
def test_variable_set_multiprocessing_child_runs_on_qt(tmp_path: Path) -> None:
    """A child that multiprocessing has spawned runs on the Qt-hosted loop, as its parent."""
    program = tmp_path / "program.py"
    program.write_text(
        "import asyncio, multiprocessing\n"
        "async def name():\n"
        "    return type(asyncio.get_running_loop()).__name__\n"
        "def child(queue):\n"
        "    queue.put(asyncio.run(name()))\n"
        "if __name__ == '__main__':\n"
        "    context = multiprocessing.get_context('spawn')\n"
        "    queue = context.SimpleQueue()\n"
        "    process = context.Process(target=child, args=(queue,))\n"
        "    process.start()\n"
        "    print(asyncio.run(name()), queue.get())\n"
        "    process.join()\n"
        "    print(process.exitcode)\n"
    )
    # Not in debug mode: on Python 3.15, asyncio's then warns in a spawned child, on its own loop as well.
    finished = run_python(str(program), environment=QT_AND_CORE, options=("-W", "error"))
    assert finished.errors == ""
    assert finished.lines == [f"{OURS} {OURS}", "0"]


@needs_startup_file
def test_variable_set_asyncio_subprocess_runs_on_qt(tmp_path: Path) -> None:
    """A Python program that an asyncio program starts runs on the Qt-hosted loop, as that."""
    (tmp_path / "child.py").write_text(PROGRAM)
    program = (
        "import asyncio, sys\n"
        "async def main():\n"
        "    process = await asyncio.create_subprocess_exec(sys.executable, 'child.py', stdout=-1)\n"
        "    out, _ = await process.communicate()\n"
        "    print(type(asyncio.get_running_loop()).__name__, out.decode().strip(), process.returncode)\n"
        "asyncio.run(main())"
    )
    finished = run_python("-c", program, environment=QT_AND_CORE, directory=tmp_path)
    assert finished.errors == ""
    assert finished.lines == [f"{OURS} {OURS} 0"]


@needs_startup_file
def test_variable_set_threads_may_begin_at_once() -> None:
    """Several threads that are the first to ask for a loop all get one of ours."""
    program = f"""
import asyncio, threading
{MAKE_APPLICATION}
names = []
async def main():
    names.append(type(asyncio.get_running_loop()).__name__)
def run():
    barrier.wait()
    asyncio.run(main())
barrier = threading.Barrier(4)
threads = [threading.Thread(target=run) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
# Python's join() returns before the system's thread has ended, and Qt aborts a process that ends meanwhile.
import os, time
while any(os.path.exists(f"/proc/self/task/{{thread.native_id}}") for thread in threads): time.sleep(0.001)
print(names)
"""
    finished = run_python("-c", program, environment={"ASYNCSLOT_POLICY": "qt"})
    assert finished.errors == ""
    assert finished.lines == [str([OURS] * 4)]


@needs_startup_file
def test_variable_set_thread_before_the_application_is_stock() -> None:
    """A thread that asks for a loop before there is an application gets stock asyncio's, and the program one line."""
    program = f"""
import threading
def run():
    exec({PROGRAM!r}, {{}})
for _ in range(2):
    thread = threading.Thread(target=run, name="early")
    thread.start()
    thread.join()
run()
"""
    finished = run_python("-c", program, environment=QT_AND_CORE)
    assert finished.lines == [STOCK, STOCK, OURS]
    assert finished.errors == (
        "asyncslot_policy: ASYNCSLOT_POLICY='qt': thread 'early' asked for a loop before the main thread has made "
        "a QCoreApplication. Such threads get a stock asyncio loop.\n"
    )


@needs_startup_file
def test_variable_set_thread_has_no_loop_of_its_own_accord() -> None:
    """get_event_loop() in a thread that Qt does not serve is an error, as with stock asyncio."""
    program = f"""
import asyncio, threading
{MAKE_APPLICATION}
def get():
    try:
        asyncio.get_event_loop()
    except RuntimeError as exc:
        print(exc)
asyncio.new_event_loop().close()
thread = threading.Thread(target=get, name="plain")
thread.start()
thread.join()
"""
    finished = run_python("-c", program, environment={"ASYNCSLOT_POLICY": "qt"})
    assert finished.lines == ["There is no current event loop in thread 'plain'."]
    assert finished.errors == ""


@needs_startup_file
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the device is Linux's")
def test_variable_wrong_standard_error_full_program_runs() -> None:
    """A line that cannot be printed does not end the program."""
    code = f"""
import os
os.dup2(os.open("/dev/full", os.O_WRONLY), 2)
exec({PROGRAM!r})
"""
    finished = run_python("-c", code, environment={"ASYNCSLOT_POLICY": "qtt"})
    assert finished.lines == [STOCK]


# -- programs that know nothing of asyncslot --


@needs_startup_file
def test_variable_set_aiohttp_serves_itself() -> None:
    """An aiohttp server answers an aiohttp client, both on the Qt-hosted loop by the variable alone."""
    pytest.importorskip("aiohttp")
    program = (
        "import asyncio, aiohttp, aiohttp.web as web\n"
        "async def answer(request):\n"
        "    name = type(asyncio.get_running_loop()).__name__\n"
        "    return web.json_response({'loop': name, 'got': await request.text()})\n"
        "async def main():\n"
        "    application = web.Application()\n"
        "    application.router.add_post('/', answer)\n"
        "    runner = web.AppRunner(application)\n"
        "    await runner.setup()\n"
        "    site = web.TCPSite(runner, '127.0.0.1', 0)\n"
        "    await site.start()\n"
        "    port = site._server.sockets[0].getsockname()[1]\n"
        "    async with aiohttp.ClientSession() as session:\n"
        "        async def ask(text):\n"
        "            async with session.post(f'http://127.0.0.1:{port}/', data=text) as response:\n"
        "                return await response.json()\n"
        "        answers = await asyncio.gather(*(ask(f'{n}' * 1000) for n in range(10)))\n"
        "    print(len(answers), {answer['loop'] for answer in answers}, [answer['got'][:1] for answer in answers])\n"
        "    await runner.cleanup()\n"
        "asyncio.run(main())\n"
    )
    finished = run_python("-c", program, environment=QT_AND_CORE, options=())
    assert finished.errors == ""
    assert finished.lines == [f"10 {{{OURS!r}}} {[str(n) for n in range(10)]}"]


@needs_startup_file
def test_variable_set_anyio_program_runs() -> None:
    """An anyio program with a task group, stream, thread, timeout and subprocess runs on the Qt-hosted loop."""
    pytest.importorskip("anyio")
    program = (
        "import asyncio, sys, anyio, anyio.to_thread\n"
        "async def main():\n"
        "    send, receive = anyio.create_memory_object_stream(5)\n"
        "    async def produce():\n"
        "        async with send:\n"
        "            for n in range(5):\n"
        "                await send.send(await anyio.to_thread.run_sync(lambda: n * n))\n"
        "    got = []\n"
        "    async with anyio.create_task_group() as group, receive:\n"
        "        group.start_soon(produce)\n"
        "        async for n in receive:\n"
        "            got.append(n)\n"
        "    with anyio.move_on_after(0.01) as scope:\n"
        "        await anyio.sleep_forever()\n"
        "    child = await anyio.run_process([sys.executable, '-c', 'print(5)'])\n"
        "    print(type(asyncio.get_running_loop()).__name__, got, scope.cancel_called, child.stdout.strip())\n"
        "anyio.run(main)\n"
    )
    finished = run_python("-c", program, environment=QT_AND_CORE, options=())
    assert finished.errors == ""
    assert finished.lines == [f"{OURS} [0, 1, 4, 9, 16] True b'5'"]


# -- what goes wrong --


@needs_startup_file
@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"ASYNCSLOT_POLICY": "qtt"}, ["ASYNCSLOT_POLICY='qtt'", "no loop of this name", "raising"]),
        ({"ASYNCSLOT_POLICY": "no.such:thing"}, ["ASYNCSLOT_POLICY='no.such:thing'", "No module named 'no'"]),
        ({"ASYNCSLOT_POLICY": "os:getcwd"}, ["ASYNCSLOT_POLICY='os:getcwd'", "no event loop"]),
        ({"ASYNCSLOT_POLICY": "raising"}, ["ASYNCSLOT_POLICY='raising'", "ValueError: at import"]),
        ({"ASYNCSLOT_POLICY": "exiting"}, ["ASYNCSLOT_POLICY='exiting'", "SystemExit: 3"]),
        (
            {"ASYNCSLOT_POLICY": "qt", "ASYNCSLOT_QT_API": OTHER.lower()},
            ["ASYNCSLOT_POLICY='qt'", OTHER.lower()],
        ),
        (
            {"ASYNCSLOT_POLICY": "qt", "ASYNCSLOT_QT_API": OTHER},
            ["ASYNCSLOT_POLICY='qt'", repr(OTHER), BINDING],
        ),
    ],
    ids=["unknown", "no module", "no loop", "raising", "exiting", "binding missing", "binding contradicted"],
)
@pytest.mark.parametrize("code", [0, 5])
def test_variable_wrong_prints_one_line_and_goes_on(
    tmp_path: Path, variables: dict[str, str], expected: list[str], code: int
) -> None:
    """What cannot be had costs one line, with variable, value, what there is and the way out; the program runs on."""
    source = "raise ValueError('at\\nimport')"
    write_distribution(tmp_path, "raising_loops", {"raising": "raising_loops:make"}, source)
    write_distribution(tmp_path, "exiting_loops", {"exiting": "exiting_loops:make"}, "raise SystemExit(3)")
    program = f"import {BINDING}.QtCore\n{PROGRAM}\nasyncio.run(main())\nraise SystemExit({code})"
    finished = run_python("-c", program, environment={"PYTHONPATH": str(tmp_path), **variables})
    [line] = finished.errors.splitlines()
    for part in [*expected, "available: ", "qt", "unset ASYNCSLOT_POLICY", "stock asyncio"]:
        assert part in line
    assert finished.lines == [STOCK, STOCK]
    assert finished.code == code


@needs_startup_file
def test_variable_wrong_application_prints_one_line_and_goes_on() -> None:
    """A kind of application that there is not costs one line, too."""
    environment = {"ASYNCSLOT_POLICY": "qt", "ASYNCSLOT_APPLICATION": "widget"}
    finished = run_python("-c", PROGRAM, environment=environment)
    [line] = finished.errors.splitlines()
    for part in ["ASYNCSLOT_APPLICATION='widget'", "core, gui, widgets", "unset ASYNCSLOT_APPLICATION"]:
        assert part in line
    assert finished.lines == [STOCK]


@needs_startup_file
def test_variable_wrong_get_event_loop_is_stocks() -> None:
    """After the line, get_event_loop and set_event_loop, too, are as asyncio's own."""
    program = (
        "import asyncio\n"
        "loop = asyncio.new_event_loop(); asyncio.set_event_loop(loop); print(asyncio.get_event_loop() is loop)\n"
        "print(type(loop).__name__); loop.close()"
    )
    finished = run_python("-c", program, environment={"ASYNCSLOT_POLICY": "qtt"})
    assert len(finished.errors.splitlines()) == 1
    assert finished.lines == ["True", STOCK]


@needs_startup_file
def test_variable_wrong_no_loop_asked_for_is_silent() -> None:
    """A program that makes no loop, such as pip, is not bothered."""
    finished = run_python("-c", "print('done')", environment={"ASYNCSLOT_POLICY": "qtt"})
    assert (finished.errors, finished.lines) == ("", ["done"])


@needs_startup_file
def test_startup_broken_installation_prints_one_line(tmp_path: Path) -> None:
    """If the startup itself fails, that is one line as well, and with ASYNCSLOT_DEBUG a traceback before it."""
    code = (
        "import sys; sys.modules['asyncslot_policy._hooks'] = None\n"
        "import asyncslot_policy._startup as startup; startup._has_run = False; startup.main()\n" + PROGRAM
    )
    # The first, real start is the interpreter's own; it is undone.
    code = "import asyncslot_policy; asyncslot_policy.uninstall()\n" + code
    finished = run_python("-c", code, environment={"ASYNCSLOT_POLICY": "qt"})
    [line] = finished.errors.splitlines()
    for part in ["ASYNCSLOT_POLICY='qt'", "ModuleNotFoundError", "'off'", "stock asyncio"]:
        assert part in line
    assert finished.lines == [STOCK]
    finished = run_python("-c", code, environment={"ASYNCSLOT_POLICY": "qt", "ASYNCSLOT_DEBUG": "1"})
    assert finished.errors.startswith("Traceback")


# -- that nothing else happens --


@needs_startup_file
@pytest.mark.parametrize("environment", [{}, {"ASYNCSLOT_POLICY": ""}], ids=["unset", "empty"])
def test_variable_unset_imports_nothing(environment: dict[str, str]) -> None:
    """Unset, the startup file imports nothing; from Python 3.15 on, the package itself, which imports nothing."""
    # In the environments of virtualenv, a file of its own imports typing on Python 3.9 and older.
    typing = "typing" if sys.version_info >= (3, 10) else "asyncio"
    code = (
        "import sys; print([name for name in sys.modules if name.partition('.')[0] in "
        f"('asyncslot', 'asyncslot_policy', 'asyncio', {BINDING!r}, {typing!r}) "
        "or name.startswith(('importlib.metadata', 'importlib_metadata'))])"
    )
    assert run_python("-c", code, environment=environment, options=()).lines == [str(LIGHT_MODULES)]


@needs_startup_file
def test_variable_set_imports_no_qt_before_a_loop_is_asked_for() -> None:
    """Set, the startup file imports asyncio, but neither Qt nor the metadata."""
    code = (
        "import sys; print([name for name in sys.modules if name.partition('.')[0] in "
        f"('asyncslot', {BINDING!r}) or name.startswith(('importlib.metadata', 'importlib_metadata'))])"
    )
    assert run_python("-c", code, environment={"ASYNCSLOT_POLICY": "qt"}, options=()).lines == ["[]"]


def test_startup_unset_costs_at_most_a_fifth_of_a_millisecond() -> None:
    """What Python does because of the startup file, with the variable unset, takes at most 0.2 ms, at best."""
    if sys.version_info >= (3, 15):
        act = "import asyncslot_policy; asyncslot_policy._start()"
        code = f"import sys; del sys.modules['asyncslot_policy']\nimport time; begin = time.perf_counter(); {act}"
    else:
        line = (ROOT / "asyncslot_policy/asyncslot_policy.pth").read_text().strip()
        code = f"import time; begin = time.perf_counter(); exec({line!r})"
    code += "; print(time.perf_counter() - begin)"
    environment = {"PYTHONDONTWRITEBYTECODE": ""}
    times_s = [float(run_python("-c", code, environment=environment, options=()).lines[0]) for _ in range(10)]
    assert min(times_s) <= 0.0002, times_s


def test_startup_runs_once() -> None:
    """A virtual environment runs startup files twice: the second time changes nothing, even after an uninstall()."""
    code = (
        "import asyncslot_policy; asyncslot_policy._start(); asyncslot_policy.uninstall(); asyncslot_policy._start()\n"
        + PROGRAM
    )
    assert run_python("-c", code, environment=QT_AND_CORE).lines == [STOCK]


def test_startup_writes_no_variable() -> None:
    """No variable is ever written."""
    code = (
        # PySide itself writes PATH on Windows.
        f"import os, {BINDING}.QtCore; before = dict(os.environ); import asyncslot_policy; asyncslot_policy._start()\n"
        + PROGRAM
        + "\nprint(dict(os.environ) == before)"
    )
    assert run_python("-c", code, environment=QT_AND_CORE).lines == [OURS, "True"]


# -- the distribution --


def test_startup_files_are_one_line_each() -> None:
    """The files hold one line each, which asks for the variable, and call the same function."""
    [pth] = (ROOT / "asyncslot_policy/asyncslot_policy.pth").read_text().splitlines()
    [start] = (ROOT / "asyncslot_policy/asyncslot_policy.start").read_text().splitlines()
    assert pth.startswith('import os; os.environ.get("ASYNCSLOT_POLICY") and ')
    assert start == "asyncslot_policy:_start"
    assert len(pth) < 100


def test_wheel_has_startup_files_at_its_root(tmp_path: Path) -> None:
    """A wheel has the startup files where Python reads them, and only there; read from there they work."""
    pytest.importorskip("hatchling", reason="nothing to build a wheel with offline")
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("no source tree")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith((".pth", ".start"))]
        archive.extractall(site)
    assert sorted(names) == ["asyncslot_policy.pth", "asyncslot_policy.start"]
    code = (
        f"import sys, site; sys.path[:] = [path for path in {sys.path!r} if path != {str(ROOT)!r}]\n"
        f"site.addsitedir({str(site)!r})\n"
        f"import asyncslot_policy; assert asyncslot_policy.__file__.startswith({str(site)!r})\n"
    )
    finished = run_python("-c", code + PROGRAM, environment=QT_AND_CORE, options=("-S", "-X", "dev", "-W", "error"))
    assert finished.errors == ""
    assert finished.lines == [OURS]
