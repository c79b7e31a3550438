"""Whether a worker serves a workflow. Checks read histories, and a history shows only what a worker has done."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus, WorkflowHandle

from loyalty.lab.client.failing_tasks import PERSISTENT_ATTEMPT, failing_task
from loyalty.lab.client.notices import is_due, say
from loyalty.lab.client.waiting import LOOK_EVERY_SECONDS, UNANSWERED, newest_event_type
from loyalty.lab.client.watching import lab_state_of
from loyalty.lab.course.exercises.hints import NotYet

IDLE_SECONDS = 15.0
"""How long a history may stay as it is before a check counts its worker as dead. A task of a worker that was killed
waits up to ten seconds before the server gives it to another one."""

IDLE_SECONDS_WITHOUT_WORKER = 3.0
"""The same where no worker has asked for tasks: one may just be starting."""

BUSY_SECONDS = 45.0
"""How long a check waits for a workflow that goes on receiving messages."""


async def served(client: Client, handle: WorkflowHandle[Any, Any]) -> WorkflowExecutionDescription:
    """Return the workflow's description once a worker has served all it received; raise NotYet if that does not happen.

    Activities, such as an e-mail that is tried again, may still be under way. After some seconds it says once what it
    waits for.
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
            raise NotYet(f"no worker has served the newest message of {handle.id} for {idle:.0f} s", WORKER)
        if not said and is_due(began):
            said = True
            state = await lab_state_of(client).about_workflow(client, handle.id, handle.run_id)
            say(f"Still waiting until a worker has served all messages of {handle.id}: {state}")
        if now - began > BUSY_SECONDS:
            raise NotYet(f"{handle.id} is still busy with what it receives", "Run this cell again when it is done")
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def require_worker(client: Client, description: WorkflowExecutionDescription, found: str) -> None:
    """Raise NotYet if no worker has asked for tasks of the workflow's task queue within the last minutes."""
    if not await lab_state_of(client).pollers(client, description.task_queue):
        raise NotYet(f"{found}, and none asks for tasks of {description.task_queue!r}", WORKER)


WORKER = "Start the worker (`lab.worker.start()`, or the shop's), then run this cell again"


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
            raise NotYet(f"the code of {description.id} fails on what it received: {problem}")
