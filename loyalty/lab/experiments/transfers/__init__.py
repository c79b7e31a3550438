"""Points from one customer to another in three ways, while processes crash: calls, a queue, gifts between actors.

Each way meets the same plan of crashes: real processes end themselves by SIGKILL, at exact points, and what they had
stored by then stays. Names are loaded when they are asked for: a process that only makes calls needs no Temporal.
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
    """Load a name of `__all__` from the module that holds it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
