"""A storm of signals to one customer, with and without a kill of the worker process."""

from __future__ import annotations

import asyncio

from loyalty.lab import Lab, settled
from loyalty.lab.course.traffic import storm
from loyalty.lab.history import frame, summary
from loyalty.messages import DEFAULT_HISTORY_THRESHOLD
from tests.bench.actors import start_customer
from tests.bench.busy import Busy
from tests.bench.results import Row

TITLE = "a storm of signals to one customer, with continue-as-new"
SENDERS, SECONDS = 20, 20
EMAIL = "ada@example.com"
REPLAYED = "more than 100 signals arrive during a replay, so the run is replayed again and again"


async def measure(rounds: int) -> list[Row]:
    """Send signals from twenty senders for twenty seconds.

    In half of the rounds, kill the worker after a third of the time.
    """
    rows = []
    for killed in (False, True):
        what = f"{SENDERS} senders for {SECONDS} s{', worker killed' if killed else ''}"
        accepted, refused = Row(f"{what}: accepted", "signals/s"), Row(f"{what}: refused", "signals")
        longest = Row(f"{what}: longest run", "signals")
        for _ in range(rounds):
            await _round(accepted, refused, longest, killed)
        rows += [accepted, refused, longest]
    return rows


async def _round(accepted: Row, refused: Row, longest: Row, killed: bool) -> None:
    async with await Lab.start("bench-storm", own_server=True) as lab:
        ada = await start_customer(lab, "ada", EMAIL, threshold=DEFAULT_HISTORY_THRESHOLD)
        await settled(ada)

        async def kill_the_worker() -> None:
            await asyncio.sleep(SECONDS / 3)
            lab.worker.kill()
            await asyncio.to_thread(lab.worker.start)

        kill = asyncio.create_task(kill_the_worker()) if killed else None
        with Busy(lab.server) as busy:
            torrent = await storm(ada, senders=SENDERS, seconds=SECONDS)
        if kill:
            await kill
        await settled(ada, timeout=120)
        points = (await ada.query("getStatus"))["points"]
        assert points == torrent.accepted, f"{points:,} of {torrent.accepted:,} purchases were counted"
        accepted.add(torrent.accepted / torrent.seconds, REPLAYED if killed else busy)
        refused.add(torrent.refused.total(), "10,000 signals in one run" if torrent.refused else "")
        longest.add(summary(await frame(ada)).signals.max())
