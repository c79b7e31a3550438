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
from loyalty.lab.notices import is_due, say

LOOK_EVERY_SECONDS = 0.02

PATIENCE_SECONDS = 60.0
"""Deadline where none is stated. 300 customers who start at once took over half a minute on two busy cores."""

UNANSWERED = {EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED}
"""A run that continues another one may exist, and receive signals, for a second before its first task is scheduled."""


async def until(
    condition: Callable[[], Awaitable[object] | object],
    what: str,
    timeout: float = PATIENCE_SECONDS,
    *,
    missing: Callable[[], Awaitable[str]] | None = None,
) -> None:
    """Return once `condition()`, awaited if need be, is true; raise WaitedTooLong after `timeout` seconds.

    After some seconds it says once what it waits for; `missing` tells, as the end of a sentence, what is missing.
    """
    began, said = time.monotonic(), False
    while True:
        answer = condition()
        if await answer if isawaitable(answer) else answer:
            return
        waited = time.monotonic() - began
        if waited > timeout:
            raise WaitedTooLong(f"Waited {timeout:g} s until {what}, and it is not so{await _because(missing)}")
        if not said and is_due(began):
            said = True
            say(f"Still waiting until {what}, {timeout:g} s at most{await _because(missing)}")
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _because(missing: Callable[[], Awaitable[str]] | None) -> str:
    return f": {await missing()}" if missing else ""


async def settled(handle: WorkflowHandle[Any, Any], timeout: float = PATIENCE_SECONDS) -> None:
    """Return once the workflow has nothing to do but to wait for messages: no task and no activity is under way.

    Raises WaitedTooLong after `timeout` seconds.
    """
    client = handle._client

    async def has_nothing_to_do() -> bool:
        described = (await handle.describe()).raw_description
        if described.pending_activities or described.HasField("pending_workflow_task"):
            return False
        return await _newest_event(handle) not in UNANSWERED

    async def missing() -> str:
        from loyalty.lab.watching import premises_of  # which waits itself

        return await premises_of(client).about_workflow(client, handle.id, handle.run_id)

    await until(has_nothing_to_do, f"{handle.id} has nothing to do but to wait", timeout, missing=missing)


async def _newest_event(handle: WorkflowHandle[Any, Any]) -> EventType.ValueType:
    pages = PagesFromTheEnd(handle._client, handle.id, handle.run_id or "", page_size=1)
    await pages.fetch_next_page()
    return pages.current_page[0].event_type


def block_until(
    condition: Callable[[], object],
    what: str,
    timeout: float = PATIENCE_SECONDS,
    *,
    missing: Callable[[], str] | None = None,
) -> None:
    """Do the same as `until` where nothing can be awaited."""
    began, said = time.monotonic(), False
    while not condition():
        because = f": {missing()}" if missing else ""
        if time.monotonic() - began > timeout:
            raise WaitedTooLong(f"Waited {timeout:g} s until {what}, and it is not so{because}")
        if not said and is_due(began):
            said = True
            say(f"Still waiting until {what}, {timeout:g} s at most{because}")
        time.sleep(LOOK_EVERY_SECONDS)
