"""The stop button cancels the task of a cell; every wait must end with that cancellation."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from typing import Any, cast

import pytest
from aiosmtpd.smtp import Envelope

from loyalty.lab.inbox import Inbox


@pytest.mark.parametrize("steps", range(6))
async def test_cancellation_at_arrival_of_mail_ends_the_wait(steps: int) -> None:
    inbox, envelope = Inbox(), Envelope()
    envelope.content, envelope.rcpt_tos = EmailMessage().as_bytes(), ["ada@example.org"]
    waiting = asyncio.create_task(inbox.wait_for(1))
    await asyncio.sleep(0)
    await inbox.handle_DATA(cast(Any, None), cast(Any, None), envelope)
    for _ in range(steps):
        await asyncio.sleep(0)
    pressed_in_time = waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled() is pressed_in_time, f"the cancellation after {steps} steps was swallowed"
