"""Events per second, from the first purchase until the server terminates the run at 51,200 events."""

from __future__ import annotations

from loyalty.lab import Lab
from loyalty.lab.course.traffic import shop
from tests.bench.actors import MANY_SIGNALS, start_adder, start_customer
from tests.bench.busy import Busy
from tests.bench.loader import load
from tests.bench.results import Row

TITLE = "events per second up to the limit of 51,200 events"
EMAIL = "ada@example.com"
ENOUGH = 60_000
SENDERS = (8, 16, 32, 64)
"""Numbers of senders for the loader. The first round chooses the fastest number with a tenth of the signals."""


async def measure(rounds: int) -> list[Row]:
    """Reach the history limit on a fresh server in three ways: as in notebook 05, with a storm, without a worker."""
    bare = Row("bare signals, no worker, raw gRPC calls", "events/s")
    shopping = Row("one purchase after the other, with its e-mail (05)", "events/s", against=bare, goal=">= 0.8")
    storm = Row("a storm at the customer, with e-mail, signal limit raised", "events/s", against=bare, goal=">= 0.8")
    senders = await _best_senders()
    for _ in range(rounds):
        await _bare(bare, senders, ENOUGH)
        await _shopping(shopping)
        await _storm(storm, senders)
    bare.limit = f"{senders} senders; {bare.limit}"
    return [shopping, storm, bare]


async def _best_senders() -> int:
    rates = Row("", "")
    for senders in SENDERS:
        await _bare(rates, senders, ENOUGH // 10)
    return max(zip(rates.values, SENDERS, strict=True))[1]


async def _bare(row: Row, senders: int, signals: int) -> None:
    async with await Lab.start("bench-bare", own_server=True, limits=MANY_SIGNALS, worker=False) as lab:
        nobody = await start_adder(lab, "0")
        with Busy(lab.server) as busy:
            sent = await load(lab, "adder-", 1, signals, senders)
        busy.add("loader", sent.cpu_seconds, sent.seconds)
        row.add((await nobody.describe()).history_length / sent.seconds, busy)


async def _shopping(row: Row) -> None:
    async with await Lab.start("bench-wall", own_server=True) as lab:
        ada = await start_customer(lab, "ada", EMAIL)
        await lab.inbox.wait_for(1)
        with Busy(lab.server, lab.worker) as busy:
            done = await shop(ada, lab.inbox, EMAIL)
        assert done.refusal is not None
        row.add((await ada.describe()).history_length / done.seconds, busy)


async def _storm(row: Row, senders: int) -> None:
    async with await Lab.start("bench-storm", own_server=True, limits=MANY_SIGNALS) as lab:
        ada = await start_customer(lab, "0", EMAIL)
        with Busy(lab.server, lab.worker) as busy:
            sent = await load(lab, "customer-", 1, ENOUGH, senders)
        busy.add("loader", sent.cpu_seconds, sent.seconds)
        row.add((await ada.describe()).history_length / sent.seconds, busy)
