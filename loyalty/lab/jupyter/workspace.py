"""JupyterLab's workspace: the first notebook on the left, the Temporal Web UI on the right."""

from __future__ import annotations

import json
from typing import Any

from jupyterlab.commands import get_workspaces_dir
from jupyterlab_server.workspaces_handler import WorkspacesManager

from loyalty.lab.course.location import WORKSPACE

TILE = "temporal"
"""jupyter-server-proxy's name for the Web UI's tile in the launcher and for its tab. Both show TITLE."""

TITLE = "Temporal Web UI"
SHARES = (0.6, 0.4)
"""The notebook's and the Web UI's shares of the width."""


def arrangement(notebook: str, web_ui: str) -> dict[str, Any]:
    """Return a workspace in JupyterLab's format; `notebook` is a path, `web_ui` is an address."""
    left, right = f"notebook:{notebook}", f"server-proxy:server-proxy:{TILE}"
    tabs = [{"type": "tab-area", "currentIndex": 0, "widgets": [widget]} for widget in (left, right)]
    dock = {"type": "split-area", "orientation": "horizontal", "sizes": list(SHARES), "children": tabs}
    tab = {"id": f"server-proxy:{TILE}", "url": web_ui, "title": TITLE, "newBrowserTab": False}
    return {
        "data": {
            "layout-restorer:data": {
                "main": {"dock": dock, "current": left},
                "left": {"collapsed": True, "visible": True, "current": None, "widgets": ["filebrowser"]},
                "right": {"collapsed": True, "visible": True, "current": None, "widgets": []},
            },
            "file-browser-filebrowser:cwd": {"path": notebook.rpartition("/")[0]},
            left: {"data": {"path": notebook, "factory": "Notebook"}},
            right: {"data": tab},
        },
        "metadata": {"id": WORKSPACE},
    }


def prepare(notebook: str, web_ui: str) -> None:
    """Write the workspace into JupyterLab's folder of workspaces.

    The new workspace replaces the workspace of an earlier session.
    """
    WorkspacesManager(get_workspaces_dir()).save(WORKSPACE, json.dumps(arrangement(notebook, web_ui)))
