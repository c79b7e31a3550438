"""The end of a run: continue as new, or complete. No message and no answer is lost. Runs inside a workflow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from temporalio import workflow

from loyalty.actor.mailbox import Envelope, Mailbox
from loyalty.actor.outbox import Outbox
from loyalty.actor.run_meter import RunMeter

ASKS_ARE_ANSWERED = "asks-are-answered"
"""Patch: a run holds its answers until it ends, and checks its length also after refused messages. Two events per run.
"""

NEXT_TASK = timedelta(milliseconds=1)
"""The longest wait for the next Workflow Task. A timer starts that task if no message arrives."""

PATIENCE = timedelta(seconds=2)
"""The longest wait for the e-mail in flight before continue-as-new.

In a storm, about 1,000 signals arrive during this wait.
"""


class RunEnd:
    """Ends the runs of an actor with a mailbox and an outbox.

    The function `process` processes one message. The function `is_open` returns whether the actor is still open.
    """

    def __init__(
        self,
        mailbox: Mailbox[Any, Any],
        outbox: Outbox,
        meter: RunMeter,
        process: Callable[[Envelope[Any]], Awaitable[None]],
        is_open: Callable[[], bool],
    ) -> None:
        self._mailbox, self._outbox, self._meter = mailbox, outbox, meter
        self._process, self._is_open = process, is_open
        self._may_end_without_message = True
        self.is_prepared = False

    def is_due_without_message(self) -> bool:
        """Return whether refused messages have made the run too long."""
        return self._may_end_without_message and self._meter.is_long_by_messages()

    def may_come_with_this_task(self) -> bool:
        """Return whether the current Workflow Task may end the run."""
        return self._meter.is_long() or self.is_prepared or not self._is_open()

    async def continue_as_new(self, next_input: Callable[[], Any]) -> None:
        """Continue as new.

        Do nothing if the actor was closed, or if a waiting message must stay in this run.
        """
        if not self._is_open() or not self._mailbox.can_travel():
            return
        if not workflow.patched(ASKS_ARE_ANSWERED):
            self._may_end_without_message = False
            if await self._prepare_as_formerly():
                workflow.continue_as_new(next_input())
            return
        self.is_prepared = True
        # Hold all answers before the first wait. A replay may see the delivery of an e-mail one task earlier than the
        # first execution saw it. Then only one of the two waits here, and the order of answer and timer would differ.
        self._mailbox.holds_answers = True
        await self._outbox.pause(PATIENCE)
        await self._come_to_rest()
        if self._is_open():
            workflow.continue_as_new(next_input())
        self.is_prepared = False

    async def complete(self) -> None:
        """Send the last answers and the last e-mails of a closed actor. The workflow may then return."""
        self._outbox.resume()
        await self._settle()
        while workflow.patched(ASKS_ARE_ANSWERED):
            await self._next_task()  # a validator may have refused an ask in this task, which records no event
            await self._come_to_rest()
            if self._is_settled():
                return
            await self._settle()  # a tell that was processed meanwhile has written an e-mail

    async def _come_to_rest(self) -> None:
        """Process the messages that must stay in this run. Send the answers after a Workflow Task without a new ask.

        The server fails the last Workflow Task of a run if a signal arrives at the same time. If an ask arrived with
        the failed task, the sender receives an error (FAILED_PRECONDITION). If the ask arrived with an earlier task,
        the sender receives the answer later. The server accepts at most ten open asks per workflow, so a run holds at
        most ten answers.
        """
        self._mailbox.holds_answers = True
        while True:
            while not self._may_end_now():
                await self._process(await self._mailbox.receive())
            if not self._meter.update_came_with_this_task():
                break
            await self._next_task()
        self._mailbox.holds_answers = False
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _next_task(self) -> None:
        """Wait for the next Workflow Task. The task starts when a tell arrives, or after 2 s."""
        signals = self._meter.signals
        with suppress(TimeoutError):
            await workflow.wait_condition(lambda: self._meter.signals != signals, timeout=NEXT_TASK)

    def _may_end_now(self) -> bool:
        return self._mailbox.can_travel() if self._is_open() else not self._mailbox

    async def _prepare_as_formerly(self) -> bool:
        """Pause the outbox, and return whether the run may end. Only runs of older releases use this method.

        If an ask arrives with the last Workflow Task, the sender of the ask may receive an error.
        """
        self.is_prepared = True
        await self._outbox.pause(PATIENCE)
        self.is_prepared = self._mailbox.can_travel()
        if not self.is_prepared:  # an ask arrived meanwhile. It is processed, then this method runs again. The outbox
            return False  # stays paused: in a storm of asks, each with an e-mail, it would never be idle again.
        await workflow.wait_condition(workflow.all_handlers_finished)
        return True

    async def _settle(self) -> None:
        while not self._is_settled():
            await workflow.wait_condition(lambda: bool(self._mailbox) or self._is_settled())
            while self._mailbox:
                await self._process(await self._mailbox.receive())

    def _is_settled(self) -> bool:
        return not self._mailbox and self._outbox.is_empty() and workflow.all_handlers_finished()
