"""Whether the code of a workflow fails again and again, as its event history tells."""

from __future__ import annotations

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.client import Client

from loyalty.lab.history.newest_first import PagesFromTheEnd

PAGE = 10
BENIGN = {
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND,
}
"""Failures that are no bug: a message arrived while the task wanted to end the run, or more than 100 signals arrived
while a task was under way. The task runs again."""

PERSISTENT_ATTEMPT = 3
"""From this attempt on a task has failed twice: a worker that was stopped for a moment has succeeded before."""


async def failing_task(client: Client, workflow_id: str, run_id: str = "") -> str | None:
    """Return the error and its line if the workflow's newest task keeps failing; None if all is well."""
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
