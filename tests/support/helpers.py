"""Helpers of many tests: a server, customers in a separate namespace, e-mails in memory, waits with a deadline."""

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
"""Seconds between two checks of a condition."""

PATIENCE_SECONDS = 90.0
"""The default deadline. Most waits take about a second. On a busy machine the server may delay a Workflow Task by half
a minute (28.8 s were measured while two model tests had one core each)."""

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
"""Server settings for fast tests. The server sends signals and activities at once, so the tests are four times faster.
A timer fires without a delay of a second, and the run after a very short run starts without such a delay, too."""


async def start_server(*settings: str) -> WorkflowEnvironment:
    """Start a real server on a free loopback port. The parameter `settings` is dynamic configuration, `key=value`."""
    more = [argument for setting in settings for argument in ("--dynamic-config-value", setting)]
    return await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(TEMPORAL),
        dev_server_extra_args=[*FAST, *more],
        dev_server_log_level="never",
    )


async def fresh_namespace(client: Client) -> Client:
    """Return a client of a new namespace, in which no other test uses `customer-ada`."""
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
    """Call the function `look` until `is_right` accepts the result, and return the result. Fail with the last result.

    The lab's `until` does not fit here: `until` returns no value, prints hints, and raises an error without the value.
    """
    deadline, looks = time.monotonic() + timeout, 0
    while True:
        began, looks = time.monotonic(), looks + 1
        looked = look()
        seen = await looked if inspect.isawaitable(looked) else looked
        if is_right(seen):
            return seen
        if time.monotonic() > deadline:
            pace = f"{looks:,} checks, the last one took {time.monotonic() - began:.2f} s"
            pytest.fail(f"Waited {timeout} s for {waiting_for}; {pace} and returned {seen!r}")
        await asyncio.sleep(PAUSE)


@asynccontextmanager
async def at_once() -> AsyncIterator[asyncio.TaskGroup]:
    """Yield a task group. Raise the first error of the group without the exception group."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


class Mails:
    """A mailer that stores e-mails. While `down` is true, the mailer raises the error of an unreachable mail server."""

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
        """Return the subjects of the e-mails to this address, oldest first."""
        return [message["Subject"] for message in self.received if message["To"] == address]

    async def arrive(self, address: str, *subjects: str) -> None:
        """Wait until exactly these e-mails have arrived in this order."""
        await eventually(
            lambda: self.to(address),
            lambda arrived: arrived == list(subjects),
            waiting_for=f"the e-mails {list(subjects)} to {address}",
        )


class Gate(Interceptor):
    """Delays each start of a guest until `open` is set, or raises `error` instead."""

    def __init__(self) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()
        self.error: Exception | None = None
        self.attempts = 0

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        """Return an interceptor for every start of a workflow."""
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
    """One namespace with a task queue. Methods start workers and customers."""

    client: Client
    mails: Mails = field(default_factory=Mails)
    task_queue: str = field(default_factory=lambda: f"loyalty-{uuid.uuid4().hex[:12]}")

    @asynccontextmanager
    async def serving(self, mailer: Mailer | None = None, gate: Gate | None = None) -> AsyncIterator[None]:
        """Run a worker for this shop's customers during the block."""
        settings = self.client.config()
        settings["interceptors"] = [gate] if gate else []
        async with build_worker(Client(**settings), mailer or self.mails, task_queue=self.task_queue):
            yield

    async def opens(self, customer_id: str, *, settings: dict[str, Any] | None = None, **fields: Any) -> Handle:
        """Start a customer with JSON input, as another language or the CLI does."""
        start = {"customer": {"customer_id": customer_id, **fields}, **(settings or {})}
        return await self.client.start_workflow(
            WORKFLOW_TYPE, start, id=workflow_id(customer_id), task_queue=self.task_queue
        )

    def customer(self, customer_id: str) -> Handle:
        """Return the handle of a customer."""
        return self.client.get_workflow_handle(workflow_id(customer_id))


async def status(customer: Handle) -> dict[str, Any]:
    """Return the answer of `getStatus`. The answer includes every signal that was sent before the query."""
    answer: dict[str, Any] = await customer.query("getStatus")
    return answer


async def points(customer: Handle) -> int:
    """Return the current points."""
    return int((await status(customer))["points"])


async def comes_to(customer: Handle, expected: int, timeout: float = PATIENCE_SECONDS) -> None:
    """Wait until the customer has the expected points."""
    await eventually(
        lambda: points(customer),
        lambda seen: seen == expected,
        waiting_for=f"{expected} points of {customer.id}",
        timeout=timeout,
    )


async def refusal(asking: Awaitable[Any]) -> str:
    """Return the sentence of a refused update; fail if the update is not refused."""
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await asking
    cause = refused.value.cause
    assert isinstance(cause, ApplicationError), f"The update failed with {cause!r} instead of an ApplicationError"
    return cause.message


async def accepted(customer: Handle, update: str, argument: object) -> Any:
    """Send an update, wait until the workflow has accepted the update, and return the update's handle."""
    return await customer.start_update(update, argument, wait_for_stage=WorkflowUpdateStage.ACCEPTED)


async def has_closed(customer: Handle, how: WorkflowExecutionStatus) -> None:
    assert (await customer.describe()).status == how, f"{customer.id} has another status than {how.name}"


async def ends(customer: Handle, timeout: float = PATIENCE_SECONDS) -> Any:
    """Return the result of a workflow, or raise the workflow's failure. Fail after `timeout` seconds."""
    try:
        return await asyncio.wait_for(customer.result(), timeout)
    except TimeoutError:
        pytest.fail(f"{customer.id} has not ended within {timeout} s")


async def failure_of(customer: Handle) -> BaseException | None:
    """Return the cause of a workflow's failure, cancellation or termination."""
    with pytest.raises(WorkflowFailureError) as failed:
        await ends(customer)
    return failed.value.cause


async def events(customer: Handle) -> list[HistoryEvent]:
    """Return the history of the run in the handle. A handle without a run has the history of the newest run."""
    return [event async for event in customer.fetch_history_events()]


async def situation(customer: Handle, newest: int = 40) -> str:
    """Return a text with the pending tasks and the newest events of a workflow, to explain a failed wait."""
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
    """Return the number of events of this type in the history."""
    return sum(event.event_type == kind for event in await events(customer))


async def reset_sticky_queue(customer: Handle, client: Client) -> None:
    """Let any worker take the customer's next task at once.

    Otherwise the server would wait 10 s for the killed worker.
    """
    await client.workflow_service.reset_sticky_task_queue(
        ResetStickyTaskQueueRequest(namespace=client.namespace, execution=WorkflowExecution(workflow_id=customer.id))
    )


async def runs(customer: Handle, client: Client) -> list[Handle]:
    """Return a handle for each run of a customer, oldest run first."""
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
