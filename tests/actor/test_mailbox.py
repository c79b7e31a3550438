"""A storm of signals is divided into short runs.

A run from an earlier release keeps the higher limit of that release.
"""

from __future__ import annotations

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.worker import Replayer

from loyalty.actor import run_meter
from loyalty.actor.run_length import FORMERLY_MOST_SIGNALS, MOST_SIGNALS
from loyalty.lab.course.traffic import storm
from loyalty.workflow import CustomerLoyaltyWorkflow
from tests.support.helpers import Handle, Shop, comes_to, count, events, points, runs

pytestmark = pytest.mark.slow

MORE = MOST_SIGNALS + 50


async def after_a_storm(shop: Shop) -> list[Handle]:
    """Send more signals than one run accepts, let a worker process them, and return ada's runs."""
    ada = await shop.opens("ada")
    torrent = await storm(ada, purchases=MORE)
    assert torrent.accepted == MORE
    assert len(await events(ada)) < 3_000, "The history is too close to the threshold of 10,000 events"
    async with shop.serving():
        await comes_to(ada, MORE)
    return await runs(ada, shop.client)


async def test_customer_processes_a_storm_of_signals_in_short_runs(closed_shop: Shop) -> None:
    first, *later = await after_a_storm(closed_shop)
    assert later, "The run did not end because of its signals"
    signals = await count(first, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED)
    assert signals < FORMERLY_MOST_SIGNALS, "The run ended too late"
    assert await count(first, EventType.EVENT_TYPE_MARKER_RECORDED) == 2, (
        "The run uses two patches; each patch records one marker"
    )


async def test_a_run_of_an_older_release_keeps_its_old_limit_of_signals(
    closed_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as formerly:
        formerly.setattr(run_meter, "MOST_SIGNALS", FORMERLY_MOST_SIGNALS)
        (older,) = await after_a_storm(closed_shop)
    await Replayer(workflows=[CustomerLoyaltyWorkflow]).replay_workflow(await older.fetch_history())
    async with closed_shop.serving():
        await older.signal("addPoints", 1)
        assert await points(older) == MORE + 1
    assert len(await runs(older, closed_shop.client)) == 1
