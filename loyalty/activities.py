"""Side effects: send an e-mail, start a guest's actor. Starts workflows by name, through the client it is given."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from email.message import EmailMessage
from typing import Protocol

import aiosmtplib
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from loyalty.actor import refusals, values
from loyalty.actor.email_message import email_message
from loyalty.actor.messages import SEND_EMAIL, Mail
from loyalty.actor.signal_with_start import signal_with_start
from loyalty.messages import (
    START_GUEST,
    WORKFLOW_TYPE,
    Customer,
    CustomerInput,
    GuestStart,
    workflow_id,
)

SENDER = "loyalty@localhost"
LOCAL_NAME = "[127.0.0.1]"
"""How this machine introduces itself. Without it the machine's full name is looked up, which may take minutes."""

SMTP_TIMEOUT_SECONDS = 5.0
"""For one whole attempt, from the look-up of the host's name to "accepted". Shorter than the activity's own timeout, so
that the failure that the history records names the mail server."""

GOODBYE_SECONDS = 1.0
"""For QUIT. The mail is accepted by then, so a mail server that does not answer does no harm."""


class Mailer(Protocol):
    """Delivers one message, and raises OSError or aiosmtplib.SMTPException where it cannot."""

    async def __call__(self, message: EmailMessage) -> None: ...  # noqa: D102


class SmtpMailer:
    """Delivers to the SMTP server at `host`:`port`, without authentication and without TLS."""

    def __init__(self, host: str, port: int, *, timeout: float = SMTP_TIMEOUT_SECONDS) -> None:
        self._host, self._port, self._timeout = host, port, timeout

    async def __call__(self, message: EmailMessage) -> None:
        """Deliver one message over a connection of its own; raise TimeoutError after `timeout` seconds."""
        connection = aiosmtplib.SMTP(hostname=self._host, port=self._port, local_hostname=LOCAL_NAME, start_tls=False)
        try:
            async with asyncio.timeout(self._timeout):
                await connection.connect()
                # send_message would parse the headers for addresses.
                await connection.sendmail(SENDER, [message["To"]], message.as_bytes())
            with suppress(aiosmtplib.SMTPException):
                await connection.quit(timeout=GOODBYE_SECONDS)
        except TimeoutError as error:
            raise TimeoutError(
                f"The mail server at {self._host}:{self._port} has not accepted the mail within {self._timeout:g} s"
            ) from error
        finally:
            connection.close()


async def log_mail(message: EmailMessage) -> None:
    """Write the message to the worker's log: what happens where no mail server is configured."""
    activity.logger.info("E-mail to %s: %s", message["To"], message["Subject"])


class LoyaltyActivities:
    """The activities of the loyalty program, with the connections that they need."""

    def __init__(self, client: Client, mailer: Mailer) -> None:
        self._client = client
        self._mailer = mailer

    @activity.defn(name=SEND_EMAIL)
    async def send_email(self, mail: Mail) -> None:
        """Hand one mail to the mail server; fails, and is retried, where that does not accept it.

        A crash after the mail server's "accepted" and before the activity's completion sends the mail again.
        All attempts carry one Message-ID, by which the receiver can tell.
        """
        info = activity.info()
        mail_id = mail.mail_id or f"{info.workflow_run_id}.{info.activity_id}"
        try:
            message = email_message(
                {
                    "From": SENDER,
                    "To": values.exact_email(mail.to),
                    "Subject": mail.subject,
                    "Message-ID": f"<{mail_id}@loyalty>",
                    "X-Workflow-Id": info.workflow_id or "",
                },
                mail.body,
            )
        except (refusals.Refused, UnicodeEncodeError) as error:  # an older run may have accepted it
            raise ApplicationError(f"Cannot send this e-mail: {error}", type="Refused", non_retryable=True) from error
        await self._mailer(message)

    @activity.defn(name=START_GUEST)
    async def start_guest(self, start: GuestStart) -> bool:
        """Bring the guest's actor to life, or raise a living one to the minimum status, in one call.

        Returns False where that customer has closed the account: reject-duplicate keeps a closed id closed.
        """
        guest = start.guest
        return await signal_with_start(
            self._client,
            WORKFLOW_TYPE,
            CustomerInput(
                Customer(guest.customer_id, guest.name, guest.email),
                history_threshold=start.history_threshold,
            ),
            id=workflow_id(guest.customer_id),
            task_queue=activity.info().task_queue,
            start_signal="ensureMinimumStatus",
            start_signal_args=[start.minimum_level],
        )
