"""Where the course is, and what the launcher tells JupyterLab. Imports nothing heavy: the launcher has to be quick."""

from __future__ import annotations

from pathlib import Path

STARTED_AT = "LOYALTY_LAB_STARTED_AT"
"""Seconds since the epoch at which `make lab` began, for the line that says how long it took."""

FOLDER = "LOYALTY_LAB_SESSION_FOLDER"
"""A folder for this session alone, from whoever starts JupyterLab and tells it to keep its workspaces there: two of
them side by side have two Web UIs. It is removed in the end. Without it, the tabs are not arranged."""

COURSE = Path(__file__).parents[2]
"""The folder that holds the notebooks."""

FIRST_NOTEBOOK = "notebooks/00_start_here.ipynb"
