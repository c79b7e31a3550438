"""Find a Workflow Task that fails repeatedly."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError

from loyalty.lab.client.lab_state import LOOK_SECONDS
from loyalty.lab.errors import WorkflowTaskFailing
from loyalty.lab.history.newest_first import PagesFromTheEnd

PAGE = 10
BENIGN = {
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND,
}
"""Failures without a bug in the code. Either a message arrived before the task could end the run, or more than 100
signals arrived during one task. The server schedules the task again."""

PERSISTENT_ATTEMPT = 3
"""At this attempt, the task has failed twice. A worker that was suspended for a moment fails at most once."""


TOO_LONG = "[TMPRL1101]"
"""The SDK's error number for workflow code that did not yield within two seconds."""


async def refuse_failing_code(client: Client, workflow_id: str, run_id: str) -> None:
    """Raise WorkflowTaskFailing if the workflow's newest task fails repeatedly."""
    problem = None
    # A busy or suspended server may refuse this request; such an error must not end the learner's call.
    with suppress(RPCError, TimeoutError):
        async with asyncio.timeout(LOOK_SECONDS):
            problem = await failing_task(client, workflow_id, run_id)
    if problem and TOO_LONG in problem:
        raise WorkflowTaskFailing(
            f"The code of {workflow_id} repeatedly does not yield within two seconds. Either the code blocks or "
            "computes for too long, or the worker gets too little processor time. The server retries the task.\n"
            f"{problem}"
        )
    if problem:
        raise WorkflowTaskFailing(
            f"The code of {workflow_id} fails, and the server retries the task about every ten seconds. Nothing is "
            "lost. The workflow continues after you fix the code and start a worker with the new code.\n"
            f"{problem}"
        )


async def failing_task(client: Client, workflow_id: str, run_id: str = "") -> str | None:
    """If the newest Workflow Task fails repeatedly, return the error and the line of code; otherwise return None."""
    execution = WorkflowExecution(workflow_id=workflow_id, run_id=run_id)
    service = client.workflow_service
    described = await service.describe_workflow_execution(
        DescribeWorkflowExecutionRequest(namespace=client.namespace, execution=execution)
    )
    if described.pending_workflow_task.attempt < PERSISTENT_ATTEMPT:
        return None
    pages = PagesFromTheEnd(client, workflow_id, run_id, page_size=PAGE)
    await pages.fetch_next_page()
    for event in pages.current_page:
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            return None
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
            return _describe_failure(event)
    return None


def _describe_failure(event: HistoryEvent) -> str | None:
    attributes = event.workflow_task_failed_event_attributes
    if attributes.cause in BENIGN:
        return None
    errors, frames, failure = [], [], attributes.failure
    while True:
        kind = failure.application_failure_info.type or WorkflowTaskFailedCause.Name(attributes.cause)
        errors.append(f"{kind}: {failure.message}")
        frames += [line.strip() for line in failure.stack_trace.splitlines() if line.strip().startswith("File ")]
        if not failure.HasField("cause"):
            break
        failure = failure.cause
    ours = [frame for frame in frames if "site-packages" not in frame] or frames
    return ", because ".join(errors) + (f"\n{ours[-1]}" if ours else "")
