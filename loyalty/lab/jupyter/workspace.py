"""The arrangement in which JupyterLab opens: the notebook on the left, the Temporal Web UI beside it."""

from __future__ import annotations

import json
from typing import Any

from jupyterlab.commands import get_workspaces_dir
from jupyterlab_server.workspaces_handler import WorkspacesManager

from loyalty.lab.course.location import WORKSPACE

TILE = "temporal"
"""The launcher's tile, and so the tab, that jupyter-server-proxy makes for the Web UI; `TITLE` is what stands on it."""

TITLE = "Temporal Web UI"
SHARES = (0.6, 0.4)
"""Of the width: the notebook, the Web UI."""


def arrangement(notebook: str, web_ui: str) -> dict[str, Any]:
    """Return the workspace, as JupyterLab stores it, with the notebook at that path and the Web UI at that address."""
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
    """Store the workspace where JupyterLab looks for it; an arrangement of an earlier session is replaced."""
    WorkspacesManager(get_workspaces_dir()).save(WORKSPACE, json.dumps(arrangement(notebook, web_ui)))
