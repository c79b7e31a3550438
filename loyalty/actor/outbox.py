"""The outbox: e-mails wait here until they are sent.

The actor processes messages while e-mails wait. Runs inside a workflow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from loyalty.actor.messages import SEND_EMAIL, Mail

EMAIL_TIMEOUT = timedelta(seconds=10)
"""The timeout of one attempt to send an e-mail."""

EMAIL_RETRIES = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=6),
    maximum_attempts=10,
)
"""Ten attempts with nine pauses of together 30 s: 0.2 + 0.4 + 0.8 + 1.6 + 3.2 + 4 * 6."""

WAITING_LIMIT = 200
"""The largest number of e-mails that wait. Above this number, the outbox drops the oldest e-mail and logs a warning.

The next run's input contains the outbox and must stay below 2 MiB, even if the mail server is down for a long time.
"""


class Outbox:
    """The waiting e-mails, oldest first.

    The outbox sends one e-mail at a time, so the mail server receives the oldest e-mail first. If a topic is in
    `only_newest`, a newer e-mail replaces the waiting e-mail with this topic.
    """

    def __init__(self, waiting: list[Mail], only_newest: Collection[str] = ()) -> None:
        self._only_newest = only_newest
        self._waiting = list(waiting)
        self._in_flight: Mail | None = None
        self._paused = False
        self._delivery: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Start the delivery of e-mails in a task of the workflow's event loop."""
        self._delivery = asyncio.create_task(self._deliver())

    def put(self, mail: Mail) -> None:
        """Add `mail` to the waiting e-mails. An e-mail without an address is dropped."""
        if not mail.to:
            return
        if mail.topic in self._only_newest:
            self._waiting = [waiting for waiting in self._waiting if waiting.topic != mail.topic]
        mail.mail_id = mail.mail_id or str(workflow.uuid4())
        self._waiting.append(mail)
        if len(self._waiting) > WAITING_LIMIT:
            dropped = self._waiting.pop(0)
            workflow.logger.warning("Dropped an e-mail because %d e-mails wait: %s", WAITING_LIMIT, dropped.subject)

    def is_empty(self) -> bool:
        """Return whether the outbox has no waiting e-mail and no e-mail in flight."""
        return not self._waiting and self._in_flight is None

    async def pause(self, patience: timedelta) -> None:
        """Start no more deliveries; wait at most `patience` for the e-mail in flight. A second call does not wait."""
        if self._paused:
            return
        self._paused = True
        if self._in_flight is not None:
            try:
                await workflow.wait_condition(lambda: self._in_flight is None, timeout=patience)
            except TimeoutError:
                workflow.logger.info("An e-mail is still in flight; the next run sends it again")

    def resume(self) -> None:
        """Continue the deliveries that `pause` has stopped."""
        self._paused = False

    def carry(self) -> list[Mail]:
        """Return the e-mails for the next run. An e-mail in flight is included, so this e-mail may arrive twice."""
        return [mail for mail in (self._in_flight, *self._waiting) if mail is not None]

    async def _deliver(self) -> None:
        while True:
            await workflow.wait_condition(lambda: bool(self._waiting) and not self._paused)
            self._in_flight = self._waiting.pop(0)
            try:
                await self._send(self._in_flight)
            except ActivityError:
                workflow.logger.warning(
                    "Dropped an e-mail after %d attempts: %s",
                    EMAIL_RETRIES.maximum_attempts,
                    self._in_flight.subject,
                )
            self._in_flight = None

    async def _send(self, mail: Mail) -> None:
        await workflow.execute_activity(
            SEND_EMAIL, mail, start_to_close_timeout=EMAIL_TIMEOUT, retry_policy=EMAIL_RETRIES
        )
