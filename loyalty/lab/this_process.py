"""Functions that return facts about this process, for example the notebook's name."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def in_kernel() -> bool:
    """Return whether this process is a notebook's kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and hasattr(shell, "kernel")


def notebook_name() -> str:
    """Return the notebook's name from JupyterLab's variable `JPY_SESSION_NAME`, or "lab" if the variable is missing."""
    return Path(os.environ.get("JPY_SESSION_NAME", "lab.ipynb")).stem
