"""Fetch all runs of a live workflow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from loyalty.lab.history.event_rows import Row, rows_of
from loyalty.lab.history.newest_first import PagesFromTheEnd


class _HasEvents(Protocol):
    @property
    def events(self) -> Sequence[HistoryEvent]: ...


RunT = TypeVar("RunT", bound=_HasEvents)


class Run:
    """The events of one run; `rows` has one Row per event."""

    def __init__(self, workflow_id: str, events: Sequence[HistoryEvent] = ()) -> None:
        self.workflow_id = workflow_id
        self.events: list[HistoryEvent] = []
        self.rows: list[Row] = []
        self.read(events)

    def read(self, events: Sequence[HistoryEvent]) -> None:
        """Append the next events and their rows."""
        self.events += events
        self.rows += rows_of(events)

    def append_reversed(self, newest_first: Run) -> None:
        """Append the later events of the same run; `newest_first` contains these events in reverse order."""
        newest = newest_first.events[0].event_id if newest_first.events else 0
        new = max(0, newest - self.events[-1].event_id)
        self.events += reversed(newest_first.events[:new])
        self.rows += reversed(newest_first.rows[:new])


async def read(handle: WorkflowHandle[Any, Any]) -> Run:
    """Fetch one run, and read each page while the server prepares the next page.

    A long run is fetched from both ends at the same time, because the server can prepare two pages in parallel.
    """
    client, run_id = handle._client, handle.run_id or (await handle.describe()).run_id
    oldest_first, newest_first = Run(handle.id), Run(handle.id)
    pages = client.get_workflow_handle(handle.id, run_id=run_id).fetch_history_events()
    pages_from_the_end = PagesFromTheEnd(client, handle.id, run_id)
    await pages.fetch_next_page()
    page = pages.current_page or []
    while pages.next_page_token and not _meet(page, pages_from_the_end.current_page):
        page_from_the_end = pages_from_the_end.current_page
        coming = asyncio.gather(pages.fetch_next_page(), pages_from_the_end.fetch_next_page(retry=True))
        await asyncio.sleep(0)  # sends the requests; these pages are read while the server prepares the next ones
        oldest_first.read(page)
        newest_first.read(page_from_the_end)
        await coming
        page = pages.current_page or []
    oldest_first.read(page)
    newest_first.read(pages_from_the_end.current_page)
    oldest_first.append_reversed(newest_first)
    return oldest_first


def _meet(page: Sequence[HistoryEvent], page_from_the_end: Sequence[HistoryEvent]) -> bool:
    return bool(page) and bool(page_from_the_end) and page[-1].event_id + 1 >= page_from_the_end[-1].event_id


async def follow(
    handle: WorkflowHandle[Any, Any], fetch: Callable[[WorkflowHandle[Any, Any]], Awaitable[RunT]]
) -> list[RunT]:
    """Return the result of the function `fetch` for each run of a workflow, oldest run first.

    `handle` can point to any run of the workflow.
    """
    client = handle._client  # the SDK has no public attribute for it

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
