"""What every actor may send or receive. Knows no logic."""

from __future__ import annotations

from dataclasses import dataclass

SEND_EMAIL = "sendEmail"


@dataclass
class EndByOperator:
    """The server's cancellation request, made into a message; it is never on the wire."""


@dataclass
class Mail:
    """An e-mail to `to`. `topic` says what it is about; see `Outbox`.

    All attempts to send it, by whichever run, carry the same `mail_id`; the outbox gives it.
    """

    to: str
    subject: str
    body: str
    topic: str
    mail_id: str = ""
