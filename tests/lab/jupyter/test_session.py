"""`python -m loyalty.lab`: Each JupyterLab session has one Temporal server.

The server starts and ends with JupyterLab.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from loyalty.lab.__main__ import CONFIGURATION, command, environment, opening
from loyalty.lab.course.location import FIRST_NOTEBOOK, STARTED_AT, WORKSPACE, course_folder, has_notebooks
from loyalty.lab.jupyter.session import DATABASE
from loyalty.lab.jupyter.workspace import TITLE
from tests.support.helpers import eventually
from tests.support.jupyterlab import BASE, Session, answer, descendants, jupyterlab, landing, run
from tests.support.processes import gone

pytestmark = pytest.mark.slow

HOUSE = Path(__file__).parents[3]


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[Session]:
    async with jupyterlab(tmp_path) as session:
        yield session


LOOK = """
from loyalty.lab import Lab
lab = await Lab.start("{name}", worker=False)
print(lab.where.address, lab.web_ui("customer-ada").url)
"""


async def test_notebooks_of_a_session_share_one_server(session: Session) -> None:
    first, second = session.new_kernel(), session.new_kernel()
    address, link = run(first, LOOK.format(name="first")).split()
    assert run(second, LOOK.format(name="second")).split()[0] == address
    assert link.startswith(f"{BASE}proxy/")
    status, page = answer(session.origin + link)
    assert status == 200
    assert "<html" in page
    assert answer(session.origin + link, token="guessed")[0] == 403
    assert f"with a Temporal server at {address}" in (session.runtime / "log").read_text()


async def test_kernel_prints_no_warning_in_the_terminal(session: Session) -> None:
    run(session.new_kernel(), "print(1)")
    assert "IPKernelApp" not in (session.runtime / "log").read_text()


def tiles(session: Session) -> dict[str, Any]:
    """Return the servers of jupyter-server-proxy; the keys are the titles of the launcher's tiles."""
    _, body = answer(session.url + "server-proxy/servers-info")
    return {one["launcher_entry"]["title"]: one for one in json.loads(body)["server_processes"]}


async def test_jupyterlab_launcher_has_a_tile_for_the_web_ui(session: Session) -> None:
    tile = tiles(session)[TITLE]
    assert tile["new_browser_tab"] is False, "The Web UI opens in a tab of JupyterLab, not of the browser"
    status, page = answer(session.url + tile["launcher_entry"]["path_info"])
    assert status == 200
    assert "<html" in page
    assert "<svg" in answer(session.origin + tile["launcher_entry"]["icon_url"])[1]


async def test_jupyterlab_opens_the_workspace_of_the_first_notebook(session: Session) -> None:
    assert landing(session.url) == f"{session.url}lab/workspaces/{WORKSPACE}/tree/{FIRST_NOTEBOOK}"


async def test_workspace_contains_the_first_notebook_and_the_web_ui(session: Session) -> None:
    status, body = answer(f"{session.url}lab/api/workspaces/{WORKSPACE}")
    assert status == 200
    data = json.loads(body)["data"]
    left, right = [area["widgets"] for area in data["layout-restorer:data"]["main"]["dock"]["children"]]
    assert left == [f"notebook:{FIRST_NOTEBOOK}"]
    (web_ui,) = right
    assert answer(session.origin + data[web_ui]["data"]["url"])[0] == 200


async def test_session_removes_its_folder_when_it_ends(session: Session, tmp_path: Path) -> None:
    def folders() -> list[Path]:
        return list(tmp_path.glob("loyalty-session-*"))

    await eventually(folders, waiting_for="the session to have a folder")
    (folder,) = folders()
    await eventually((folder / DATABASE).exists, waiting_for="the server to keep its histories in a file of the folder")
    session.process.terminate()
    session.process.wait()
    await eventually(folders, lambda left: not left, waiting_for="the removal of the folder")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
async def test_server_ends_when_jupyterlab_is_stopped_or_killed(session: Session, number: signal.Signals) -> None:
    server = server_of(session)
    session.process.send_signal(number)
    session.process.wait()
    await eventually(lambda: gone(server), waiting_for="the Temporal server to end")


# ---- two sessions at the same time ------------------------------------------------------------------------------


@pytest.fixture
async def neighbours(tmp_path: Path) -> AsyncIterator[tuple[Session, Session]]:
    """Two JupyterLab sessions of one learner on one machine."""
    shared = {"JUPYTER_CONFIG_DIR": str(tmp_path), "TMPDIR": str(tmp_path)}
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    async with jupyterlab(tmp_path / "first", **shared) as first, jupyterlab(tmp_path / "second", **shared) as second:
        yield first, second


def server_of(session: Session) -> int:
    """Return the process id of the Temporal server that a JupyterLab has started."""
    family = descendants(session.process.pid)
    (server,) = [pid for pid, args in family.items() if "server start-dev" in args and "guardian" not in args]
    return server


def web_ui_of(session: Session) -> str:
    """Return the path of the Web UI's tab in the workspace of this JupyterLab."""
    data = json.loads(answer(f"{session.url}lab/api/workspaces/{WORKSPACE}")[1])["data"]
    _, (web_ui,) = [area["widgets"] for area in data["layout-restorer:data"]["main"]["dock"]["children"]]
    return str(data[web_ui]["data"]["url"])


