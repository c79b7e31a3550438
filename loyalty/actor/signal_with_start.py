"""Signal-with-start: signal a workflow, and start it first if it does not run. Runs in activities."""

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
    """Signal the workflow with this id; start the workflow first if it does not run.

    The arguments have the names of `Client.start_workflow`. Return False if the workflow has ended: reject-duplicate
    does not start a closed id again.
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
