"""Names for the notebooks, for example `Lab`, `exercises` and `until`.

The lab imports the loyalty program, but the loyalty program does not import the lab. Each name is loaded at its first
use, so a plot does not load Temporal's SDK.
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
    """Import the object `name` at its first use."""
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{_MODULES[name]}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
