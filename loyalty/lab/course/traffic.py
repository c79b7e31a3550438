"""Functions that send many purchases.

The function `shop` sends one purchase after each e-mail. The function `storm` sends purchases as fast as possible.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError

from loyalty.lab import arguments
from loyalty.lab.client.notices import say
from loyalty.lab.errors import LabError, WaitedTooLong
from loyalty.lab.processes.inbox import Inbox

Customer = WorkflowHandle[Any, Any]

MAIL_PATIENCE_SECONDS = 5.0
LOOK_EVERY_PURCHASES = 50


@dataclass
class Shopping:
    """The result of the function `shop`; `refusal` is the error if the server refused a purchase."""

    purchases: int
    seconds: float
    refusal: RPCError | None


async def shop(
    customer: Customer,
    inbox: Inbox,
    email: str,
    *,
    purchases: int | None = None,
    deadline: float = 900,
    progress: Callable[[int], object] | None = None,
) -> Shopping:
    """Send purchases of one point; before each purchase, wait for the e-mail about the previous purchase.

    Stop after `purchases` purchases, or after the server refuses a purchase.
    After every LOOK_EVERY_PURCHASES purchases, call `progress` with the number of events in the current run.
    If an e-mail is late, print a hint and send the next purchase. Raise WaitedTooLong after `deadline` seconds.
    """
    if purchases is not None:
        arguments.refuse_count("purchases", purchases)
    arguments.refuse_text("email", email, "ada@example.com")
    arguments.refuse_seconds("deadline", deadline, zero=True)
    started = time.monotonic()
    mails = inbox.count(email)
    bought, said = 0, False
    while purchases is None or bought < purchases:
        if time.monotonic() - started > deadline:
            raise WaitedTooLong(f"Waited {deadline:g} s for the last purchase; {bought:,} purchases were made")
        try:
            await customer.signal("addPoints", 1)
        except RPCError as refusal:
            return Shopping(bought, time.monotonic() - started, refusal)
        bought += 1
        try:
            await inbox.wait_for(mails + 1, to=email, timeout=MAIL_PATIENCE_SECONDS)
        except WaitedTooLong as late:
            # A customer that was just terminated sends no e-mail; the server will refuse the next purchase.
            if not said and await _is_running(customer):
                say(f"{late}; the next purchase is made")
                said = True
            continue
        mails, said = inbox.count(email), False
        if progress is not None and bought % LOOK_EVERY_PURCHASES == 0:
            progress((await customer.describe()).history_length)
    return Shopping(bought, time.monotonic() - started, None)


async def _is_running(customer: Customer) -> bool:
    try:
        return (await customer.describe()).status == WorkflowExecutionStatus.RUNNING
    except RPCError:  # the server refuses the next purchase with the same error
        return False


@dataclass
class Storm:
    """The result of the function `storm`; `refused` maps each error text to a number of purchases."""

    accepted: int
    refused: Counter[str]
    seconds: float


async def storm(
    customer: Customer,
    *,
    senders: int = 20,
    seconds: float | None = None,
    purchases: int | None = None,
    until_refused: bool = False,
    progress: Callable[[int], object] | None = None,
) -> Storm:
    """Send purchases of one point as fast as possible, with `senders` concurrent coroutines.

    Stop after `seconds` seconds, or after `purchases` purchases.
    With `until_refused`, also stop after the first refusal.
    The result includes all purchases that were sent.
    After each accepted purchase, call `progress(1)`. The parameter `progress` can be tqdm's `update`.
    """
    arguments.refuse_count("senders", senders, least=1)
    if seconds is not None:
        arguments.refuse_seconds("seconds", seconds, zero=True)
    if purchases is not None:
        arguments.refuse_count("purchases", purchases)
    if seconds is None and purchases is None and not until_refused:
        raise LabError("Cannot storm forever: give `seconds`, `purchases` or `until_refused=True`")
    started = time.monotonic()
    accepted, given_out = 0, 0
    refused: Counter[str] = Counter()

    def goes_on() -> bool:
        if until_refused and refused:
            return False
        in_time = seconds is None or time.monotonic() - started < seconds
        return in_time and (purchases is None or given_out < purchases)

    async def send() -> None:
        nonlocal accepted, given_out
        while goes_on():
            given_out += 1
            try:
                await customer.signal("addPoints", 1)
                accepted += 1
                if progress is not None:
                    progress(1)
            except RPCError as refusal:
                refused[f"{refusal.status.name}: {refusal}"] += 1

    await asyncio.gather(*(send() for _ in range(senders)))
    return Storm(accepted, refused, time.monotonic() - started)
