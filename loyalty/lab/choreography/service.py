"""What all services have in common: a mailbox, work on many orders side by side, and words for each other."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from loyalty.coffee.messages import Order
    from loyalty.lab.choreography.messages import ServiceInput, Told

TELL_AGAIN_AFTER = timedelta(seconds=1)
MOST_IN_HAND = 500
"""Orders at the same time; the server allows 2,000 pending activities."""

CANCELLATIONS_REMEMBERED = 1_000
"""They travel in the next run's input, which has to stay under 2 MiB."""


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
            await workflow.wait_condition(lambda: self._may_take_up() or self._has_finished_work())
            self._clear_up()
            while self._may_take_up():
                self._in_hand.append(asyncio.create_task(self.react(self._waiting.popleft())))
        while self._in_hand:
            await workflow.wait_condition(self._has_finished_work)
            self._clear_up()
        cancelled = self._cancelled[-CANCELLATIONS_REMEMBERED:]
        workflow.continue_as_new(ServiceInput(list(self._waiting), cancelled, self._history_threshold))

    def _may_take_up(self) -> bool:
        return bool(self._waiting) and len(self._in_hand) < MOST_IN_HAND

    def _has_finished_work(self) -> bool:
        return any(task.done() for task in self._in_hand)

    def _clear_up(self) -> None:
        for task in self._in_hand:
            if task.done():
                task.result()  # a bug fails the Workflow Task, instead of one order without a word
        self._in_hand = [task for task in self._in_hand if not task.done()]

    async def react(self, told: Told) -> None:
        """React to what was told."""
        raise NotImplementedError

    @workflow.signal(name="told")
    def be_told(self, told: Told) -> None:
        """Hear what has happened to an order."""
        self._waiting.append(told)

    async def tell(self, service: str, event: str, order: Order, reason: str = "") -> None:
        """Tell another service what has happened, however long it is not there."""
        while True:
            try:
                await workflow.get_external_workflow_handle(service).signal("told", Told(event, order, reason))
                return
            except FailureError as failure:
                workflow.logger.warning("Cannot tell %s of %s yet: %s", service, event, failure)
                await workflow.sleep(TELL_AGAIN_AFTER)
