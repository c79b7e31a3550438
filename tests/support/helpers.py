"""What several tests need: mails in memory, customers in a namespace of their own, waits with a deadline."""

from __future__ import annotations

import asyncio
import inspect
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.text_format import MessageToString
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest, ResetStickyTaskQueueRequest
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowInput,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateStage,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from loyalty.activities import Mailer
from loyalty.lab import history
from loyalty.messages import WORKFLOW_TYPE, workflow_id
from loyalty.worker import build_worker

Handle: TypeAlias = WorkflowHandle[Any, Any]

Report: TypeAlias = Callable[[str], None]
"""The fixture `report`: it prints a line at the end of the session."""

TEMPORAL = Path(sys.executable).with_name("temporal")
TEST_SERVER = Path(sys.executable).with_name("temporal-test-server")

PAUSE = 0.02
"""Seconds between two looks at a condition."""

PATIENCE_SECONDS = 90.0
"""Deadline where none is stated. What tests wait for takes about a second; a server that gets too little of the machine
may leave a Workflow Task alone for half a minute (28.8 s, measured while two model tests had one core each)."""

FAST = (
    "--dynamic-config-value",
    "history.transferProcessorMaxPollRPS=1000",
    "--dynamic-config-value",
    "history.workflowIdReuseMinimalInterval=0",
    "--dynamic-config-value",
    "history.timerProcessorMaxPollRPS=1000",
    "--dynamic-config-value",
    'history.timerProcessorMaxTimeShift="10ms"',
)
"""Signals and activities leave the server at once, which makes the tests four times faster; a timer fires when it is
due, instead of a second later; and a run that follows a very short one begins at once, instead of after a second."""


async def start_server(*settings: str) -> WorkflowEnvironment:
    """Start a real server on a free loopback port; `settings` are dynamic configuration, `key=value`."""
    more = [argument for setting in settings for argument in ("--dynamic-config-value", setting)]
    return await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(TEMPORAL),
        dev_server_extra_args=[*FAST, *more],
        dev_server_log_level="never",
    )


async def fresh_namespace(client: Client) -> Client:
    """Return a client of a new namespace, so that `customer-ada` is nobody else's."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    await client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=Duration(seconds=86_400))
    )
    settings = client.config()
    settings["namespace"] = name
    return Client(**settings)


async def eventually(
    look: Callable[[], Any],
    is_right: Callable[[Any], object] = bool,
    *,
    waiting_for: str,
    timeout: float = PATIENCE_SECONDS,
) -> Any:
    """Return what `look`, a coroutine or not, sees once that `is_right`; fail with what was waited for and seen."""
    deadline, looks = time.monotonic() + timeout, 0
    while True:
        began, looks = time.monotonic(), looks + 1
        looked = look()
        seen = await looked if inspect.isawaitable(looked) else looked
        if is_right(seen):
            return seen
        if time.monotonic() > deadline:
            pace = f"{looks:,} looks, the last of which took {time.monotonic() - began:.2f} s"
            pytest.fail(f"Waited {timeout} s for {waiting_for}; {pace} and saw: {seen!r}")
        await asyncio.sleep(PAUSE)


@asynccontextmanager
async def at_once() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group whose first error is raised as it is, so that it reads as a sentence."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


class Mails:
    """A mailer that keeps what it is given; while `down` it refuses like a mail server that is not there."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.attempts: list[EmailMessage] = []
        self.down = False

    async def __call__(self, message: EmailMessage) -> None:
        self.attempts.append(message)
        if self.down:
            raise ConnectionRefusedError("the mail server is down")
        self.received.append(message)

    def to(self, address: str) -> list[str]:
        """Return the subjects of what this address has received, oldest first."""
        return [message["Subject"] for message in self.received if message["To"] == address]

    async def arrive(self, address: str, *subjects: str) -> None:
        """Wait until exactly these mails, in this order, have come."""
        await eventually(
            lambda: self.to(address),
            lambda arrived: arrived == list(subjects),
            waiting_for=f"the mails {list(subjects)} to {address}",
        )


class Gate(Interceptor):
    """Stands between the worker and the server: while it is closed no guest can be started, and `error` prevents it."""

    def __init__(self) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()
        self.error: Exception | None = None
        self.attempts = 0

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        """Watch every workflow that is started through this client."""
        return _Watched(next, self)


class _Watched(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, gate: Gate) -> None:
        super().__init__(next)
        self._gate = gate

    async def start_workflow(self, input: StartWorkflowInput) -> Handle:
        self._gate.attempts += 1
        self._gate.reached.set()
        if self._gate.error:
            raise self._gate.error
        await self._gate.open.wait()
        return await super().start_workflow(input)


