"""Describe the client's calls in words, for hints to the learner."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

IN_WORDS = {
    "start_workflow": "the start of {0.id}",
    "signal_workflow": "the signal {0.signal} to {0.id}",
    "query_workflow": "the query {0.query} of {0.id}",
    "describe_workflow": "the description of {0.id}",
    "cancel_workflow": "the cancellation of {0.id}",
    "terminate_workflow": "the termination of {0.id}",
    "list_workflows": "the list of workflows",
    "count_workflows": "the count of workflows",
}
"""Names of the SDK's methods, for sentences. A method without a name here appears under its own name."""


@dataclass
class Waiting:
    """One waiting call. The field `what` describes the call in words; `id` is the workflow's id."""

    what: str
    id: str | None = None
    run_id: str | None = None
    needs_code: bool = False
    rpc_timeout: timedelta | None = None
    began: float = field(default_factory=time.monotonic)
    said: bool = False
    gone_looks: int = 0


def waiting_for(method: str, input: Any) -> Waiting:
    """Return a new `Waiting` for one call; `method` is the name of the interceptor's method."""
    what = IN_WORDS.get(method, f"the call {method}").format(input)
    id = input.id if method.endswith("_workflow") else None
    run_id, rpc_timeout = getattr(input, "run_id", None), getattr(input, "rpc_timeout", None)
    return Waiting(what, id, run_id, method == "query_workflow", rpc_timeout)
