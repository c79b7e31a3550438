"""What a notebook holds: a Temporal server, worker processes, an inbox, DataFrames, plots and checks.

Imports the program and is never imported by it. Names are loaded when they are asked for: plots need no Temporal.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loyalty.lab.client.waiting import settled, until
    from loyalty.lab.course import exercises
    from loyalty.lab.errors import LabError
    from loyalty.lab.lab import Lab

__all__ = ["Lab", "LabError", "exercises", "settled", "until"]

_HOMES = {"Lab": "lab", "LabError": "errors", "settled": "client.waiting", "until": "client.waiting"}
_MODULES = {"exercises": "course.exercises"}


def __getattr__(name: str) -> object:
    """Load a name of `__all__` from the module that holds it."""
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{_MODULES[name]}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
