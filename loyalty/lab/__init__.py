"""What a notebook holds: a Temporal server, worker processes, an inbox, DataFrames, plots and checks.

Imports the program and is never imported by it. Names are loaded when they are asked for: plots need no Temporal.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loyalty.lab.errors import LabError
    from loyalty.lab.lab import Lab
    from loyalty.lab.waiting import settled, until

__all__ = ["Lab", "LabError", "settled", "until"]

_HOMES = {"Lab": "lab", "LabError": "errors", "settled": "waiting", "until": "waiting"}


def __getattr__(name: str) -> object:
    """Load a name of `__all__` from the module that holds it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
