"""Wait for a condition until a deadline, and print a hint if the wait is long."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, TypeVar

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from loyalty.lab import arguments
from loyalty.lab.client import notices
from loyalty.lab.client.notices import is_due, say
from loyalty.lab.client.watching import lab_state_of
from loyalty.lab.errors import LabError, WaitedTooLong
from loyalty.lab.history.newest_first import PagesFromTheEnd

T = TypeVar("T")

Missing = Callable[[], Awaitable[str]]
"""A function that returns the reason for a delay, as the end of a sentence."""

LOOK_EVERY_SECONDS = 0.02

HINT_EVERY_SECONDS = 0.2
"""A wait checks its deadline this often while the condition's coroutine runs."""

PATIENCE_SECONDS = 60.0
"""The default deadline. A start of 300 customers at once took more than 30 s on two busy cores."""

UNANSWERED = {EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED}
"""Newest events that still need a Workflow Task. After continue-as-new, the server may schedule the first task of the
new run a second late."""

_labs: list[weakref.WeakMethod[Missing]] = []
"""The `missing` functions of the running labs; the newest lab is the last."""


def lab_is_up(missing: Missing) -> None:
    """Add the `missing` function of a lab that has started. The function returns the reason for a delay."""
    _labs.append(weakref.WeakMethod(missing))


def lab_is_down(missing: Missing) -> None:
    """Remove the `missing` function of a lab that has stopped. Also remove the functions of deleted labs."""
    _labs[:] = [one for one in _labs if one() not in (None, missing)]


async def _missing_in_newest_lab() -> str:
    missing = _labs[-1]() if _labs else None
    return await missing() if missing else ""


async def until(
    condition: Callable[[], Awaitable[object] | object],
    what: str,
    timeout: float = PATIENCE_SECONDS,
    *,
    missing: Missing = _missing_in_newest_lab,
) -> None:
    """Wait until `condition()` is true; raise WaitedTooLong after `timeout` seconds.

    `condition` may be a coroutine function. During a long wait, the text of `what` is printed once, with the reason for
    the delay. The function `missing` returns this reason. By default, the newest lab gives the reason.
    """
    arguments.refuse_function("condition", condition)
    arguments.refuse_text("what", what, "ada has 100 points")
    arguments.refuse_seconds("timeout", timeout, zero=True)
    wait = _Wait(what, timeout)
    while True:
        answer = condition()
        if await wait.for_look(answer, missing) if isawaitable(answer) else answer:
            return
        if wait.has_to_speak():
            wait.speak(await missing())
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def say_if_slow(awaited: Awaitable[T], sentence: str) -> T:
    """Return the result of `awaited`; print `sentence` if the result takes several seconds."""
    working = asyncio.ensure_future(awaited)
    try:
        await asyncio.wait({working}, timeout=notices.HINT_AFTER_SECONDS)
        if not working.done():
            say(sentence)
        return await working
    finally:
        await _end(working)


async def _end(task: asyncio.Future[Any]) -> None:
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def settled(handle: WorkflowHandle[Any, Any], timeout: float = PATIENCE_SECONDS) -> None:
    """Wait until the workflow has no open task and no pending activity.

    Raises WaitedTooLong after `timeout` seconds.
    """
    if not isinstance(handle, WorkflowHandle):
        raise LabError(
            f"Cannot wait until {handle!r} is settled: give a workflow's handle, such as "
            '`lab.client.get_workflow_handle("customer-ada")`'
        )
    arguments.refuse_seconds("timeout", timeout, zero=True)
    client = handle._client

    async def has_nothing_to_do() -> bool:
        described = (await handle.describe()).raw_description
        if described.pending_activities or described.HasField("pending_workflow_task"):
            return False
        return await newest_event_type(handle) not in UNANSWERED

    async def missing() -> str:
        return await lab_state_of(client).about_workflow(client, handle.id, handle.run_id)

    await until(has_nothing_to_do, f"{handle.id} has nothing to do but to wait", timeout, missing=missing)


async def newest_event_type(handle: WorkflowHandle[Any, Any]) -> EventType.ValueType:
    """Return the type of the newest event in a run. A handle without a run id means the newest run."""
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
    """Wait like `until`, but without an event loop."""
    wait = _Wait(what, timeout)
    while not condition():
        if wait.has_to_speak():
            wait.speak(missing() if missing else "")
        time.sleep(LOOK_EVERY_SECONDS)


class _Wait:
    """A wait that prints one hint after some seconds and raises an error at its deadline."""

    def __init__(self, what: str, timeout: float) -> None:
        self._what, self._timeout = what, timeout
        self._began, self._said = time.monotonic(), False

    async def for_look(self, look: Awaitable[T], missing: Missing) -> T:
        """Return the result of `look`. During a long wait, print a hint. At the deadline, raise WaitedTooLong."""
        looking = asyncio.ensure_future(look)
        try:
            while not (await asyncio.wait({looking}, timeout=HINT_EVERY_SECONDS))[0]:
                if self.has_to_speak():
                    self.speak(await missing())
            return looking.result()
        finally:
            await _end(looking)

    def has_to_speak(self) -> bool:
        """Return True if it is time to call `speak`."""
        return self._is_over() or (not self._said and is_due(self._began))

    def speak(self, missing: str) -> None:
        """Print the hint, or raise WaitedTooLong after the deadline. The text `missing` may be empty."""
        because = f": {missing}" if missing else ""
        if self._is_over():
            raise WaitedTooLong(f"Waited {self._timeout:g} s until {self._what}, but this did not happen{because}")
        self._said = True
        say(f"Still waiting until {self._what}, {self._timeout:g} s at most{because}")

    def _is_over(self) -> bool:
        return time.monotonic() - self._began > self._timeout
