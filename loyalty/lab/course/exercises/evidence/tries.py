"""Check a learner's tries at an exercise.

One correct try is enough. If all tries are wrong, the hint is about the newest try.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowHistory,
    WorkflowQueryFailedError,
)
from temporalio.service import RPCError

from loyalty.lab import history
from loyalty.lab.course.exercises.evidence import finding, payloads
from loyalty.lab.course.exercises.evidence.serving import WORKER, require_worker, served
from loyalty.lab.course.exercises.not_yet import NotYet
from loyalty.lab.errors import LabError
from loyalty.lab.history.newest_first import PagesFromTheEnd

if TYPE_CHECKING:
    import pandas as pd

QUERY_TIMEOUT = timedelta(seconds=15)
BEGINNING = 5
"""The first events of a run show the start of the workflow."""


@dataclass
class Kind:
    """The workflow id, workflow type and task queue that an exercise expects."""

    workflow_id: Callable[[str], str]
    workflow_type: str
    task_queue: str
    again: str
    """The next step for another try; `{}` is the next free name."""


@dataclass
class Try:
    """One workflow that a learner started; the history is fetched at the first use."""

    client: Client
    description: WorkflowExecutionDescription
    _runs: list[WorkflowHistory] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The workflow's id."""
        return self.description.id

    @property
    def is_running(self) -> bool:
        """True if the workflow is still running."""
        return self.description.status == WorkflowExecutionStatus.RUNNING

    async def query(self, name: str) -> Any:
        """Send a query without arguments and return the JSON answer; raise NotYet if no worker answers."""
        await require_worker(self.client, self.description, f"{self.id} needs a worker to answer the query {name}")
        try:
            return await self._handle().query(name, rpc_timeout=QUERY_TIMEOUT)
        except (RPCError, WorkflowQueryFailedError, LabError) as error:
            raise NotYet(f"{self.id} does not answer the query {name} ({error})", WORKER) from error

    async def beginning(self) -> Sequence[HistoryEvent]:
        """Return the first events of the first run."""
        info = self.description.raw_description.workflow_execution_info
        first_run = self._handle(info.first_run_id or None)
        pages = first_run.fetch_history_events(page_size=BEGINNING)
        await pages.fetch_next_page()
        return (pages.current_page or [])[:BEGINNING]

    async def input(self) -> dict[str, Any]:
        """Return the start input of the first run, or an empty dictionary if the input is not a JSON object."""
        first, *_ = await self.beginning()
        return payloads.first_object(first.workflow_execution_started_event_attributes.input)

    async def runs(self) -> list[WorkflowHistory]:
        """Return the histories of all runs, oldest first."""
        self._runs = self._runs or await history.fetch(self._handle())
        return self._runs

    async def events(self) -> list[HistoryEvent]:
        """Return the events of all runs, oldest first."""
        return [event for run in await self.runs() for event in run.events]

    async def frame(self) -> pd.DataFrame:
        """Return the events of all runs as a DataFrame, with the columns of `loyalty.lab.history.frame`."""
        return history.frame_of(await self.runs())

    async def signals(self, name: str | None = None) -> list[HistoryEvent]:
        """Return the signal events, oldest first. With `name`, return only the signal events with this name."""
        signaled = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
        return [
            event
            for event in await self.events()
            if event.event_type == signaled
            and name in (None, event.workflow_execution_signaled_event_attributes.signal_name)
        ]

    async def newest_event(self) -> HistoryEvent:
        """Return the newest event."""
        pages = PagesFromTheEnd(self.client, self.id, page_size=1)
        await pages.fetch_next_page()
        return pages.current_page[0]

    def _handle(self, run_id: str | None = None) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(self.id, run_id=run_id)


Check = Callable[[Try], Awaitable[str]]


async def check_tries(client: Client, name: str, kind: Kind, missing: str, is_done: Check) -> str:
    """Return the result of `is_done` for a correct try; raise NotYet with a hint if all tries are wrong."""
    newest_first, free_name = await finding.tries(client, name, kind.workflow_id)
    if not newest_first:
        alike = await finding.similar(client, name, kind.workflow_id)
        raise NotYet(f"there is no workflow with the id {kind.workflow_id(name)!r}{alike}", missing)
    hints = list[NotYet]()
    for description in newest_first:
        tried = Try(client, description)
        try:
            await _require_a_right_start(tried, kind)
            return await is_done(tried)
        except NotYet as hint:
            hints.append(_with_next_step(hint, tried, kind.again.format(repr(free_name))))
    raise hints[0]


async def _require_a_right_start(tried: Try, kind: Kind) -> None:
    """Wait until the workflow has processed its messages.

    Raise NotYet if the workflow has failed, or has a wrong type or task queue.
    """
    description = tried.description
    if description.workflow_type != kind.workflow_type:
        raise NotYet(f"event 1 of {tried.id} starts a {description.workflow_type}, not a {kind.workflow_type}")
    if description.task_queue != kind.task_queue:
        raise NotYet(
            f"event 1 of {tried.id} names the task queue {description.task_queue!r}, but the worker that runs "
            f"{kind.workflow_type} serves {kind.task_queue!r}"
        )
    if tried.is_running:
        tried.description = await served(tried.client, tried.client.get_workflow_handle(tried.id))
    if tried.description.status == WorkflowExecutionStatus.FAILED:
        last = await tried.newest_event()
        why = last.workflow_execution_failed_event_attributes.failure.message
        raise NotYet(f"event {last.event_id} of {tried.id} shows why the workflow failed: {why}")


def _with_next_step(hint: NotYet, tried: Try, again: str) -> NotYet:
    """Add the next step to a hint. If the workflow has ended, the next step is another try."""
    sentence = again[0].upper() + again[1:]
    if tried.is_running:
        return NotYet(hint.found, f"{hint.todo}; or {again}" if hint.todo else sentence)
    status = tried.description.status
    if status is None or status == WorkflowExecutionStatus.FAILED:
        return NotYet(hint.found, sentence)
    return NotYet(f"{hint.found}, and {tried.id} has ended ({status.name})", sentence)