@dataclass
class Shop:
    """One namespace with a worker; opens customers as any client would."""

    client: Client
    mails: Mails = field(default_factory=Mails)
    task_queue: str = field(default_factory=lambda: f"loyalty-{uuid.uuid4().hex[:12]}")

    @asynccontextmanager
    async def serving(self, mailer: Mailer | None = None, gate: Gate | None = None) -> AsyncIterator[None]:
        """Serve the customers of this shop by a worker for as long as the block lasts."""
        settings = self.client.config()
        settings["interceptors"] = [gate] if gate else []
        async with build_worker(Client(**settings), mailer or self.mails, task_queue=self.task_queue):
            yield

    async def opens(self, customer_id: str, *, settings: dict[str, Any] | None = None, **fields: Any) -> Handle:
        """Start a customer from the JSON that another language or the command line would send."""
        start = {"customer": {"customer_id": customer_id, **fields}, **(settings or {})}
        return await self.client.start_workflow(
            WORKFLOW_TYPE, start, id=workflow_id(customer_id), task_queue=self.task_queue
        )

    def customer(self, customer_id: str) -> Handle:
        """Return the handle of a customer whom somebody else brought to life."""
        return self.client.get_workflow_handle(workflow_id(customer_id))


async def status(customer: Handle) -> dict[str, Any]:
    """Return the answer of `getStatus`; the server lets a query see every signal that was sent before."""
    answer: dict[str, Any] = await customer.query("getStatus")
    return answer


async def points(customer: Handle) -> int:
    """Return the current points."""
    return int((await status(customer))["points"])


async def comes_to(customer: Handle, expected: int, timeout: float = PATIENCE_SECONDS) -> None:
    """Wait until the customer has so many points."""
    await eventually(
        lambda: points(customer),
        lambda seen: seen == expected,
        waiting_for=f"{customer.id} to have {expected} points",
        timeout=timeout,
    )


async def refusal(asking: Awaitable[Any]) -> str:
    """Return the sentence with which an update is refused."""
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await asking
    cause = refused.value.cause
    assert isinstance(cause, ApplicationError), f"An update is refused by an ApplicationError, not by {cause!r}"
    return cause.message


async def accepted(customer: Handle, update: str, argument: object) -> Any:
    """Send an update, and return its handle after the workflow has accepted the update."""
    return await customer.start_update(update, argument, wait_for_stage=WorkflowUpdateStage.ACCEPTED)


async def has_closed(customer: Handle, how: WorkflowExecutionStatus) -> None:
    assert (await customer.describe()).status == how, f"{customer.id} has another status than {how.name}"


async def ends(customer: Handle, timeout: float = PATIENCE_SECONDS) -> Any:
    """Return the result of a workflow, or raise its failure, but wait no longer than `timeout` seconds."""
    try:
        return await asyncio.wait_for(customer.result(), timeout)
    except TimeoutError:
        pytest.fail(f"{customer.id} has not ended within {timeout} s")


async def failure_of(customer: Handle) -> BaseException | None:
    """Return the cause for which a workflow failed, was cancelled or was terminated."""
    with pytest.raises(WorkflowFailureError) as failed:
        await ends(customer)
    return failed.value.cause


async def events(customer: Handle) -> list[HistoryEvent]:
    """Return the history of the run that the handle names, of the newest run where it names none."""
    return [event async for event in customer.fetch_history_events()]


async def situation(customer: Handle, newest: int = 40) -> str:
    """Return what the server knows of a workflow: pending work, and its newest events. For who asks why it is stuck."""
    try:
        pending = (await customer.describe()).raw_description
    except RPCError as error:
        return f"{customer.id}: {error.message}"
    written = (await history.frame(customer))[["run", "event_id", "time", "type", "name", "detail"]].tail(newest)
    return "\n".join(
        [
            f"{customer.id} at {datetime.now(UTC)}:",
            f"pending task: {MessageToString(pending.pending_workflow_task, as_one_line=True) or 'none'}",
            *(f"pending: {MessageToString(activity, as_one_line=True)}" for activity in pending.pending_activities),
            written.to_string(index=False),
        ]
    )


async def count(customer: Handle, kind: EventType.ValueType) -> int:
    """Return how many events of that kind the history holds."""
    return sum(event.event_type == kind for event in await events(customer))


async def reset_sticky_queue(customer: Handle, client: Client) -> None:
    """Let any worker take the customer's next task at once.

    Otherwise the server would first wait 10 s for the killed worker with the customer in its cache.
    """
    await client.workflow_service.reset_sticky_task_queue(
        ResetStickyTaskQueueRequest(namespace=client.namespace, execution=WorkflowExecution(workflow_id=customer.id))
    )


async def runs(customer: Handle, client: Client) -> list[Handle]:
    """Return a handle of every run of a customer, oldest first, following the thread back from the newest."""
    newest = await customer.describe()
    thread = [client.get_workflow_handle(customer.id, run_id=newest.run_id)]
    while True:
        first = (await events(thread[0]))[0].workflow_execution_started_event_attributes
        if not first.continued_execution_run_id:
            return thread
        thread.insert(0, client.get_workflow_handle(customer.id, run_id=first.continued_execution_run_id))


async def continue_as_new(customer: Handle, times: int = 1) -> None:
    """Send updates until the customer has continued as new `times` times."""
    for _ in range(times):
        before = (await customer.describe()).run_id
        for _ in range(40):
            await customer.execute_update("addLoyaltyPoint", 1)
            if (await customer.describe()).run_id != before:
                break
        else:
            raise AssertionError(f"{customer.id} has not continued as new after 40 purchases")
