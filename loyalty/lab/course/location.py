"""Where the course is, and what the launcher tells JupyterLab. Imports nothing heavy: the launcher has to be quick."""

from __future__ import annotations

from pathlib import Path

STARTED_AT = "LOYALTY_LAB_STARTED_AT"
"""Seconds since the epoch at which `make lab` began, for the line that says how long it took."""

FOLDER = "LOYALTY_LAB_SESSION_FOLDER"
"""A folder for this session alone, from whoever starts JupyterLab and tells it to keep its workspaces there: two of
them side by side have two Web UIs. It is removed in the end. Without it, the tabs are not arranged."""

FIRST_NOTEBOOK = "notebooks/00_start_here.ipynb"

WORKSPACE = "loyalty"
"""JupyterLab's address for our arrangement of tabs is `<base URL>lab/workspaces/loyalty`."""

FIRST_PAGE = f"/lab/workspaces/{WORKSPACE}/tree/{FIRST_NOTEBOOK}"
PLAIN_PAGE = "/lab"
"""Where JupyterLab opens, below its base URL: with the course's notebooks, and without them."""


def course_folder(package: Path, working_folder: Path) -> Path:
    """Return the folder that holds the notebooks: a wheel has none, so those of the working folder count."""
    return package.parent if (package.parent / FIRST_NOTEBOOK).is_file() else working_folder


COURSE = course_folder(Path(__file__).parents[2], Path.cwd())
"""The folder in which JupyterLab opens."""


def has_notebooks(folder: Path = COURSE) -> bool:
    """Return whether a folder holds the course's notebooks."""
    return (folder / FIRST_NOTEBOOK).is_file()
