"""Waiting for a condition, with a deadline that says what it waited for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any

from temporalio.client import WorkflowHandle

from loyalty.lab.errors import WaitedTooLong

LOOK_EVERY_SECONDS = 0.02

EVENTS_BEFORE_A_RESULT = 3
"""Started, and the first Workflow Task scheduled and started."""


async def until(condition: Callable[[], Awaitable[object] | object], what: str, timeout: float = 30) -> None:
    """Return once `condition()`, awaited if need be, is true; raise WaitedTooLong after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        answer = condition()
        if await answer if isawaitable(answer) else answer:
            return
        if time.monotonic() > deadline:
            raise WaitedTooLong(f"Waited {timeout:g} s until {what}, and it is not so")
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def settled(handle: WorkflowHandle[Any, Any], timeout: float = 30) -> None:
    """Return once the workflow has nothing to do but to wait for messages: no task and no activity is under way.

    Raises WaitedTooLong after `timeout` seconds.
    """

    async def has_nothing_to_do() -> bool:
        described = (await handle.describe()).raw_description
        # A run that continues another one exists for a moment before its first task does.
        has_begun = described.workflow_execution_info.history_length > EVENTS_BEFORE_A_RESULT
        return has_begun and not described.pending_activities and not described.HasField("pending_workflow_task")

    await until(has_nothing_to_do, f"{handle.id} has nothing to do but to wait", timeout)


def block_until(condition: Callable[[], object], what: str, timeout: float = 30) -> None:
    """Do the same where nothing can be awaited."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise WaitedTooLong(f"Waited {timeout:g} s until {what}, and it is not so")
        time.sleep(LOOK_EVERY_SECONDS)
