"""Heartbeats of the activity `prepareBeverage`."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from loyalty.coffee import activities, menu
from loyalty.coffee.activities import STEPS, ShopActivities
from loyalty.coffee.messages import Order, Ticket
from loyalty.coffee.steps import BARISTA
from tests.support.coffee import CoffeeShop, sqlite_url

TICKET = Ticket(Order("7", "ada", [menu.item("latte")]), "first")


async def test_a_barista_sends_heartbeats_during_a_long_step(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activities, "ALIVE_EVERY_SECONDS", 0.005)
    shop = CoffeeShop(client, sqlite_url(tmp_path))
    heartbeats: list[int] = []
    environment = ActivityEnvironment()
    environment.on_heartbeat = heartbeats.append
    await environment.run(ShopActivities(client, shop.store, step_seconds=0.2).prepare_beverage, TICKET)
    assert heartbeats == sorted(heartbeats), "the number of finished steps never decreases"
    assert set(heartbeats) == set(range(len(STEPS) + 1))
    assert heartbeats.count(0) >= 3, "the barista sends heartbeats during the first step, too"


def test_heartbeat_timeout_is_longer_than_three_pauses_between_heartbeats() -> None:
    timeout = BARISTA["heartbeat_timeout"]
    assert timeout is not None
    assert timeout.total_seconds() > activities.ALIVE_EVERY_SECONDS * 3
