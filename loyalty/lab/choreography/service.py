"""What all services have in common: a mailbox, work on many orders side by side, and words for each other."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from loyalty.coffee.messages import Order
    from loyalty.coffee.saga import COMPENSATION_TIMEOUT, UNTIL_IT_SUCCEEDS
    from loyalty.coffee.workflow import RETRIES, STEP_TIMEOUT
    from loyalty.lab.choreography.messages import ServiceInput, Told


class Service:
    """One service. A subclass says, in `react`, what it does when it is told something, and whom it tells then."""

    def __init__(self, start: ServiceInput) -> None:
        self._waiting = deque(start.waiting)
        self._cancelled = list(start.cancelled)
        self._history_threshold = start.history_threshold
        self._in_hand: list[asyncio.Task[None]] = []

    async def serve(self) -> None:
        """Take up what is told; when the history is long, finish what is in hand and go on in a new run."""
        while workflow.info().get_current_history_length() < self._history_threshold:
            await workflow.wait_condition(lambda: bool(self._waiting))
            self._in_hand = [task for task in self._in_hand if not task.done()]
            self._in_hand.append(asyncio.create_task(self.react(self._waiting.popleft())))
        if self._in_hand:
            await asyncio.wait(self._in_hand)
        workflow.continue_as_new(ServiceInput(list(self._waiting), self._cancelled, self._history_threshold))

    async def react(self, told: Told) -> None:
        """React to what was told."""
        raise NotImplementedError

    @workflow.signal(name="told")
    def be_told(self, told: Told) -> None:
        """Hear what has happened to an order."""
        self._waiting.append(told)

    async def tell(self, service: str, event: str, order: Order, reason: str = "") -> None:
        """Tell another service what has happened."""
        await workflow.get_external_workflow_handle(service).signal("told", Told(event, order, reason))

    async def attempt(self, activity: str, argument: object, *, timeout: timedelta = STEP_TIMEOUT) -> None:
        """Do a step, as the saga does it: three attempts."""
        await workflow.execute_activity(activity, argument, start_to_close_timeout=timeout, retry_policy=RETRIES)

    async def ensure(self, activity: str, argument: object, retry_policy: RetryPolicy = UNTIL_IT_SUCCEEDS) -> None:
        """Do what has to succeed, however long it takes."""
        await workflow.execute_activity(
            activity, argument, start_to_close_timeout=COMPENSATION_TIMEOUT, retry_policy=retry_policy
        )
