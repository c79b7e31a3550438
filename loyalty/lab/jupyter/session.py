"""A Jupyter server extension that runs one Temporal server for a whole JupyterLab session.

The server starts and ends with JupyterLab. The server also ends if JupyterLab is killed. Kernels inherit the server's
address in the environment, so all notebooks use one server and one Web UI. The Web UI has a tile in the launcher and
opens beside the first notebook. If a cluster is configured, no server starts.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traitlets.config.loader import LazyConfigValue

from loyalty import config
from loyalty.lab.course.location import FIRST_NOTEBOOK, FIRST_PAGE, FOLDER, PLAIN_PAGE, STARTED_AT, has_notebooks
from loyalty.lab.errors import LabError
from loyalty.lab.jupyter.links import SAVE_URL
from loyalty.lab.jupyter.proxy import rewrite_web_ui
from loyalty.lab.jupyter.resting import IN_FRONT
from loyalty.lab.jupyter.workspace import TILE, TITLE, prepare
from loyalty.lab.server.address import BASE_URL, SESSION_ADDRESS, SESSION_UI_PORT, Server
from loyalty.lab.server.embedded import EmbeddedServer, binary

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

ARCHIVE = "archiveFormat=zip&archiveToken=loyalty"
"""Parameters of a jupyter-archive download. The token marks the download in JupyterLab's page, and is no secret."""

DATABASE = "temporal.db"
"""The server's database file in the session's folder. The folder is removed when the session ends."""

ICON = Path(__file__).with_name("temporal.svg")


@dataclass
class _Session:
    """The Temporal server of this JupyterLab process, and its description for the log."""

    server: EmbeddedServer | None
    words: str


_sessions: list[_Session] = []


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Return the module of the extension; Jupyter calls this function."""
    return [{"module": "loyalty.lab.jupyter.session"}]


def _link_jupyter_server_extension(app: ServerApp) -> None:
    """Start the session's server, and write the server's address into an environment variable for the kernels.

    Jupyter calls this function before the extension jupyter-server-proxy reads the settings.
    """
    if not has_notebooks(Path(app.root_dir)):
        _open_a_page_that_exists(app)
    has_proxy = _is_there("jupyter_server_proxy")
    if has_proxy:
        os.environ[BASE_URL] = app.base_url
        others = _setting(app, "non_service_rewrite_response", list)
        chain = [others] if callable(others) else list(others)  # jupyter-server-proxy accepts one function or a list
        app.config.ServerProxy.non_service_rewrite_response = [*chain, rewrite_web_ui]
    if _is_there("jupyter_archive") and has_notebooks(Path(app.root_dir)):
        os.environ[SAVE_URL] = f"{app.base_url}directories/{Path(FIRST_NOTEBOOK).parent}?{ARCHIVE}"
    try:
        session = _start()
    except (LabError, config.ConfigurationError) as error:
        app.log.critical(str(error))
        return
    _sessions.append(session)
    if has_proxy and session.server is not None:
        where = session.server.where
        app.config.ServerProxy.servers = {**_setting(app, "servers", dict), TILE: tile(where)}
        if FOLDER in os.environ and has_notebooks(Path(app.root_dir)):
            prepare(FIRST_NOTEBOOK, where.ui_path + "/")


def _open_a_page_that_exists(app: ServerApp) -> None:
    """Open JupyterLab without a notebook, but keep a start page that the learner has chosen."""
    lab = app.extension_manager.extension_points.get("lab")
    if lab is not None and lab.app is not None and lab.app.default_url == FIRST_PAGE:
        lab.app.default_url = PLAIN_PAGE
        app.log.critical(f"JupyterLab opens in {app.root_dir}, which has no {FIRST_NOTEBOOK}.")


def _is_there(extension: str) -> bool:
    return importlib.util.find_spec(extension) is not None


def _setting(app: ServerApp, name: str, empty: Callable[[], Any]) -> Any:
    """Return the value of a setting of jupyter-server-proxy, or `empty()` if the setting has no value."""
    configured = app.config.ServerProxy.get(name, empty())
    # `c.ServerProxy.servers.update(...)` is stored as a lazy change of the default
    return configured.get_value(empty()) if isinstance(configured, LazyConfigValue) else configured


def _load_jupyter_server_extension(app: ServerApp) -> None:
    """Log one line; Jupyter calls this function when JupyterLab is ready."""
    app.io_loop.add_callback(_log_ready, app)


def tile(where: Server) -> dict[str, Any]:
    """Return settings for jupyter-server-proxy; with these settings, the Web UI opens in a tab of JupyterLab."""
    path = where.ui_path.removeprefix(os.environ[BASE_URL])
    entry = {"title": TITLE, "path_info": f"{path}/", "icon_path": str(ICON), "category": "Notebook"}
    return {
        "command": [],
        "port": where.ui_port,
        "absolute_url": True,
        "new_browser_tab": False,
        "launcher_entry": entry,
    }


def _start() -> _Session:
    folder = Path(os.environ.get(FOLDER) or tempfile.mkdtemp(prefix="loyalty-session-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[IN_FRONT] = str(folder / "kernel-in-front")
    configured = config.cluster().get("target_host")
    if configured:
        return _Session(None, f"the Temporal cluster at {configured}")
    program = binary()
    if program is None:
        return _Session(None, "no Temporal server yet; each notebook starts its own")
    # With its data in a file, the server needs 90 MiB less memory after the course (measured).
    server = EmbeddedServer(program, folder / "server.log", database=folder / DATABASE, waits_for_disk=False)
    os.environ[SESSION_ADDRESS] = server.where.address
    os.environ[SESSION_UI_PORT] = str(server.where.ui_port)
    return _Session(server, f"a Temporal server at {server.where.address}")


def _log_ready(app: ServerApp) -> None:
    started = float(os.environ.get(STARTED_AT, time.time()))
    for session in _sessions:
        app.log.critical(f"JupyterLab is ready after {time.time() - started:.1f} s, with {session.words}.")
