"""Parse e-mails from SMTP envelopes, and make a DataFrame with one row per delivery."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from aiosmtpd.smtp import Envelope


@dataclass(frozen=True)
class Arrival:
    """One delivery of one e-mail."""

    time: datetime
    to: str
    subject: str
    body: str
    workflow_id: str
    message_id: str


def arrival(envelope: Envelope) -> Arrival:
    """Parse the e-mail in an SMTP envelope, and return a delivery with the present time (UTC)."""
    content = envelope.content
    message = message_from_bytes(content if isinstance(content, bytes) else b"", policy=policy.default)
    body = message.get_body(("plain",))
    return Arrival(
        time=datetime.now(UTC),
        to=", ".join(envelope.rcpt_tos),
        subject=str(message["Subject"]),
        body="\n".join(body.get_content().split("\r\n")).strip() if body else "",
        workflow_id=str(message["X-Workflow-Id"] or ""),
        message_id=str(message["Message-ID"] or ""),
    )


def frame(arrivals: Iterable[Arrival]) -> pd.DataFrame:
    """Return one row per delivery, in the order of `arrivals`.

    Columns: time (UTC), to, subject, body, workflow_id (the sender), message_id, delivery. In the column
    delivery, 1 is the first arrival of a Message-ID, and 2 is the second arrival.
    """
    import pandas as pd

    rows = pd.DataFrame([vars(one) for one in arrivals], columns=list(Arrival.__annotations__))
    rows["time"] = pd.to_datetime(rows["time"], utc=True)
    rows["delivery"] = rows.groupby("message_id").cumcount() + 1
    return rows
