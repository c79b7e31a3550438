"""What all services have in common: a mailbox, work on many orders side by side, and words for each other."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from loyalty.coffee.messages import Order
    from loyalty.lab.experiments.choreography.messages import ServiceInput, Told

FINISHING = timedelta(seconds=10)
"""How long a service with a long history waits for the work in hand; what is left is begun again in the next run."""

MOST_IN_HAND = 200
"""Orders at the same time; the server allows 2,000 pending activities."""

CARRY_LIMIT = 500
"""What waits and is in hand, of about 1 kB each, travels in the next run's input, which has to stay under 2 MiB."""

CANCELLATIONS_REMEMBERED = 1_000
"""They travel, too."""

LONGEST_PAUSE = timedelta(seconds=100)


class Service:
    """One service. A subclass says, in `react`, what it does when it is told something, and whom it tells then."""

    def __init__(self, start: ServiceInput) -> None:
        self._waiting = deque(start.waiting)
        self._cancelled = list(start.cancelled)
        self._history_threshold = start.history_threshold
        self._in_hand: list[tuple[Told, asyncio.Task[None]]] = []

    async def serve(self) -> None:
        """Take up what is told; when the history is long, finish what is in hand and go on in a new run."""
        while not self._is_time_for_a_new_run():
            await workflow.wait_condition(lambda: self._may_take_up() or self._has_finished_work())
            self._clear_up()
            while self._may_take_up():
                told = self._waiting.popleft()
                self._in_hand.append((told, asyncio.create_task(self.react(told))))
        with suppress(TimeoutError):
            await workflow.wait_condition(self._has_nothing_in_hand, timeout=FINISHING)
        self._clear_up()
        # Whatever of it was done already is done once, by its key; its neighbours may be told of it twice.
        waiting = [told for told, _ in self._in_hand] + list(self._waiting)
        cancelled = self._cancelled[-CANCELLATIONS_REMEMBERED:]
        workflow.continue_as_new(ServiceInput(waiting, cancelled, self._history_threshold))

    def _is_time_for_a_new_run(self) -> bool:
        is_long = workflow.info().get_current_history_length() >= self._history_threshold
        return is_long and len(self._waiting) + len(self._in_hand) <= CARRY_LIMIT

    def _may_take_up(self) -> bool:
        return bool(self._waiting) and len(self._in_hand) < MOST_IN_HAND

    def _has_finished_work(self) -> bool:
        return any(task.done() for _, task in self._in_hand)

    def _has_nothing_in_hand(self) -> bool:
        return all(task.done() for _, task in self._in_hand)

    def _clear_up(self) -> None:
        for _, task in self._in_hand:
            if task.done():
                task.result()  # a bug fails the Workflow Task, instead of one order without a word
        self._in_hand = [(told, task) for told, task in self._in_hand if not task.done()]

    async def react(self, told: Told) -> None:
        """React to what was told."""
        raise NotImplementedError

    @workflow.signal(name="told")
    def be_told(self, told: Told) -> None:
        """Hear what has happened to an order."""
        self._waiting.append(told)

    async def tell(self, service: str, event: str, order: Order, reason: str = "") -> None:
        """Tell another service what has happened, however long it is not there."""
        pause = timedelta(seconds=1)
        while True:
            try:
                await workflow.get_external_workflow_handle(service).signal("told", Told(event, order, reason))
                return
            except FailureError as failure:
                workflow.logger.warning("Cannot tell %s of %s yet: %s", service, event, failure)
                await workflow.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
