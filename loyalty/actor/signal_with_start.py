"""Signal-with-start sends a signal to a workflow.

If the workflow does not run, the server starts the workflow first. Runs in activities.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError


async def signal_with_start(
    client: Client,
    workflow_type: str,
    start: Any,
    *,
    id: str,
    task_queue: str,
    start_signal: str,
    start_signal_args: Sequence[Any],
) -> bool:
    """Send a signal to the workflow with this id. If the workflow does not run, start the workflow first.

    The arguments have the same names as in `Client.start_workflow`. Return False if a workflow with this id has ended.
    The policy reject-duplicate prevents a second workflow with this id.
    """
    try:
        await client.start_workflow(
            workflow_type,
            start,
            id=id,
            task_queue=task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            start_signal=start_signal,
            start_signal_args=start_signal_args,
        )
    except WorkflowAlreadyStartedError:
        return False
    return True
