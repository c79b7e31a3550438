"""`python -m loyalty.lab`: JupyterLab with one Temporal server, which lives and dies with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from loyalty.lab.__main__ import CONFIGURATION, command, environment
from loyalty.lab.server import free_port
from loyalty.lab.session import FIRST_NOTEBOOK
from loyalty.lab.workspace import NAME, TITLE
from tests.helpers import eventually
from tests.test_lab import gone

TOKEN = "a-token-of-this-test"
BASE = "/user/ada/"


def answer(url: str, token: str = TOKEN, data: bytes | None = None) -> tuple[int, str]:
    """Return status and body of a page; 0 where nobody listens, 403 where JupyterLab asks for the token instead."""
    request = urllib.request.Request(url, data=data, headers={"Authorization": f"token {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as page:
            return 403 if "/login?" in page.url else page.status, page.read().decode(errors="replace")
    except urllib.error.HTTPError as refused:
        return refused.code, ""
    except urllib.error.URLError:
        return 0, ""


def descendants(pid: int) -> dict[int, str]:
    """Return the command lines of all processes below `pid`, by their pid."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [(int(row.split()[0]), int(row.split()[1]), row.split(maxsplit=2)[2]) for row in listed.splitlines()]
    found: dict[int, str] = {}
    families = {pid}
    for _ in rows:
        newcomers = {child: args for child, parent, args in rows if parent in families and child not in found}
        if not newcomers:
            break
        found |= newcomers
        families |= set(newcomers)
    return found


@dataclass
class Session:
    """A running JupyterLab."""

    process: subprocess.Popen[bytes]
    origin: str
    runtime: Path
    kernels: list[BlockingKernelClient] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.origin + BASE

    def new_kernel(self) -> BlockingKernelClient:
        status, body = answer(self.url + "api/kernels", data=b"{}")
        assert status == 201
        kernel = BlockingKernelClient(connection_file=str(self.runtime / f"kernel-{json.loads(body)['id']}.json"))
        self.kernels.append(kernel)
        kernel.load_connection_file()
        kernel.start_channels(hb=False)  # a kernel that is busy starting has no heartbeat yet, and is not dead
        kernel.wait_for_ready(timeout=60)
        return kernel


def run(kernel: BlockingKernelClient, source: str) -> str:
    """Return what a cell prints; fail with what it raises."""
    printed: list[str] = []

    def collect(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])
        if message["msg_type"] == "error":
            pytest.fail("\n".join(message["content"]["traceback"]))

    kernel.execute_interactive(source, output_hook=collect, timeout=60)
    return "".join(printed)


def start_jupyterlab(runtime: Path, **more: str) -> Session:
    """Start JupyterLab, with `more` in its environment; its files go to `runtime`."""
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("JPY_", "JUPYTER"))}
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "loyalty.lab", "--no-browser", f"--port={port}"),
            *(f"--ServerApp.base_url={BASE}", f"--IdentityProvider.token={TOKEN}"),
        ],
        env={
            **inherited,
            "JUPYTER_RUNTIME_DIR": str(runtime),
            "JUPYTER_CONFIG_DIR": str(runtime),
            "TMPDIR": str(runtime),
            **more,
        },
        stdout=subprocess.DEVNULL,
        stderr=(runtime / "log").open("wb"),
        start_new_session=True,
    )
    return Session(process, f"http://127.0.0.1:{port}", runtime)


async def answers(session: Session) -> None:
    """Wait until JupyterLab answers."""
    await eventually(
        lambda: answer(session.url + "api/status")[0] == 200, waiting_for="JupyterLab to answer", timeout=60
    )


def end(session: Session) -> None:
    """End JupyterLab and what the test holds of it."""
    session.process.kill()
    session.process.wait()
    for kernel in session.kernels:  # a ZeroMQ context that is left to the garbage collector may wait for ever
        kernel.stop_channels()
        kernel.context.destroy(linger=0)


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[Session]:
    session = start_jupyterlab(tmp_path)
    await answers(session)
    yield session
    end(session)


LOOK = """
from loyalty.lab import Lab
lab = await Lab.start("{name}", worker=False)
print(lab.where.address, lab.web_ui("customer-ada").url)
"""


async def test_all_notebooks_of_a_session_share_one_server_whose_web_ui_asks_for_the_token(session: Session) -> None:
    first, second = session.new_kernel(), session.new_kernel()
    address, link = run(first, LOOK.format(name="first")).split()
    assert run(second, LOOK.format(name="second")).split()[0] == address
    assert link.startswith(f"{BASE}proxy/absolute/")
    status, page = answer(session.origin + link)
    assert status == 200
    assert "<html" in page
    assert answer(session.origin + link, token="guessed")[0] == 403
    assert f"with a Temporal server at {address}" in (session.runtime / "log").read_text()


