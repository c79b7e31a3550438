"""The activities of the loyalty program: send an e-mail, and start the workflow of a guest."""

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
"""The machine's name in the SMTP greeting. Without it, aiosmtplib would look for the name, which may take minutes."""

SMTP_TIMEOUT_SECONDS = 5.0
"""The time for one attempt, from the look-up of the host name to "accepted". This time is shorter than the activity's
timeout, so the history records an error that names the mail server."""

GOODBYE_SECONDS = 1.0
"""The time for QUIT. The mail server has accepted the e-mail by then, so a missing answer to QUIT is no error."""


class Mailer(Protocol):
    """A function that delivers one message. A failed delivery raises OSError or aiosmtplib.SMTPException."""

    async def __call__(self, message: EmailMessage) -> None: ...  # noqa: D102


class SmtpMailer:
    """Delivers e-mails to the SMTP server at `host`:`port`, without authentication and without TLS."""

    def __init__(self, host: str, port: int, *, timeout: float = SMTP_TIMEOUT_SECONDS) -> None:
        self._host, self._port, self._timeout = host, port, timeout

    async def __call__(self, message: EmailMessage) -> None:
        """Deliver one message over a new connection; raise TimeoutError after `timeout` seconds."""
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
    """Write the message to the worker's log. A worker without a configured mail server uses this function."""
    activity.logger.info("E-mail to %s: %s", message["To"], message["Subject"])


class LoyaltyActivities:
    """The activities of the loyalty program. All activities share one Temporal client and one mailer."""

    def __init__(self, client: Client, mailer: Mailer) -> None:
        self._client = client
        self._mailer = mailer

    @activity.defn(name=SEND_EMAIL)
    async def send_email(self, mail: Mail) -> None:
        """Deliver one e-mail to the mail server. A failed attempt raises an error, and the server retries the activity.

        If the worker crashes after the delivery and before the activity completes, the next attempt delivers the e-mail
        a second time. All attempts have the same Message-ID, so the receiver can recognise a duplicate.
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
        except (refusals.Refused, UnicodeEncodeError) as error:  # a run of an older release may have accepted it
            raise ApplicationError(f"Cannot send this e-mail: {error}", type="Refused", non_retryable=True) from error
        await self._mailer(message)

    @activity.defn(name=START_GUEST)
    async def start_guest(self, start: GuestStart) -> bool:
        """Start the guest's workflow if it does not run, and send `ensureMinimumStatus` to the guest.

        Return False if the guest has closed the account. The policy reject-duplicate prevents a second workflow with
        this id.
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
