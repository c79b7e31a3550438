"""Customers who shop, for measurements: in pace with their e-mails until the server refuses, or as a storm."""

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
    """What `shop` did: accepted purchases, the seconds that they took, and the server's refusal, if it came to that."""

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
    """Buy for one point at a time, each time as soon as the e-mail about the last one has arrived at `email`.

    Ends after so many `purchases`, or when the server refuses one. `progress` is called every now and then with the
    length of the current run's history in events. Where no mail arrives for some seconds, it says what is missing and
    makes the next purchase. Raises WaitedTooLong after `deadline` seconds.
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
            raise WaitedTooLong(
                f"Waited {deadline:g} s for the end of a shopping spree; {bought:,} purchases were made"
            )
        try:
            await customer.signal("addPoints", 1)
        except RPCError as refusal:
            return Shopping(bought, time.monotonic() - started, refusal)
        bought += 1
        try:
            await inbox.wait_for(mails + 1, to=email, timeout=MAIL_PATIENCE_SECONDS)
        except WaitedTooLong as late:
            # A customer who has just been terminated sends no mail; the next purchase finds out.
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
    except RPCError:  # the next purchase meets the same refusal, and reports it
        return False


@dataclass
class Storm:
    """What `storm` did: purchases of one point that the server accepted, and refusals by their text."""

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
    """Buy for one point as fast as `senders` concurrent senders can, for so many seconds or so many purchases.

    With `until_refused` the storm ends sooner where the server refuses a purchase; purchases under way are counted.
    `progress` is called with 1 after each purchase that was accepted, as tqdm's `update` is.
    """
    arguments.refuse_count("senders", senders, least=1)
    if seconds is not None:
        arguments.refuse_seconds("seconds", seconds, zero=True)
    if purchases is not None:
        arguments.refuse_count("purchases", purchases)
    if seconds is None and purchases is None and not until_refused:
        raise LabError("Cannot storm for ever: give `seconds`, `purchases` or `until_refused=True`")
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
