"""Waiting for a condition, with a deadline that says what it waited for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable

from loyalty.lab.errors import WaitedTooLong

LOOK_EVERY_SECONDS = 0.02


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


def block_until(condition: Callable[[], object], what: str, timeout: float = 30) -> None:
    """Do the same where nothing can be awaited."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise WaitedTooLong(f"Waited {timeout:g} s until {what}, and it is not so")
        time.sleep(LOOK_EVERY_SECONDS)
