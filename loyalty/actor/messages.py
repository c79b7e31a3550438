"""Messages that any actor may send or receive. Contains no logic."""

from __future__ import annotations

from dataclasses import dataclass

SEND_EMAIL = "sendEmail"


@dataclass
class EndByOperator:
    """The message for a cancellation request from the server. No client sends this message."""


@dataclass
class Mail:
    """One e-mail. The outbox may replace an e-mail with a newer e-mail that has the same `topic`; see `Outbox`.

    The outbox sets `mail_id`. All attempts to send an e-mail have the same `mail_id`, also in later runs.
    """

    to: str
    subject: str
    body: str
    topic: str
    mail_id: str = ""
