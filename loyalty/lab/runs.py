"""The runs of a live workflow, fetched from the server one after the other, along the thread of continue-as-new."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from loyalty.lab.events import rows_of


class _HasEvents(Protocol):
    @property
    def events(self) -> Sequence[HistoryEvent]: ...


RunT = TypeVar("RunT", bound=_HasEvents)


class Run:
    """The events of one run, and one row per event: `loyalty.lab.events.rows_of`."""

    def __init__(self, workflow_id: str, events: Sequence[HistoryEvent] = ()) -> None:
        self.workflow_id = workflow_id
        self.events: list[HistoryEvent] = []
        self.rows: list[tuple[Any, ...]] = []
        self._names: dict[int, str | None] = {}
        self.read(events)

    def read(self, events: Sequence[HistoryEvent]) -> None:
        """Take in the next events."""
        self.events += events
        self.rows += rows_of(events, self._names)


async def read(handle: WorkflowHandle[Any, Any]) -> Run:
    """Fetch a run, and read each page while the server works on the next."""
    run = Run(handle.id)
    pages = handle.fetch_history_events()
    await pages.fetch_next_page()
    while True:
        page = pages.current_page or []
        coming = asyncio.ensure_future(pages.fetch_next_page()) if pages.next_page_token else None
        await asyncio.sleep(0)  # lets the request leave: while the server works on it, this page is read
        run.read(page)
        if coming is None:
            return run
        await coming


async def follow(
    handle: WorkflowHandle[Any, Any], fetch: Callable[[WorkflowHandle[Any, Any]], Awaitable[RunT]]
) -> list[RunT]:
    """Return what `fetch` returns of each run that `handle`'s run continues and is continued by, the oldest first."""
    client = handle._client  # the SDK has no public way from a handle to another run of the same workflow

    async def fetch_other(run_id: str) -> RunT:
        return await fetch(client.get_workflow_handle(handle.id, run_id=run_id))

    runs = [await fetch(handle)]
    while earlier := runs[0].events[0].workflow_execution_started_event_attributes.continued_execution_run_id:
        try:
            runs.insert(0, await fetch_other(earlier))
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            break
    while later := _next_run_id(runs[-1]):
        runs.append(await fetch_other(later))
    return runs


def _next_run_id(run: _HasEvents) -> str:
    last = run.events[-1]
    return getattr(getattr(last, last.WhichOneof("attributes") or ""), "new_execution_run_id", "")
