"""Child processes and workers on Windows.

Most of these tests run on Linux, and replace `sys.platform` in a module. No test runs
the whole course on Windows.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any

import pytest

from loyalty import worker as worker_module
from loyalty.lab import LabError
from loyalty.lab.client.waiting import block_until
from loyalty.lab.experiments.transfers import crashing_process
from loyalty.lab.processes import guardian
from loyalty.lab.processes.child import Child
from loyalty.lab.processes.ports import ReservedPort, refuse_taken

pytestmark = pytest.mark.slow


def test_worker_starts_the_real_python_instead_of_the_launcher(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    launcher, python = r"C:\course\.venv\Scripts\python.exe", r"C:\Python313\python.exe"
    windows = SimpleNamespace(platform="win32", executable=launcher, _base_executable=python)
    monkeypatch.setattr(guardian, "sys", windows)
    command, environment = guardian.without_launcher([launcher, "-m", "loyalty.worker"])
    assert command == [python, "-m", "loyalty.worker"]
    assert environment == {**os.environ, "__PYVENV_LAUNCHER__": launcher}, "The variable names the virtual environment"


@pytest.mark.parametrize("platform", ["win32", "linux"])
def test_command_without_a_launcher_is_not_changed(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guardian, "sys", SimpleNamespace(platform=platform, executable="venv", _base_executable="base"))
    called = ["temporal.exe"] if platform == "win32" else ["venv", "-m", "loyalty.worker"]
    assert guardian.without_launcher(called) == (called, dict(os.environ))


def test_stop_after_the_end_of_a_child_process_raises_no_error(tmp_path: Path) -> None:
    child = Child([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "log")

    class Pipe:
        def write(self, _: str) -> None:
            os.kill(child.pid, signal.SIGTERM)

        def flush(self) -> None:
            raise OSError(errno.EINVAL, "Invalid argument")  # Windows raises this error for a closed pipe

    there, child._guardian.stdin = child._guardian.stdin, Pipe()  # type: ignore[assignment]
    child.stop()
    assert not child.alive
    assert there is not None
    there.close()


def test_log_of_a_python_process_is_written_in_utf_8(tmp_path: Path) -> None:
    legacy = {**os.environ, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    legacy.pop("PYTHONIOENCODING", None)
    child = Child([sys.executable, "-c", "import sys; sys.stderr.write('Zo\\u00eb')"], tmp_path / "log", legacy)
    block_until(lambda: not child.alive, "the process ends")
    assert child.last_lines(1) == "Zoë"


def test_exit_status_of_a_planned_crash_is_recognised_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    def ends_with(status: int) -> None:
        ended = subprocess.CompletedProcess([], status, "", "out of memory")
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: ended)

    monkeypatch.setattr(crashing_process, "KILL", signal.SIGTERM)
    ends_with(15)  # on Windows the signal number becomes the exit status
    assert crashing_process.run("any.module") == ([], True)
    ends_with(1)
    with pytest.raises(LabError, match="failed without a planned crash; its last lines:\nout of memory"):
        crashing_process.run("any.module")


def test_search_for_a_free_port_on_windows_uses_an_exclusive_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    options: list[int] = []
    port = ReservedPort().number

    class Recorded(socket.socket):
        def setsockopt(self, *arguments: Any) -> None:
            options.append(arguments[1])

    monkeypatch.setattr(socket, "SO_EXCLUSIVEADDRUSE", -5, raising=False)
    monkeypatch.setattr(socket, "socket", Recorded)
    refuse_taken(port)
    assert options == [-5]


class Serving:
    """A worker without tasks."""

    task_queue = "customer-loyalty"

    async def __aenter__(self) -> None: ...

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None: ...


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
async def test_sigterm_or_sigint_stops_a_worker_on_windows(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise NotImplementedError

    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", refuse)
    serving = asyncio.ensure_future(worker_module.serve(Serving()))  # type: ignore[arg-type]
    try:
        await asyncio.sleep(0)
        assert signal.getsignal(number) != before[number]
        signal.raise_signal(number)
        await asyncio.wait_for(serving, 5)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
