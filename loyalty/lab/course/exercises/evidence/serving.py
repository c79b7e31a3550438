"""Wait until a worker has processed a workflow's messages; a check needs a complete history."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus, WorkflowHandle

from loyalty.lab.client.failing_tasks import PERSISTENT_ATTEMPT, failing_task
from loyalty.lab.client.notices import is_due, say
from loyalty.lab.client.waiting import LOOK_EVERY_SECONDS, UNANSWERED, newest_event_type
from loyalty.lab.client.watching import lab_state_of
from loyalty.lab.course.exercises.not_yet import NotYet

IDLE_SECONDS = 15.0
"""A check treats a worker as dead if the history does not grow for this time. After a worker was killed, another worker
gets its task within ten seconds."""

IDLE_SECONDS_WITHOUT_WORKER = 3.0
"""The same time if no worker polls the task queue: a worker may just be starting."""

BUSY_SECONDS = 45.0
"""A check waits this long for a workflow that keeps receiving messages."""


async def served(client: Client, handle: WorkflowHandle[Any, Any]) -> WorkflowExecutionDescription:
    """Wait until a worker has processed all messages of a workflow, and return the workflow's description.

    Activities may still be running after the wait, for example an e-mail that is retried.
    Print a hint once if the wait is long. Raise NotYet if the messages are not processed.
    """
    began = last_progress = time.monotonic()
    length, said = -1, False
    while True:
        description = await handle.describe()
        if await _is_served(handle, description):
            return description
        now = time.monotonic()
        if description.history_length > length:
            length, last_progress = description.history_length, now
        await _refuse_failing(client, description)
        idle = now - last_progress
        if idle > IDLE_SECONDS_WITHOUT_WORKER:
            await require_worker(client, description, f"{handle.id} has a message that waits for a worker")
        if idle > IDLE_SECONDS:
            raise NotYet(f"no worker has processed the newest message of {handle.id} for {idle:.0f} s", WORKER)
        if not said and is_due(began):
            said = True
            state = await lab_state_of(client).about_workflow(client, handle.id, handle.run_id)
            say(f"Still waiting until a worker has processed all messages of {handle.id}: {state}")
        if now - began > BUSY_SECONDS:
            raise NotYet(f"{handle.id} still processes new messages", "Run this cell again later")
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def require_worker(client: Client, description: WorkflowExecutionDescription, found: str) -> None:
    """Raise NotYet if no worker has polled the workflow's task queue in the last few minutes."""
    if not await lab_state_of(client).pollers(client, description.task_queue):
        raise NotYet(f"{found}, but no worker polls the task queue {description.task_queue!r}", WORKER)


WORKER = "Start the worker (`lab.worker.start()`, or the coffee shop's worker), then run this cell again"


async def _is_served(handle: WorkflowHandle[Any, Any], description: WorkflowExecutionDescription) -> bool:
    if description.status != WorkflowExecutionStatus.RUNNING:
        return True
    if description.raw_description.HasField("pending_workflow_task"):
        return False
    return await newest_event_type(handle) not in UNANSWERED


async def _refuse_failing(client: Client, description: WorkflowExecutionDescription) -> None:
    if description.raw_description.pending_workflow_task.attempt >= PERSISTENT_ATTEMPT:
        problem = await failing_task(client, description.id)
        if problem:
            raise NotYet(f"the code of {description.id} fails on a message: {problem}")
