"""Paths of the course, and names that the launcher shares with JupyterLab.

This module imports no slow modules, because the launcher must start quickly.
"""

from __future__ import annotations

from pathlib import Path

STARTED_AT = "LOYALTY_LAB_STARTED_AT"
"""Environment variable: the start of `make lab`, in seconds since the epoch."""

FOLDER = "LOYALTY_LAB_SESSION_FOLDER"
"""Environment variable: the folder of one JupyterLab session, for its workspaces. The launcher sets the variable and
removes the folder at the end. Each session needs its own folder, because it has its own Web UI. Without the variable,
the tabs are not arranged."""

FIRST_NOTEBOOK = "notebooks/00_start_here.ipynb"

WORKSPACE = "loyalty"
"""The name of our workspace, an arrangement of tabs; JupyterLab opens it at `<base URL>lab/workspaces/loyalty`."""

FIRST_PAGE = f"/lab/workspaces/{WORKSPACE}/tree/{FIRST_NOTEBOOK}"
PLAIN_PAGE = "/lab"
"""The paths at which JupyterLab opens with the course's notebooks, and without them; both are below its base URL."""


def course_folder(package: Path, working_folder: Path) -> Path:
    """Return the folder with the notebooks.

    If there are no notebooks, as in an installed wheel, return the working folder.
    """
    return package.parent if (package.parent / FIRST_NOTEBOOK).is_file() else working_folder


COURSE = course_folder(Path(__file__).parents[2], Path.cwd())
"""The folder in which JupyterLab opens."""


def has_notebooks(folder: Path = COURSE) -> bool:
    """Return True if `folder` contains the course's notebooks."""
    return (folder / FIRST_NOTEBOOK).is_file()
