"""JupyterLab on Windows.

Most of these tests run on Linux, and replace `sys.platform` in a module. No test runs
the whole course on Windows.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from loyalty import config
from loyalty.lab import LabError
from loyalty.lab.course.location import FOLDER
from loyalty.lab.jupyter import windows

pytestmark = pytest.mark.slow

needs_posix = pytest.mark.skipif(os.name == "nt", reason="simulates Windows on Linux or macOS")


CALL = """
import sys
from loyalty.lab import __main__ as entry
from loyalty.lab.jupyter import windows
entry.sys.platform, windows.fetch_server = "win32", lambda: None
sys.argv[1:] = ["--", sys.executable, "-c", {jupyter!r}]
entry.main()
"""
JUPYTER = """
import os, sys, time
try:
    print(os.environ["LOYALTY_LAB_SESSION_FOLDER"], flush=True)
    time.sleep({seconds})
except KeyboardInterrupt:
    time.sleep(1)  # JupyterLab asks for a confirmation
sys.exit(7)
"""


def call(seconds: float) -> subprocess.Popen[str]:
    """Run `python -m loyalty.lab` as on Windows, with another program instead of JupyterLab."""
    script = CALL.format(jupyter=JUPYTER.format(seconds=seconds))
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True)


def test_launcher_returns_the_exit_status_and_removes_the_session_folder() -> None:
    with call(seconds=0) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert process.wait(30) == 7
    assert folder.name.startswith("loyalty-session-")
    assert not folder.exists()


@needs_posix
def test_launcher_waits_for_jupyterlab_after_ctrl_c() -> None:
    with call(seconds=60) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)  # a console sends Ctrl-C to both processes
        assert process.wait(30) == 7


def test_removal_of_an_open_folder_is_retried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[Path] = []

    def remove(folder: Path, ignore_errors: bool) -> None:
        attempts.append(folder)
        if len(attempts) == 3:
            shutil.rmtree(folder)

    monkeypatch.setattr(windows, "shutil", SimpleNamespace(rmtree=remove))
    monkeypatch.setattr(windows, "signal", SimpleNamespace(SIGINT=signal.SIGINT, signal=lambda *_: None))
    session = tmp_path / "session"
    session.mkdir()
    assert windows.run_as_child([sys.executable, "-c", ""], {**os.environ, FOLDER: str(session)}) == 0
    assert attempts == [session] * 3


@pytest.mark.parametrize(
    ("found", "configured", "fetched"),
    [(None, {}, True), ("temporal.exe", {}, False), (None, {"target_host": "x"}, False)],
)
def test_launcher_downloads_the_server_only_if_the_server_is_missing(
    found: str | None, configured: Mapping[str, str], fetched: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    async def fetch() -> None:
        calls.append("fetched")

    monkeypatch.setattr(windows, "binary", lambda: found)
    monkeypatch.setattr(config, "cluster", lambda: configured)
    monkeypatch.setattr(windows, "download", fetch)
    windows.fetch_server()
    assert calls == ["fetched"] * fetched


def test_launcher_reports_a_failed_download_and_continues(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail() -> None:
        raise LabError("Cannot download the Temporal server: no network")

    monkeypatch.setattr(windows, "binary", lambda: None)
    monkeypatch.setattr(windows, "download", fail)
    windows.fetch_server()
    assert "no network" in capsys.readouterr().err
