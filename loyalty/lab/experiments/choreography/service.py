"""Base class of the four services: a mailbox, concurrent work on many orders, and signals to other services."""

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
"""How long a service waits for unfinished work before it continues as new. The next run starts this work again."""

MAX_IN_PROGRESS = 200
"""Messages that a service processes at the same time. The server allows 2,000 pending activities per workflow."""

CARRY_LIMIT = 500
"""Messages in the next run's input, of about 1 kB each. The input must stay under 2 MiB."""

CANCELLATIONS_REMEMBERED = 1_000
"""Ids of cancelled orders in the next run's input."""

LONGEST_PAUSE = timedelta(seconds=100)


class Service:
    """One service.

    A subclass implements the method `react`, which processes one message and sends signals to other services.
    """

    def __init__(self, start: ServiceInput) -> None:
        self._waiting = deque(start.waiting)
        self._cancelled = list(start.cancelled)
        self._history_threshold = start.history_threshold
        self._in_progress: list[tuple[Told, asyncio.Task[None]]] = []

    async def process_messages(self) -> None:
        """Process messages concurrently; continue as new when the history is long."""
        while not self._is_time_for_a_new_run():
            await workflow.wait_condition(lambda: self._may_start_next() or self._has_finished_one())
            self._remove_finished()
            while self._may_start_next():
                told = self._waiting.popleft()
                self._in_progress.append((told, asyncio.create_task(self.react(told))))
        with suppress(TimeoutError):
            await workflow.wait_condition(self._has_finished_all, timeout=FINISHING)
        self._remove_finished()
        # The next run repeats unfinished work. The database ignores repeated changes; a service may get a signal twice.
        waiting = [told for told, _ in self._in_progress] + list(self._waiting)
        cancelled = self._cancelled[-CANCELLATIONS_REMEMBERED:]
        workflow.continue_as_new(ServiceInput(waiting, cancelled, self._history_threshold))

    def _is_time_for_a_new_run(self) -> bool:
        is_long = workflow.info().get_current_history_length() >= self._history_threshold
        return is_long and len(self._waiting) + len(self._in_progress) <= CARRY_LIMIT

    def _may_start_next(self) -> bool:
        return bool(self._waiting) and len(self._in_progress) < MAX_IN_PROGRESS

    def _has_finished_one(self) -> bool:
        return any(task.done() for _, task in self._in_progress)

    def _has_finished_all(self) -> bool:
        return all(task.done() for _, task in self._in_progress)

    def _remove_finished(self) -> None:
        for _, task in self._in_progress:
            if task.done():
                task.result()  # raises an error: a bug must fail the Workflow Task, not silently lose one order
        self._in_progress = [(told, task) for told, task in self._in_progress if not task.done()]

    async def react(self, told: Told) -> None:
        """Process one message."""
        raise NotImplementedError

    @workflow.signal(name="told")
    def receive(self, told: Told) -> None:
        """Add a message to the mailbox."""
        self._waiting.append(told)

    async def tell(self, service: str, event: str, order: Order, reason: str = "") -> None:
        """Send a signal to another service. Retry until the other service runs."""
        pause = timedelta(seconds=1)
        while True:
            try:
                await workflow.get_external_workflow_handle(service).signal("told", Told(event, order, reason))
                return
            except FailureError as failure:
                workflow.logger.warning("Cannot signal %s about %s yet: %s", service, event, failure)
                await workflow.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
