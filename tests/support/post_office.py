"""A real SMTP server for tests."""

from __future__ import annotations

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from loyalty.lab.processes.ports import HOST, ReservedPort


class PostOffice(Controller):
    """A real SMTP server on a free loopback port. The server refuses e-mails while `answer` does not start with 250."""

    def __init__(self) -> None:
        # An explicit host name: for the default name, a DNS lookup may take seconds.
        self.reserved = ReservedPort()
        super().__init__(self, hostname=HOST, port=self.reserved.number, server_hostname="localhost")
        self.answer = "250 OK"
        self.received: list[EmailMessage] = []
        self.deliveries: list[tuple[list[str], bytes]] = []
        """The recipients and the raw bytes of each received e-mail."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            message = BytesParser(policy=policy.default).parsebytes(envelope.content)
            assert isinstance(message, EmailMessage)
            self.received.append(message)
            self.deliveries.append((list(envelope.rcpt_tos), envelope.content))
        return self.answer
