"""Calls that wait for a workflow, made to say so when its code fails instead of waiting for ever.

A bug in workflow code fails the workflow task, which the server retries until the code is mended: right in production,
and a hang in a notebook. This is an interceptor, the SDK's own place for such a thing: learners go on calling
`handle.result()`, `handle.query(...)` and `handle.execute_update(...)`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, TaskQueueType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeWorkflowExecutionRequest,
)
from temporalio.client import (
    Client,
    FetchWorkflowHistoryEventsInput,
    Interceptor,
    OutboundInterceptor,
    QueryWorkflowInput,
    StartWorkflowUpdateInput,
    StartWorkflowUpdateWithStartInput,
    WorkflowHistoryEventAsyncIterator,
    WorkflowUpdateHandle,
)
from temporalio.service import RPCError, RPCStatusCode

from loyalty.lab.backwards import PagesFromTheEnd
from loyalty.lab.errors import WaitedTooLong, WorkflowTaskFailing

T = TypeVar("T")

LOOK_EVERY_SECONDS = 1.0
PAGE = 10
BENIGN = {
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND,
}
"""Failures that are no bug: a message arrived while the task wanted to end the run, or more than 100 signals arrived
while a task was under way. The task runs again."""

PERSISTENT_ATTEMPT = 3
"""From this attempt on a task has failed twice: a worker that was stopped for a moment has succeeded before."""

STARVED = "[TMPRL1101]"
"""What the SDK writes when workflow code did not yield within two seconds."""


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


async def pollers(client: Client, task_queue: str) -> int:
    """Return how many workers have asked for workflow tasks of `task_queue` within the last minutes."""
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=task_queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
    )
    return len(answer.pollers)


class Watching(Interceptor):
    """Gives the waiting calls of a client eyes, and a deadline of `patience` seconds."""

    def __init__(self, patience: float) -> None:
        self._patience = patience

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        """Put the watch around `next`; called by the SDK."""
        return _WatchingOutbound(next, self._patience)


class _WatchingOutbound(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, patience: float) -> None:
        super().__init__(next)
        self._client: Client = next._client  # type: ignore[attr-defined]  # the SDK's innermost interceptor
        self._patience = patience

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:
        call = super().query_workflow(input)
        return await self._watch(call, input.id, input.run_id, f"the query {input.query}")

    async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> WorkflowUpdateHandle[Any]:
        call = super().start_workflow_update(input)
        return await self._watch(call, input.id, input.run_id, f"the update {input.update}")

    async def start_update_with_start_workflow(
        self, input: StartWorkflowUpdateWithStartInput
    ) -> WorkflowUpdateHandle[Any]:
        call = super().start_update_with_start_workflow(input)
        start = input.start_workflow_input
        return await self._watch(call, start.id, None, f"the update {input.update_workflow_input.update}")

    def fetch_workflow_history_events(
        self, input: FetchWorkflowHistoryEventsInput
    ) -> WorkflowHistoryEventAsyncIterator:
        events = super().fetch_workflow_history_events(input)
        if input.wait_new_event:
            fetch = events.fetch_next_page

            async def fetch_watched(*, page_size: int | None = None) -> None:
                await self._watch(fetch(page_size=page_size), input.id, input.run_id, "the result")

            events.fetch_next_page = fetch_watched  # type: ignore[method-assign]
        return events

    async def _watch(self, call: Coroutine[Any, Any, T] | Awaitable[T], id: str, run_id: str | None, what: str) -> T:
        waiting = asyncio.ensure_future(call)
        waited = 0.0
        try:
            while not (await asyncio.wait({waiting}, timeout=LOOK_EVERY_SECONDS))[0]:
                waited += LOOK_EVERY_SECONDS
                with suppress(RPCError):  # a busy server may refuse the look; that is no answer to what is waited for
                    await self._complain_about_failing(id, run_id)
                if waited >= self._patience:
                    raise WaitedTooLong(f"Waited {waited:g} s for {what} of {id}; {await self._state(id, run_id)}")
            return waiting.result()
        except RPCError as error:
            if error.status not in (RPCStatusCode.NOT_FOUND, RPCStatusCode.CANCELLED):
                with suppress(RPCError):  # the caller gets the error of its own call, not that of the look
                    await self._complain_about_failing(id, run_id)
            raise
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    async def _complain_about_failing(self, id: str, run_id: str | None) -> None:
        problem = await failing_task(self._client, id, run_id or "")
        if problem and STARVED in problem:
            raise WorkflowTaskFailing(
                f"The code of {id} does not yield within two seconds, again and again: it blocks or computes for too "
                f"long, or the worker gets too little processor time. The server goes on retrying its task.\n{problem}"
            )
        if problem:
            raise WorkflowTaskFailing(
                f"The code of {id} fails and the server retries its task; nothing is lost, but nothing goes on until "
                f"the code is mended and a worker runs it (the server tries again every ten seconds or so).\n{problem}"
            )

    async def _state(self, id: str, run_id: str | None) -> str:
        described = await self._client.get_workflow_handle(id, run_id=run_id).describe()
        workers = await pollers(self._client, described.task_queue)
        served = "" if workers else f", and no worker has asked for tasks of {described.task_queue} lately"
        return f"it is {described.status.name if described.status else 'unknown'}{served}"
