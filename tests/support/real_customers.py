"""Customers on a real server, compared with the model in `tests.support.model` after each message."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowInput,
    WorkflowHistory,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker

from loyalty.activities import LoyaltyActivities
from loyalty.lab import settled
from loyalty.messages import workflow_id
from loyalty.workflow import CustomerLoyaltyWorkflow
from tests.support.helpers import PATIENCE_SECONDS, Handle, Shop, ends, events, eventually, situation
from tests.support.model import POINTS_MAIL, Model, Refusal
from tests.support.random_messages import ASKS, NAMES, RandomMessage

STICKY_TIMEOUT = timedelta(milliseconds=200)

TASK_TIMEOUT = timedelta(seconds=1)
"""Timeouts of a Workflow Task whose worker has stopped: before and after the task started on the worker. The default
is 10 s for both. Every second worker that stops right after a message has started such a task."""

EXPECTED_FAILURE = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND
"""A signal arrived during the last task of a run, so the server repeats the task. This failure is expected."""


@dataclass
class Tally:
    """Counts over all days."""

    messages: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    repeated: int = 0
    workers: int = 0
    customers: int = 0
    runs: int = 0
    events: int = 0
    days: int = 0
    failure: BaseException | None = None


class ShortTaskTimeout(Interceptor):
    """Start every workflow with TASK_TIMEOUT. The server then soon repeats a task of a stopped worker."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        """Return an interceptor that changes every start of a workflow."""
        return _ShortTaskTimeout(next)


class _ShortTaskTimeout(OutboundInterceptor):
    async def start_workflow(self, input: StartWorkflowInput) -> Handle:
        input.task_timeout = TASK_TIMEOUT
        return await super().start_workflow(input)


class RealCustomers:
    """The customers of the model as workflows on a real server, with a worker and a list of e-mails."""

    def __init__(self, client: Client, model: Model, tally: Tally) -> None:
        self.model, self.tally = model, tally
        self.script: list[str] = []
        """All messages of the day, one line each. The last lines explain a failure."""
        config = client.config()
        config["interceptors"] = [ShortTaskTimeout()]
        self._shop = Shop(Client(**config))
        self.remembers = 1_000
        """The size of the worker's cache. A customer outside the cache is replayed at its next message."""
        self._worker: Worker | None = None
        self._serving: asyncio.Task[None] | None = None

    def handle(self, customer_id: str) -> Handle:
        return self._shop.customer(customer_id)

    async def start_worker(self) -> None:
        activities = LoyaltyActivities(self._shop.client, self._shop.mails)
        self._worker = Worker(
            self._shop.client,
            task_queue=self._shop.task_queue,
            workflows=[CustomerLoyaltyWorkflow],
            activities=[activities.send_email, activities.start_guest],
            sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
            graceful_shutdown_timeout=timedelta(seconds=5),
            max_cached_workflows=self.remembers,
        )
        self._serving = asyncio.create_task(self._worker.run())
        self.tally.workers += 1
        self.script.append("(a worker starts)")

    async def stop_worker(self) -> None:
        if self._worker is not None and self._serving is not None:
            self.script.append("(the worker stops)")
            await self._worker.shutdown()
            await self._serving
        self._worker = self._serving = None

    async def opens(self, customer_id: str, threshold: int, points: int) -> None:
        name, email = customer_id.title(), f"{customer_id}@example.org" if customer_id == NAMES[0] else ""
        self.script.append(f"{customer_id} starts with {points:,} points and a threshold of {threshold} events")
        self.model.opens(customer_id, name=name, email=email, points=points)
        await self._shop.opens(
            customer_id, name=name, email=email, points=points, settings={"history_threshold": threshold}
        )

    async def send(self, customer_id: str, message: RandomMessage) -> None:
        """Send one message to the customer and to the model, and compare the answers."""
        self.script.append(f"{customer_id}: {message.name}{message.arguments}")
        self.tally.messages[message.name] += 1
        if message.name in ASKS:
            await self._ask(customer_id, message, self.model.receives(customer_id, message.name, message.arguments))
            return
        if await self._reaches(customer_id, self.handle(customer_id).signal(message.name, args=message.arguments)):
            self.tally.refused += isinstance(self.model.receives(customer_id, message.name, message.arguments), Refusal)

    async def _reaches(self, customer_id: str, sending: Coroutine[Any, Any, Any]) -> bool:
        """Return whether the customer was running.

        Fail if the account is open in the model, but the customer was not running.
        """
        try:
            await sending
        except RPCError as error:
            closed = not self.model.is_open(customer_id) and error.status is RPCStatusCode.NOT_FOUND
            if not closed:
                seen = await situation(self.handle(customer_id))
                pytest.fail(
                    f"A message to {customer_id} failed with {error!r}; "
                    f"account open in the model: {self.model.is_open(customer_id)}\n{seen}"
                )
            return False
        return True

    async def _ask(self, customer_id: str, message: RandomMessage, expected: Any) -> None:
        answered: list[Any] = []

        async def ask() -> None:
            asking = self.handle(customer_id).execute_update(message.name, args=message.arguments)
            try:
                answered.append(await asyncio.wait_for(asking, PATIENCE_SECONDS))
            except WorkflowUpdateFailedError as refused:
                answered.append(refused.cause)

        if not await self._reaches(customer_id, ask()):
            return
        (answer,) = answered
        if not isinstance(answer, BaseException):
            assert answer == expected, f"{message} returned {answer!r}; the model returns {expected!r}"
            return
        self.tally.refused += 1
        assert isinstance(answer, ApplicationError), f"{message} failed with {answer!r}"
        sentence = answer.message
        assert isinstance(expected, Refusal), f"{message} was refused: {sentence!r}; the model returns {expected!r}"
        missing = [words for words in expected.gist if words not in sentence]
        assert not missing, f"The refusal {sentence!r} of {message} does not contain {missing}"

    async def settles(self) -> None:
        """Wait until all changed customers agree with the model and are idle.

        An unfinished message may change a later answer, even if the message changes no query now.
        """
        touched, self.model.touched = sorted(self.model.touched), set()
        await asyncio.gather(*(self._agrees(customer_id) for customer_id in touched))
        for _ in range(2):  # an idle customer may receive a signal from a customer that is checked later
            await asyncio.gather(*(settled(self.handle(customer_id), PATIENCE_SECONDS) for customer_id in touched))

    async def _agrees(self, customer_id: str) -> None:
        handle, expected = self.handle(customer_id), self.model.accounts[customer_id].view()

        async def differences() -> dict[str, Any]:
            try:
                # One after the other: concurrent queries behind a waiting task are answered a second later.
                seen = {query: await handle.query(query) for query in expected}
            except RPCError as error:  # a guest's workflow may not have started yet
                return {customer_id: error.message}
            answered, modelled = {**seen, **seen["getStatus"]}, {**expected, **expected["getStatus"]}
            return {
                name: f"customer {answered.get(name)!r}, model {modelled[name]!r}"
                for name in sorted(modelled.keys() - {"getStatus"})
                if answered.get(name) != modelled[name]
            }

        try:
            await eventually(
                differences,
                lambda seen: not seen,
                waiting_for=f"no differences between {customer_id} and the model",
            )
        except pytest.fail.Exception as failure:
            failure.add_note(await situation(handle))
            raise

    async def end_day(self) -> None:
        """Compare all customers and e-mails with the model, and replay all histories."""
        self.model.touched = set(self.model.accounts)
        await self.settles()
        for customer_id, one in self.model.accounts.items():
            if not one.is_open:
                await ends(self.handle(customer_id))
            if one.email:
                await eventually(
                    partial(self._mails_of, one.email),
                    partial(match_model, wanted=one.mails),
                    waiting_for=f"these e-mails to {customer_id}, except replaced e-mails about points: {one.mails}",
                )
        histories = [history async for history in self._histories()]
        self.tally.customers += len(self.model.accounts)
        self.tally.runs += len(histories)
        self.tally.events += sum(len(history.events) for history in histories)
        for history in histories:
            for event in history.events:
                failure = event.workflow_task_failed_event_attributes
                assert (
                    event.event_type != EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED or failure.cause == EXPECTED_FAILURE
                ), f"A Workflow Task of {history.workflow_id} failed: {failure}"

        async def all_of_them() -> AsyncIterator[WorkflowHistory]:
            for history in histories:
                yield history

        # Without the sandbox: creating it for each run takes longer than the replay. The workers use the sandbox.
        replayer = Replayer(workflows=[CustomerLoyaltyWorkflow], workflow_runner=UnsandboxedWorkflowRunner())
        results = await replayer.replay_workflows(all_of_them(), raise_on_replay_failure=False)
        assert not results.replay_failures, f"A history does not replay: {results.replay_failures}"
        self.tally.days += 1

    def _mails_of(self, address: str) -> list[str]:
        """Return the subjects in order of arrival, without repeated e-mails (same Message-ID)."""
        received = {one["Message-ID"]: one for one in reversed(self._shop.mails.received) if one["To"] == address}
        return [one["Subject"] for one in reversed(received.values())]

    async def _histories(self) -> AsyncIterator[WorkflowHistory]:
        """Yield the history of every run of every customer, newest run first."""
        for customer_id in self.model.accounts:
            await eventually(
                partial(events, self.handle(customer_id)),
                lambda seen: any(event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED for event in seen),
                waiting_for=f"the first Workflow Task in the newest run of {customer_id}",
            )
            run_id: str | None = None
            while run_id != "":
                run = self._shop.client.get_workflow_handle(workflow_id(customer_id), run_id=run_id)
                history = await run.fetch_history()
                yield history
                started = history.events[0].workflow_execution_started_event_attributes
                run_id = started.continued_execution_run_id


def match_model(seen: list[str], wanted: list[str]) -> bool:
    """Return whether the e-mails are complete and in order. Newer e-mails about points may replace older ones."""

    def totals(mails: list[str]) -> list[str]:
        return [subject for subject in mails if subject.startswith(POINTS_MAIL)]

    def others(mails: list[str]) -> list[str]:
        return [subject for subject in mails if not subject.startswith(POINTS_MAIL)]

    rest = iter(totals(wanted))
    in_order = all(subject in rest for subject in totals(seen))
    return in_order and totals(seen)[-1:] == totals(wanted)[-1:] and others(seen) == others(wanted)
