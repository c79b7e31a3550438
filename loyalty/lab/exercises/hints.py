"""How a check says that an exercise is not done yet, and how it looks whether anything was started at all."""

from __future__ import annotations

from typing import Any

from temporalio.client import WorkflowExecutionDescription, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode


class NotYet(Exception):
    """The exercise is not done; the text is the hint."""


def require(condition: bool, hint: str) -> None:
    """Raise NotYet with `hint` unless `condition` holds."""
    if not condition:
        raise NotYet(hint)


async def described(handle: WorkflowHandle[Any, Any]) -> WorkflowExecutionDescription | None:
    """Return the description of a workflow, or None where nobody has started it."""
    try:
        return await handle.describe()
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        return None
