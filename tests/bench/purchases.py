"""Events per purchase. Fewer events per purchase mean more purchases per run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from loyalty.lab import Lab, settled
from loyalty.lab.course.traffic import storm
from tests.bench.actors import ONLY_HERE, Handle, start_customer, start_local, start_straightforward
from tests.bench.results import Row

TITLE = "events per purchase"
ALONE, BURSTS, BURST, STORM = 30, 10, 20, 2_000


async def alone(customer: Handle) -> int:
    """Send each purchase after the customer has finished the previous purchase and the e-mail about it."""
    for _ in range(ALONE):
        await customer.signal("addPoints", 1)
        await settled(customer)
    return ALONE


async def in_pace(customer: Handle) -> int:
    """Send each purchase after a query has returned the points from the previous purchase."""
    for _ in range(ALONE):
        await customer.signal("addPoints", 1)
        await customer.query("getStatus")
    return ALONE


async def bursts(customer: Handle) -> int:
    """Send twenty purchases at once, wait until the customer is idle, and repeat."""
    for _ in range(BURSTS):
        await asyncio.gather(*(customer.signal("addPoints", 1) for _ in range(BURST)))
        await settled(customer)
    return BURSTS * BURST


async def in_a_storm(customer: Handle) -> int:
    """Send purchases from twenty concurrent senders without a pause."""
    return (await storm(customer, senders=20, purchases=STORM)).accepted


Shopper = Callable[[Handle], Awaitable[int]]


class Way(NamedTuple):
    """A way to send purchases, the goal (events per purchase with e-mail), and an explanation of these events."""

    shopper: Shopper
    goal: str
    limit: str


WAYS = {
    "one at a time": Way(
        alone, "", "the signal, the activity of its e-mail (3), and a Workflow Task (3) for each of both"
    ),
    "one at a time, each after a query": Way(
        in_pace, "<= 8.8", "the signal, its activity (3), and a Workflow Task (3) shared with the previous e-mail"
    ),
    f"in bursts of {BURST}": Way(
        bursts, "<= 1.66", "the first purchase is processed before the others arrive, so the customer sends two e-mails"
    ),
    "in a storm": Way(in_a_storm, "<= 1.2", "the signals themselves"),
}
UNTUNED = {"history.transferProcessorMaxPollRPS": 20, "history.timerProcessorMaxPollRPS": 20}
"""The server's default values, instead of those in loyalty.lab.server.embedded.TUNING."""


async def measure(rounds: int) -> list[Row]:
    """Send purchases in every way to the customer and to the straightforward actor, with and without e-mail."""
    rows: list[Row] = []
    async with await Lab.start("bench-purchases", own_server=True) as lab:
        lab.new_worker(ONLY_HERE)
        for email in ("ada@example.com", ""):
            for way, (shopper, goal, limit) in WAYS.items():
                what = f"{way}, {'with' if email else 'without'} e-mail"
                compared = Row(f"straightforward actor, {what}", "events")
                row = Row(f"customer, {what}", "events", against=compared)
                if email:  # the goals and explanations include the events of e-mails
                    row.goal, row.limit = goal, limit
                local = Row(f"customer with local activities, {what}", "events", against=compared)
                actors = [(row, start_customer), (compared, start_straightforward), (local, start_local)]
                for number in range(rounds):
                    for one, start in actors if email else actors[:2]:
                        customer = await start(lab, f"{len(rows)}-{number}", email)
                        one.values.append(await _events(shopper, customer))
                rows += [one for one, _ in actors if one.values]
        rows += await _held_up(lab, rounds)
    return [*rows, await _untuned(rounds)]


async def _untuned(rounds: int) -> Row:
    """Measure bursts on a server with the default polling rates."""
    row = Row(f"customer, in bursts of {BURST}, with e-mail, server not tuned", "events", goal="<= 1.66")
    row.limit = "tasks start up to 50 ms later, after more signals of the burst have arrived"
    async with await Lab.start("bench-untuned", own_server=True, limits=UNTUNED) as lab:
        for number in range(rounds):
            customer = await start_customer(lab, str(number), "ada@example.com")
            row.values.append(await _events(bursts, customer))
    return row


async def _held_up(lab: Lab, rounds: int) -> list[Row]:
    """Measure the time until a purchase is processed. Meanwhile the mail server delays the answer to an e-mail."""
    rows = []
    for what, start, limit in (
        ("customer", start_customer, "a Workflow Task and a query"),
        ("customer with local activities", start_local, "a Workflow Task stays open while its activity runs"),
    ):
        row = Row(f"{what}: time of a purchase while the mail server delays an e-mail", "s", limit=limit)
        for number in range(rounds):
            ada = await start(lab, f"held-{number}", f"held-{number}@example.com")
            await settled(ada)
            arrived = lab.inbox.count()
            lab.inbox.hold()
            await ada.signal("addPoints", 1)
            await lab.inbox.wait_for(arrived + 1)
            started = time.perf_counter()
            await ada.signal("addPoints", 1)
            await ada.query("getStatus")
            row.values.append(time.perf_counter() - started)
            lab.inbox.release()
            await settled(ada)
        rows.append(row)
    return rows


async def _events(shopper: Shopper, customer: Handle) -> float:
    await settled(customer)
    before = (await customer.describe()).history_length
    purchases = await shopper(customer)
    await settled(customer, timeout=600)
    return ((await customer.describe()).history_length - before) / purchases
