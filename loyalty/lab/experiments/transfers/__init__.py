"""Three ways to transfer points between two customers while processes crash: calls, a queue, and gifts.

All three ways use the same plan of crashes. For each planned crash, a process kills itself with SIGKILL. Stored data
survives a crash. The package imports a module only when a program needs the module. So the processes of the two ways
without actors do not import Temporal.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loyalty.lab.experiments.transfers.calls import by_calls
    from loyalty.lab.experiments.transfers.gifts import by_gifts
    from loyalty.lab.experiments.transfers.outcome import Outcome
    from loyalty.lab.experiments.transfers.planning import Plan, plan
    from loyalty.lab.experiments.transfers.queues import by_queue

__all__ = ["Outcome", "Plan", "by_calls", "by_gifts", "by_queue", "plan"]

_HOMES = {
    "by_calls": "calls",
    "by_gifts": "gifts",
    "Outcome": "outcome",
    "Plan": "planning",
    "plan": "planning",
    "by_queue": "queues",
}


def __getattr__(name: str) -> object:
    """Import a name of `__all__` when a program uses the name for the first time."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
