"""A cancellation request becomes a message.

The workflow finishes the current message before the cancellation. Runs inside a workflow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


async def finish_when_cancelled(life: Coroutine[Any, Any, None], on_request: Callable[[], None]) -> None:
    """Run `life` to its end.

    After a cancellation request, call `on_request` and wait until `life` ends. Then raise CancelledError. Without this
    function, the SDK would interrupt the work on the current message.
    """
    task = asyncio.create_task(life)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        on_request()
        await task
        raise
