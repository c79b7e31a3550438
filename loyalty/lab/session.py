"""One Temporal server for a whole JupyterLab session: a Jupyter server extension.

The server starts with JupyterLab and ends with it, however it ends. Kernels inherit its address by the environment, so
that every notebook attaches to it and one Web UI shows them all. Where the environment names a cluster, nothing starts.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from loyalty import config
from loyalty.lab.errors import LabError
from loyalty.lab.server import BASE_URL, SESSION_ADDRESS, SESSION_UI_PORT, EmbeddedServer, binary

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

STARTED_AT = "LOYALTY_LAB_STARTED_AT"
"""Seconds since the epoch at which `make lab` began, for the line that says how long it took."""


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Tell Jupyter where the extension is."""
    return [{"module": "loyalty.lab.session"}]


def _load_jupyter_server_extension(app: ServerApp) -> None:
    """Start the session's server and name it in the environment that kernels inherit; called by Jupyter."""
    if importlib.util.find_spec("jupyter_server_proxy"):
        os.environ[BASE_URL] = app.base_url
    try:
        whose = _start_server(app)
    except (LabError, config.ConfigurationError) as error:
        app.log.critical(str(error))
        return
    app.io_loop.add_callback(_say_ready, app, whose)


def _start_server(app: ServerApp) -> str:
    configured = config.cluster().get("target_host")
    if configured:
        return f"the Temporal cluster at {configured}"
    program = binary()
    if program is None:
        return "no Temporal server yet: each notebook starts its own"
    folder = tempfile.TemporaryDirectory(prefix="loyalty-session-")
    server = EmbeddedServer(program, Path(folder.name) / "server.log")
    os.environ[SESSION_ADDRESS] = server.where.address
    os.environ[SESSION_UI_PORT] = str(server.where.ui_port)
    app.web_app.settings["loyalty_session"] = (server, folder)  # both live as long as the application does
    return f"a Temporal server at {server.where.address}"


def _say_ready(app: ServerApp, whose: str) -> None:
    started = float(os.environ.get(STARTED_AT, time.time()))
    app.log.critical(f"JupyterLab is ready after {time.time() - started:.1f} s, with {whose}.")
