"""Waiting for a condition, with a deadline that says what it waited for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from loyalty.lab.backwards import PagesFromTheEnd
from loyalty.lab.errors import WaitedTooLong

LOOK_EVERY_SECONDS = 0.02

PATIENCE_SECONDS = 60.0
"""Deadline where none is stated. 300 customers who start at once took over half a minute on two busy cores."""

UNANSWERED = {EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED}
"""A run that continues another one may exist, and receive signals, for a second before its first task is scheduled."""


async def until(
    condition: Callable[[], Awaitable[object] | object], what: str, timeout: float = PATIENCE_SECONDS
) -> None:
    """Return once `condition()`, awaited if need be, is true; raise WaitedTooLong after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        answer = condition()
        if await answer if isawaitable(answer) else answer:
            return
        if time.monotonic() > deadline:
            raise WaitedTooLong(f"Waited {timeout:g} s until {what}, and it is not so")
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def settled(handle: WorkflowHandle[Any, Any], timeout: float = PATIENCE_SECONDS) -> None:
    """Return once the workflow has nothing to do but to wait for messages: no task and no activity is under way.

    Raises WaitedTooLong after `timeout` seconds.
    """

    async def has_nothing_to_do() -> bool:
        described = (await handle.describe()).raw_description
        if described.pending_activities or described.HasField("pending_workflow_task"):
            return False
        return await _newest_event(handle) not in UNANSWERED

    await until(has_nothing_to_do, f"{handle.id} has nothing to do but to wait", timeout)


async def _newest_event(handle: WorkflowHandle[Any, Any]) -> EventType.ValueType:
    pages = PagesFromTheEnd(handle._client, handle.id, handle.run_id or "", page_size=1)
    await pages.fetch_next_page()
    return pages.current_page[0].event_type


def block_until(condition: Callable[[], object], what: str, timeout: float = PATIENCE_SECONDS) -> None:
    """Do the same where nothing can be awaited."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise WaitedTooLong(f"Waited {timeout:g} s until {what}, and it is not so")
        time.sleep(LOOK_EVERY_SECONDS)
