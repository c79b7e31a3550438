"""The Temporal server on Windows is downloaded, and starts again if a port is in use.

Most of these tests run on Linux, and replace `sys.platform` in a module. No test runs
the whole course on Windows.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from loyalty.lab import Lab, LabError, connect
from loyalty.lab.server import download as download_module
from loyalty.lab.server import embedded as server_module
from loyalty.lab.server.download import download
from loyalty.lab.server.embedded import EmbeddedServer, binary
from tests.support.helpers import TEMPORAL

pytestmark = pytest.mark.slow

needs_posix = pytest.mark.skipif(os.name == "nt", reason="simulates Windows on Linux or macOS")


class Downloads:
    """Replaces the SDK's download. The replacement makes a link to the real server, and uses no network."""

    def __init__(self) -> None:
        self.count = 0
        self.error: RuntimeError | None = None

    async def start_local(self, *, download_dest_dir: str, **_: object) -> Any:
        self.count += 1
        if self.error:
            raise self.error
        (Path(download_dest_dir) / "temporal-sdk-python-1.35.0.exe").symlink_to(TEMPORAL)

        async def shutdown() -> None: ...

        return SimpleNamespace(shutdown=shutdown)


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Python's folder on Windows, but without a `temporal` program."""
    folder = tmp_path / "Scripts"
    folder.mkdir()

    def which(name: str, path: str | None = None) -> str | None:
        found = Path(path or tmp_path) / f"{name}.exe"
        return str(found) if found.exists() else None

    monkeypatch.setattr(connect, "sys", SimpleNamespace(platform="win32"))
    for module in (server_module, download_module):
        monkeypatch.setattr(module, "sys", SimpleNamespace(executable=str(folder / "python.exe")))
    monkeypatch.setattr(server_module, "shutil", SimpleNamespace(which=which))
    return folder


@pytest.fixture
def downloads(scripts: Path, monkeypatch: pytest.MonkeyPatch) -> Downloads:
    downloads = Downloads()
    monkeypatch.setattr(WorkflowEnvironment, "start_local", downloads.start_local)
    return downloads


@needs_posix
async def test_lab_can_kill_and_restart_a_downloaded_server(scripts: Path, downloads: Downloads) -> None:
    async with await Lab.start("first", own_server=True, worker=False) as lab:
        assert binary() == scripts / "temporal.exe"
        lab.server.kill()
        await lab.server.start()
        assert await lab.client.service_client.check_health()
    async with await Lab.start("second", own_server=True, worker=False):
        assert downloads.count == 1, "The second lab uses the first lab's download"
    assert os.listdir(scripts) == ["temporal.exe"]


async def test_error_about_a_failed_download_explains_the_next_step(scripts: Path, downloads: Downloads) -> None:
    downloads.error = RuntimeError("Failed starting test server: error sending request")
    with pytest.raises(LabError, match=r"Cannot download the Temporal server: .* sending request; TEMPORAL_ADDRESS"):
        await Lab.start(own_server=True)
    assert not os.listdir(scripts), "A failed download leaves no files"


@needs_posix
@pytest.mark.parametrize("another_was_faster", [True, False])
async def test_download_does_not_replace_a_running_program(
    another_was_faster: bool, scripts: Path, downloads: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Access is denied")

    monkeypatch.setattr(Path, "replace", refuse)
    if another_was_faster:
        (scripts / "temporal.exe").touch()
        assert await download() == scripts / "temporal.exe"
    else:
        with pytest.raises(PermissionError):
            await download()


# ---- ports --------------------------------------------------


TAKEN = "listen tcp 127.0.0.1:7233: bind: "
SECOND_ATTEMPT = """#!{python}
import socket, sys, time
from pathlib import Path
first = Path(__file__).with_name("first")
if not first.exists():
    first.touch()
    sys.exit({words!r})
listening = [socket.create_server(("127.0.0.1", int(sys.argv[sys.argv.index(f"--{{name}}") + 1])))
             for name in ("port", "ui-port")]
time.sleep(60)
"""


def server_that_fails_once(folder: Path, words: str) -> Path:
    """Return a program that prints the error `words` and fails at the first start.

    Later starts listen on the server's ports.
    """
    program = folder / "temporal"
    program.write_text(SECOND_ATTEMPT.format(python=sys.executable, words=words), encoding="utf-8")
    program.chmod(0o755)
    return program


@needs_posix
@pytest.mark.parametrize(
    "words",
    [
        "address already in use",
        "Only one usage of each socket address (protocol/network address/port) is normally permitted.",
    ],
    ids=["Linux and macOS", "Windows"],
)
async def test_server_tries_other_ports_if_a_port_is_in_use(words: str, tmp_path: Path) -> None:
    server = EmbeddedServer(server_that_fails_once(tmp_path, TAKEN + words), tmp_path / "log")
    await server.stop()
    assert words in (tmp_path / "log").read_text(encoding="utf-8")


@needs_posix
def test_server_error_is_raised_at_once_if_all_ports_are_free(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="its last lines:\nthe disk is full"):
        EmbeddedServer(server_that_fails_once(tmp_path, "the disk is full"), tmp_path / "log")
