"""E-mail that never holds up the mailbox: mails wait here, and one at a time leaves. Runs inside a workflow."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from loyalty.actor.messages import SEND_EMAIL, Mail

EMAIL_TIMEOUT = timedelta(seconds=10)
"""One attempt; a mail server that is silent for longer counts as failed."""

EMAIL_RETRIES = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=6),
    maximum_attempts=10,
)
"""Ten attempts whose nine pauses add up to 30 s: 0.2 + 0.4 + 0.8 + 1.6 + 3.2 + 4 * 6."""

WAITING_LIMIT = 200
"""Mails that may wait. The outbox is part of the next run's input, which has to stay under 2 MiB, and a mail
server may be down for longer than a storm lasts: beyond it the oldest mail is given up, and said so."""


class Outbox:
    """Mails in the order in which they were written; one in flight, so that they also arrive in that order.

    If a topic is in `only_newest`, a newer mail replaces the mail of this topic that has not left yet.
    """

    def __init__(self, waiting: list[Mail], only_newest: Collection[str] = ()) -> None:
        self._only_newest = only_newest
        self._waiting = list(waiting)
        self._in_flight: Mail | None = None
        self._paused = False
        self._delivery: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to deliver, in a task of the workflow's own event loop."""
        self._delivery = asyncio.create_task(self._deliver())

    def put(self, mail: Mail) -> None:
        """Let `mail` wait for its turn. Without an address there is no mail."""
        if not mail.to:
            return
        if mail.topic in self._only_newest:
            self._waiting = [waiting for waiting in self._waiting if waiting.topic != mail.topic]
        mail.mail_id = mail.mail_id or str(workflow.uuid4())
        self._waiting.append(mail)
        if len(self._waiting) > WAITING_LIMIT:
            given_up = self._waiting.pop(0)
            workflow.logger.warning("Gave up an e-mail because %d wait already: %s", WAITING_LIMIT, given_up.subject)

    def is_empty(self) -> bool:
        """Return whether every mail was delivered or given up."""
        return not self._waiting and self._in_flight is None

    async def pause(self, patience: timedelta) -> None:
        """Let no further mail leave, and wait for the one in flight, but not longer than `patience`, and only once."""
        if self._paused:
            return
        self._paused = True
        if self._in_flight is not None:
            try:
                await workflow.wait_condition(lambda: self._in_flight is None, timeout=patience)
            except TimeoutError:
                workflow.logger.info("An e-mail is still being tried; the next run tries it again")

    def resume(self) -> None:
        """Let mails leave again."""
        self._paused = False

    def carry(self) -> list[Mail]:
        """Return what the next run has to deliver. A mail still in flight is among it: at least once, not at most."""
        return [mail for mail in (self._in_flight, *self._waiting) if mail is not None]

    async def _deliver(self) -> None:
        while True:
            await workflow.wait_condition(lambda: bool(self._waiting) and not self._paused)
            self._in_flight = self._waiting.pop(0)
            try:
                await self._send(self._in_flight)
            except ActivityError:
                workflow.logger.warning(
                    "Gave up an e-mail after %d attempts: %s",
                    EMAIL_RETRIES.maximum_attempts,
                    self._in_flight.subject,
                )
            self._in_flight = None

    async def _send(self, mail: Mail) -> None:
        await workflow.execute_activity(
            SEND_EMAIL, mail, start_to_close_timeout=EMAIL_TIMEOUT, retry_policy=EMAIL_RETRIES
        )
