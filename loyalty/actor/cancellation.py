"""A cancellation request that becomes a message: the work in hand is finished first. Runs inside a workflow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


async def finish_when_cancelled(life: Coroutine[Any, Any, None], on_request: Callable[[], None]) -> None:
    """Run `life` to its end. On a cancellation request, call `on_request`, let `life` end, and raise CancelledError.

    The server's request would otherwise cancel whatever `life` waits for, in the middle of a message.
    """
    task = asyncio.create_task(life)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        on_request()
        await task
        raise
