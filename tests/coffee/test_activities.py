"""A barista says how far an order is, and, in a step that takes long, that somebody is alive."""

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


async def test_a_barista_in_a_long_step_stays_alive(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activities, "ALIVE_EVERY_SECONDS", 0.005)
    shop = CoffeeShop(client, sqlite_url(tmp_path))
    heartbeats: list[int] = []
    environment = ActivityEnvironment()
    environment.on_heartbeat = heartbeats.append
    await environment.run(ShopActivities(client, shop.store, step_seconds=0.2).prepare_beverage, TICKET)
    assert heartbeats == sorted(heartbeats), "no step is taken back"
    assert set(heartbeats) == set(range(len(STEPS) + 1))
    assert heartbeats.count(0) >= 3, "in its first step, too, the barista was alive"


def test_a_barista_is_heard_several_times_before_being_given_up() -> None:
    silence = BARISTA["heartbeat_timeout"]
    assert silence is not None
    assert silence.total_seconds() > activities.ALIVE_EVERY_SECONDS * 3
