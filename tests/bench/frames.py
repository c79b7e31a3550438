"""The time to fetch a history of 51,200 events, with and without conversion to a DataFrame."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Awaitable

from loyalty.lab import Lab, history
from loyalty.lab.course.traffic import shop
from tests.bench.actors import Handle, start_customer
from tests.bench.results import Row
from tests.support.helpers import TEMPORAL

EMAIL = "ada@example.com"
TITLE = "a history of 51,200 events, from the server to a DataFrame"


async def measure(rounds: int) -> list[Row]:
    """Send purchases to one customer up to the history limit, and fetch the history in three ways."""
    fetched = Row("bare fetch", "s", limit="the server: 256 batches of events per request, one request after the other")
    frame = Row(
        "history.frame",
        "s",
        against=fetched,
        goal="<= 1.15",
        limit="the server, with requests from both ends of the history at once",
    )
    shown = Row(
        "temporal workflow show, json, pandas",
        "s",
        against=frame,
        goal=">= 3",
        limit="each event is written and read as JSON",
    )
    async with await Lab.start("bench-frames", own_server=True) as lab:
        ada = await start_customer(lab, "ada", EMAIL)
        await lab.inbox.wait_for(1)
        await shop(ada, lab.inbox, EMAIL)  # one after the other: a history of small batches takes longest to fetch
        lab.worker.stop()
        for _ in range(rounds):
            fetched.values.append(await _seconds(_fetch(ada)))
            frame.values.append(await _seconds(history.frame(ada)))
            shown.values.append(await _seconds(asyncio.to_thread(_show, lab, ada.id)))
    return [fetched, frame, shown]


async def _seconds(work: Awaitable[object]) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


async def _fetch(handle: Handle) -> int:
    return len((await handle.fetch_history()).events)


def _show(lab: Lab, workflow_id: str) -> int:
    import pandas as pd

    printed = subprocess.run(
        [TEMPORAL, "workflow", "show", "--workflow-id", workflow_id, "--output", "json"],
        env=lab.environment,
        capture_output=True,
        check=True,
    ).stdout
    return len(pd.json_normalize(json.loads(printed)["events"]))
