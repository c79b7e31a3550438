"""Into the wall: events per second from the first purchase to the server's termination at 51,200 events."""

from __future__ import annotations

import time

from loyalty.lab import Lab
from loyalty.lab.traffic import shop
from tests.bench.actors import MANY_SIGNALS, start_adder, start_customer
from tests.bench.loader import load
from tests.bench.results import Row

TITLE = "into the wall at 51,200 events"
EMAIL = "ada@example.com"
ENOUGH = 60_000
SENDERS = (8, 16, 32, 64)
"""Of the loader: the best of them, found in the first round by a tenth of the way, is what the server can take."""


async def measure(rounds: int) -> list[Row]:
    """Meet the limit as notebook 05 does, by a storm, and by nothing but signals, each on a fresh server."""
    bare = Row("bare signals, no worker, raw gRPC calls", "events/s")
    shopping = Row("one purchase after the other, with its e-mail (05)", "events/s", against=bare, goal=">= 0.8")
    storm = Row("a storm at the customer, with e-mail", "events/s", against=bare)
    senders = await _best_senders()
    for _ in range(rounds):
        bare.values.append(await _bare(senders, ENOUGH))
        shopping.values.append(await _shopping())
        storm.values.append(await _storm(senders))
    bare.limit = f"{senders} senders; the server's own work per signal"
    return [shopping, storm, bare]


async def _best_senders() -> int:
    rates = {senders: await _bare(senders, ENOUGH // 10) for senders in SENDERS}
    return max(rates, key=lambda senders: rates[senders])


async def _bare(senders: int, signals: int) -> float:
    async with await Lab.start("bench-bare", own_server=True, limits=MANY_SIGNALS, worker=False) as lab:
        nobody = await start_adder(lab, "0")
        sent = await load(lab, "adder-", 1, signals, senders)
        return (await nobody.describe()).history_length / sent.seconds


async def _shopping() -> float:
    async with await Lab.start("bench-wall", own_server=True) as lab:
        ada = await start_customer(lab, "ada", EMAIL)
        await lab.inbox.wait_for(1)
        done = await shop(ada, lab.inbox, EMAIL)
        assert done.refusal is not None
        return (await ada.describe()).history_length / done.seconds


async def _storm(senders: int) -> float:
    async with await Lab.start("bench-storm", own_server=True, limits=MANY_SIGNALS) as lab:
        ada = await start_customer(lab, "0", EMAIL)
        started = time.monotonic()
        await load(lab, "customer-", 1, ENOUGH, senders)
        return (await ada.describe()).history_length / (time.monotonic() - started)
