"""Repeated errors of workflow code are reported. Task failures after a signal storm or a pause are not reported."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from functools import partial
from operator import lt

import pytest
from temporalio.api.enums.v1 import EventType, PendingWorkflowTaskState, WorkflowTaskFailedCause
from temporalio.api.failure.v1 import Failure
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    PollWorkflowTaskQueueRequest,
    PollWorkflowTaskQueueResponse,
    RespondWorkflowTaskFailedRequest,
)

from loyalty.lab import Lab
from loyalty.lab.client.failing_tasks import PERSISTENT_ATTEMPT, failing_task
from loyalty.messages import TASK_QUEUE, WORKFLOW_TYPE, Customer, CustomerInput, workflow_id
from tests.support.helpers import Handle, eventually

BUFFERED_AT_MOST = 100
"""The server buffers so many signals during one Workflow Task; one more signal fails the task."""


@pytest.fixture
async def lab(in_session: None) -> AsyncIterator[Lab]:
    async with await Lab.start("failing", worker=False) as lab:
        yield lab


async def open_account(lab: Lab) -> Handle:
    return await lab.client.start_workflow(
        WORKFLOW_TYPE, CustomerInput(Customer("ada")), id=workflow_id("ada"), task_queue=TASK_QUEUE
    )


async def next_task(lab: Lab) -> PollWorkflowTaskQueueResponse:
    """Poll the next Workflow Task from the server, as a worker does."""
    task = await lab.client.workflow_service.poll_workflow_task_queue(
        PollWorkflowTaskQueueRequest(
            namespace=lab.client.namespace, task_queue=TaskQueue(name=TASK_QUEUE), identity="this test"
        )
    )
    assert task.task_token, "The server has no Workflow Task"
    return task


async def attempt(ada: Handle) -> int:
    """Return the attempt number of the scheduled Workflow Task, or 0 if no task is scheduled."""
    pending = (await ada.describe()).raw_description.pending_workflow_task
    return pending.attempt if pending.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED else 0


async def test_task_failures_after_a_signal_storm_are_not_reported(lab: Lab) -> None:
    ada = await open_account(lab)
    for number in range(1, PERSISTENT_ATTEMPT + 1):
        await next_task(lab)
        await asyncio.gather(*(ada.signal("addPoints", 1) for _ in range(BUFFERED_AT_MOST + 1)))
        await eventually(
            partial(attempt, ada), partial(lt, number), waiting_for="the server to fail the task because of the signals"
        )
        assert await failing_task(lab.client, ada.id) is None
    causes = [
        event.workflow_task_failed_event_attributes.cause
        async for event in ada.fetch_history_events()
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    ]
    assert set(causes) == {WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND}
    await ada.terminate()


async def test_repeated_error_of_workflow_code_is_reported(lab: Lab) -> None:
    ada = await open_account(lab)
    reported = []
    for _ in range(PERSISTENT_ATTEMPT):
        task = await next_task(lab)
        await lab.client.workflow_service.respond_workflow_task_failed(
            RespondWorkflowTaskFailedRequest(
                namespace=lab.client.namespace,
                task_token=task.task_token,
                cause=WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
                failure=Failure(message="division by zero", stack_trace='  File "mine.py", line 7, in run\n'),
            )
        )
        reported.append(await failing_task(lab.client, ada.id))
    *earlier, newest = reported
    assert "division by zero" in str(newest)
    assert 'File "mine.py", line 7' in str(newest)
    assert earlier[0] is None, "One failure may come from a worker that was suspended for a moment"
    await ada.terminate()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot suspend a process with a signal")
async def test_no_error_is_reported_if_a_worker_pauses_for_three_seconds(lab: Lab) -> None:
    lab.worker.start()
    ada = await open_account(lab)
    for _ in range(2):
        asking = [asyncio.create_task(ada.execute_update("addLoyaltyPoint", 1)) for _ in range(8)]
        await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        assert lab.worker.pid is not None
        os.kill(lab.worker.pid, signal.SIGSTOP)
        try:
            await asyncio.wait(asking, timeout=3)
        finally:
            os.kill(lab.worker.pid, signal.SIGCONT)
        assert await asyncio.gather(*asking) == ["Thanks for being a loyal customer!"] * 8