async def test_two_sessions_have_independent_servers(
    neighbours: tuple[Session, Session],
) -> None:
    first, second = neighbours
    assert server_of(first) != server_of(second)
    assert web_ui_of(first) != web_ui_of(second), "The workspace of each session shows the Web UI of its own server"
    (server, survivor), link = (server_of(first), server_of(second)), web_ui_of(second)
    first.process.terminate()
    first.process.wait()
    await eventually(lambda: gone(server), waiting_for="the first server to end")
    assert not gone(survivor)
    assert web_ui_of(second) == link, "The end of the first session removed only the first session's workspace"
    status, page = answer(second.origin + link)
    assert status == 200
    assert "<html" in page


# ---- base URL, settings and arguments of JupyterLab -----------------------------------------------------------


CONFIGURED = """
def sign(response):
    response.body += b"<!-- signed by the learner -->"

c.ServerProxy.non_service_rewrite_response = sign
c.ServerProxy.servers.update({"theirs": {"port": 9, "launcher_entry": {"title": "Theirs"}}})
"""


@pytest.mark.parametrize("base", ["/user/eve%2B1%40example.org%20j%C3%BCrgen/", "/"])
async def test_web_ui_works_at_any_base_url(tmp_path: Path, base: str) -> None:
    async with jupyterlab(tmp_path, base=base) as session:
        path = web_ui_of(session)
        assert path.startswith(base)
        for page in (path, f"{path}namespaces/default/workflows"):
            status, html = answer(session.origin + page)
            assert status == 200
            (script, *_) = re.findall(r'import\("([^"]+)"\)', html)
            assert script.startswith(path)
            assert answer(session.origin + script)[0] == 200
        data = f"{session.origin}{path}api/v1/namespaces/default/workflow-count"
        # The Web UI's first request to the server may come too early. It repeats the request after a second.
        await eventually(lambda: answer(data)[0], lambda status: status == 200, waiting_for="the Web UI's data")


async def test_session_keeps_the_proxy_settings_of_the_learner(tmp_path: Path) -> None:
    (tmp_path / "jupyter_server_config.py").write_text(CONFIGURED)
    async with jupyterlab(tmp_path) as session:
        path = web_ui_of(session)
        _, page = answer(session.origin + path)
        assert page.endswith("<!-- signed by the learner -->")
        assert f'"{path}_app/' in page
        assert {"Theirs", TITLE} <= set(tiles(session))


async def test_command_line_arguments_override_course_settings(tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    (shelf / "mine.txt").touch()
    async with jupyterlab(tmp_path, f"--ServerApp.root_dir={shelf}", "--LabApp.default_url=/lab/mine") as session:
        _, listed = answer(session.url + "api/contents")
        assert [entry["name"] for entry in json.loads(listed)["content"]] == ["mine.txt"]
        assert landing(session.url) == f"{session.url}lab/mine"


async def test_jupyterlab_opens_no_notebook_if_the_folder_is_empty(tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    async with jupyterlab(tmp_path, f"--ServerApp.root_dir={shelf}") as session:
        assert landing(session.url) == f"{session.url}lab"
        assert f"JupyterLab opens in {shelf}, which has no {FIRST_NOTEBOOK}." in (tmp_path / "log").read_text()


def test_installed_course_opens_the_notebooks_in_the_working_folder(tmp_path: Path) -> None:
    clone, installed = HOUSE / "loyalty", tmp_path / "site-packages" / "loyalty"
    assert course_folder(clone, tmp_path) == HOUSE
    assert course_folder(installed, tmp_path) == tmp_path
    assert course_folder(installed, HOUSE) == HOUSE
    assert has_notebooks(HOUSE)
    assert not has_notebooks(tmp_path)


def test_launcher_explains_that_the_notebooks_are_missing(tmp_path: Path) -> None:
    assert opening(HOUSE).startswith(f"Opening JupyterLab at {FIRST_NOTEBOOK};")
    assert f"Opening JupyterLab in {tmp_path}, where the course's notebooks are missing" in opening(tmp_path)


def test_installed_course_opens_no_notebook_if_the_notebooks_are_missing(tmp_path: Path) -> None:
    shutil.copytree(HOUSE / "loyalty", tmp_path / "site" / "loyalty")
    (tmp_path / "work").mkdir()
    # JupyterLab runs with this copy of the package, as with an installed wheel.
    site = tmp_path / "site"
    settings = {"PYTHONPATH": str(site), "JUPYTER_CONFIG_PATH": str(site / "loyalty" / "lab" / "jupyter" / "settings")}
    shown = subprocess.run(
        [sys.executable, "-m", "jupyterlab", "--show-config-json"],
        cwd=tmp_path / "work",
        env={**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path), **settings},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    configured = json.loads(shown)
    assert configured["LabApp"]["default_url"] == "/lab"
    assert configured["ServerApp"]["root_dir"] == str(tmp_path / "work")


def test_launcher_does_not_change_the_arguments_of_jupyterlab() -> None:
    assert command(["--port=9999"], is_root=False)[1:] == ["-P", "-m", "jupyterlab", "--port=9999"]


def test_root_user_can_run_jupyterlab() -> None:
    assert "--allow-root" in command([], is_root=True)


def test_course_settings_override_system_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    paths = environment({"JUPYTER_CONFIG_PATH": "/etc/elsewhere"})["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert paths == [str(CONFIGURATION), "/etc/elsewhere"]


def test_jupyterlab_ignores_the_start_time_of_another_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert float(environment({STARTED_AT: "7"})[STARTED_AT]) > 7


def test_jupyterlab_shows_no_question_about_news() -> None:
    page = json.loads((CONFIGURATION / "labconfig" / "page_config.json").read_text())
    assert page["disabledExtensions"]["@jupyterlab/apputils-extension:announcements"] is True
