"""The tries of an exercise: `grace`, `grace-2`, ... One right try is enough; the hint is about the newest."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from temporalio.api.common.v1 import Payloads
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
)
from temporalio.service import RPCError, RPCStatusCode

from loyalty.lab import history
from loyalty.lab.errors import LabError, WaitedTooLong
from loyalty.lab.exercises.hints import NotYet
from loyalty.lab.waiting import UNANSWERED, until
from loyalty.lab.watching import failing_task

if TYPE_CHECKING:
    import pandas as pd

WORKER_SECONDS = 20.0
"""How long a check waits for a worker to serve what the workflow has received."""

QUERY_TIMEOUT = timedelta(seconds=10)


@dataclass
class Kind:
    """The workflows of an exercise: how an id is made of a name, and what is right about their start."""

    workflow_id: Callable[[str], str]
    workflow_type: str
    task_queue: str
    again: str
    """What to do for another try; `{}` is the next free name."""


@dataclass
class Try:
    """One workflow of a learner: the events of all its runs, as they are and as a frame."""

    client: Client
    name: str
    handle: WorkflowHandle[Any, Any]
    events: Sequence[HistoryEvent]
    frame: pd.DataFrame

    async def query(self, name: str) -> Any:
        """Return the answer, as JSON, to a query without arguments; raise NotYet where no worker gives one."""
        try:
            return await self.handle.query(name, rpc_timeout=QUERY_TIMEOUT)
        except (RPCError, WorkflowQueryFailedError, LabError) as error:
            raise NotYet(f"{self.handle.id} does not answer the query {name} ({error})", WORKER) from error

    def signals(self, name: str | None = None) -> Iterator[HistoryEvent]:
        """Yield the events of the signals of that name, or of all signals, the oldest first."""
        for event in self.events:
            signaled = event.workflow_execution_signaled_event_attributes
            is_signal = event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
            if is_signal and name in (None, signaled.signal_name):
                yield event


WORKER = "Is the worker running? `lab.worker.start()` starts it; then run this cell again"


def arguments(payloads: Payloads) -> list[Any]:
    """Return the values of payloads; None stands for what is no JSON."""
    return [_json(payload.data) for payload in payloads.payloads]


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


async def check_tries(client: Client, name: str, kind: Kind, missing: str, is_done: Check) -> str:
    """Return what `is_done` returns for a right try; raise NotYet with the hint about the newest try."""
    names, descriptions = [name], list[WorkflowExecutionDescription]()
    while description := await described(client, kind.workflow_id(names[-1])):
        descriptions.append(description)
        names.append(f"{name}-{len(names) + 1}")
    if not descriptions:
        similar = await _similar(client, name, kind)
        raise NotYet(f"there is no workflow with the id {kind.workflow_id(name)!r}{similar}", missing)
    hint: NotYet | None = None
    for tried, description in reversed(list(zip(names, descriptions, strict=False))):
        try:
            return await is_done(await _load(client, tried, description, kind))
        except NotYet as not_yet:
            again = kind.again.format(repr(names[-1]))
            hint = hint or NotYet(*_next_step(not_yet, description, again))
    assert hint is not None
    raise hint


Check = Callable[[Try], Awaitable[str]]


async def described(client: Client, workflow_id: str) -> WorkflowExecutionDescription | None:
    """Return the description of a workflow, or None if no workflow has that id."""
    try:
        return await client.get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        return None


def _next_step(not_yet: NotYet, description: WorkflowExecutionDescription, again: str) -> tuple[str, str]:
    if description.status == WorkflowExecutionStatus.RUNNING:
        return not_yet.found, f"{not_yet.todo}; or {again}" if not_yet.todo else again[0].upper() + again[1:]
    status = description.status.name if description.status else "unknown"
    ended = f"{description.id} has ended ({status}, event {description.history_length})"
    return f"{not_yet.found}, and {ended}", again[0].upper() + again[1:]


async def _similar(client: Client, name: str, kind: Kind) -> str:
    """Return a clause about a workflow whose id is nearly right."""
    for id in (name, name.title(), name.upper(), kind.workflow_id(name.title()), kind.workflow_id(name.upper())):
        if await described(client, id):
            return f", but there is {id!r}"
    return ""


async def _load(client: Client, name: str, description: WorkflowExecutionDescription, kind: Kind) -> Try:
    id = description.id
    if description.workflow_type != kind.workflow_type:
        raise NotYet(f"event 1 of {id} starts a {description.workflow_type}, not a {kind.workflow_type}")
    if description.task_queue != kind.task_queue:
        raise NotYet(
            f"event 1 of {id} names the task queue {description.task_queue!r}; "
            f"the worker that runs a {kind.workflow_type} serves {kind.task_queue!r}"
        )
    handle = client.get_workflow_handle(id)
    if description.status == WorkflowExecutionStatus.RUNNING:
        await served(handle)
    runs = await history.fetch(handle)
    return Try(client, name, handle, [event for run in runs for event in run.events], history.frame_of(runs))


async def served(handle: WorkflowHandle[Any, Any]) -> None:
    """Return once a worker has served what the workflow received; raise NotYet if none does."""

    async def has_no_task() -> bool:
        raw = (await handle.describe()).raw_description
        if raw.HasField("pending_workflow_task"):
            return False
        events = (await history.fetch(handle))[-1].events
        return events[-1].event_type not in UNANSWERED

    try:
        await until(has_no_task, "a worker has served the workflow", WORKER_SECONDS)
    except WaitedTooLong as late:
        problem = await failing_task(handle._client, handle.id)
        if problem:
            raise NotYet(f"the code of {handle.id} fails on what it received: {problem}") from late
        raise NotYet(f"a message of {handle.id} has waited {WORKER_SECONDS:g} s for a worker", WORKER) from late