async def test_the_web_ui_is_a_tile_of_the_launcher_that_opens_in_a_tab(session: Session) -> None:
    _, body = answer(session.url + "server-proxy/servers-info")
    (tile,) = [one for one in json.loads(body)["server_processes"] if one["launcher_entry"]["title"] == TITLE]
    assert tile["new_browser_tab"] is False, "beside the notebook, not in a window of its own"
    status, page = answer(session.url + tile["launcher_entry"]["path_info"])
    assert status == 200
    assert "<html" in page
    assert "<svg" in answer(session.origin + tile["launcher_entry"]["icon_url"])[1]


async def test_the_first_notebook_and_the_web_ui_are_arranged_side_by_side(session: Session) -> None:
    status, body = answer(f"{session.url}lab/api/workspaces/{NAME}")
    assert status == 200
    data = json.loads(body)["data"]
    left, right = [area["widgets"] for area in data["layout-restorer:data"]["main"]["dock"]["children"]]
    assert left == [f"notebook:{FIRST_NOTEBOOK}"]
    (web_ui,) = right
    assert answer(session.origin + data[web_ui]["data"]["url"])[0] == 200


async def test_a_session_leaves_no_folder_behind(session: Session, tmp_path: Path) -> None:
    def folders() -> list[Path]:
        return list(tmp_path.glob("loyalty-session-*"))

    await eventually(folders, waiting_for="the session to have a folder")
    session.process.terminate()
    session.process.wait()
    await eventually(folders, lambda left: not left, waiting_for="the folder to go")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
async def test_the_server_ends_with_jupyterlab_however_it_ends(session: Session, number: signal.Signals) -> None:
    server = server_of(session)
    session.process.send_signal(number)
    session.process.wait()
    await eventually(lambda: gone(server), waiting_for="the Temporal server to end", timeout=20)


# ---- two of them side by side -----------------------------------------------------------------------------------


@pytest.fixture
async def neighbours(tmp_path: Path) -> AsyncIterator[tuple[Session, Session]]:
    """Two JupyterLabs of one learner, on one machine."""
    shared = {"JUPYTER_CONFIG_DIR": str(tmp_path), "TMPDIR": str(tmp_path)}
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    first, second = [start_jupyterlab(tmp_path / name, **shared) for name in ("first", "second")]
    await answers(first)
    await answers(second)
    yield first, second
    end(first)
    end(second)


def server_of(session: Session) -> int:
    """Return the pid of the Temporal server below a JupyterLab."""
    family = descendants(session.process.pid)
    (server,) = [pid for pid, args in family.items() if "server start-dev" in args and "guardian" not in args]
    return server


def web_ui_of(session: Session) -> str:
    """Return the path of the Web UI's tab in the workspace that this JupyterLab opens."""
    data = json.loads(answer(f"{session.url}lab/api/workspaces/{NAME}")[1])["data"]
    _, (web_ui,) = [area["widgets"] for area in data["layout-restorer:data"]["main"]["dock"]["children"]]
    return str(data[web_ui]["data"]["url"])


async def test_two_sessions_have_two_servers_and_the_end_of_one_is_nothing_to_the_other(
    neighbours: tuple[Session, Session],
) -> None:
    first, second = neighbours
    assert server_of(first) != server_of(second)
    assert web_ui_of(first) != web_ui_of(second), "each workspace, in a folder of its session, shows its own Web UI"
    (server, survivor), link = (server_of(first), server_of(second)), web_ui_of(second)
    first.process.terminate()
    first.process.wait()
    await eventually(lambda: gone(server), waiting_for="the first server to end", timeout=20)
    assert not gone(survivor)
    assert web_ui_of(second) == link, "the first session's end removed its own workspaces only"
    status, page = answer(second.origin + link)
    assert status == 200
    assert "<html" in page


# ---- how JupyterLab is called ---------------------------------------------------------------------------------


def test_the_learner_s_arguments_have_the_last_word() -> None:
    called = command(["--port=9999", "--no-browser"], is_root=False)
    assert called[-2:] == ["--port=9999", "--no-browser"]
    assert any(FIRST_NOTEBOOK in part for part in called)
    assert "--allow-root" not in called


def test_in_a_container_jupyterlab_may_run_as_root() -> None:
    assert "--allow-root" in command([], is_root=True)


def test_our_configuration_is_found_before_the_machine_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    paths = environment({"JUPYTER_CONFIG_PATH": "/etc/elsewhere"})["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert paths == [str(CONFIGURATION), "/etc/elsewhere"]


def test_nothing_asks_the_learner_a_question() -> None:
    page = json.loads((CONFIGURATION / "labconfig" / "page_config.json").read_text())
    assert page["disabledExtensions"]["@jupyterlab/apputils-extension:announcements"] is True
