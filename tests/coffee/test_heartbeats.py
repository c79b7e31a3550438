"""Heartbeats of a barista, as the server receives them."""

from __future__ import annotations

import threading
import time
from functools import partial
from operator import eq
from typing import Any

import pytest

from loyalty.coffee.activities import STEPS
from loyalty.coffee.store import Store
from tests.support.coffee import CoffeeShop
from tests.support.helpers import PATIENCE_SECONDS, Handle, ends, eventually

pytestmark = pytest.mark.slow


async def heartbeat(order: Handle) -> int | None:
    for pending in (await order.describe()).raw_description.pending_activities:
        if pending.heartbeat_details.payloads:
            return int(pending.heartbeat_details.payloads[0].data)
    return None


async def test_each_heartbeat_reaches_the_server_within_one_second(
    closed_shop: CoffeeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default of the SDK would delay a heartbeat by 80 % of the heartbeat timeout, 1.6 s."""
    note, known = Store.note_preparation, [threading.Event() for _ in STEPS]
    done, seconds = dict[int, float](), list[float]()

    def note_after_the_last_heartbeat_is_known(store: Store, order_id: str, step: int, *rest: Any) -> None:
        known[step - 1].wait(PATIENCE_SECONDS)
        note(store, order_id, step, *rest)
        done[step] = time.monotonic()

    monkeypatch.setattr(Store, "note_preparation", note_after_the_last_heartbeat_is_known)
    known[0].set()
    async with closed_shop.serving():
        order = await closed_shop.places("7")
        for step in range(1, len(STEPS)):
            await eventually(lambda: heartbeat(order), partial(eq, step), waiting_for=f"the heartbeat of step {step}")
            seconds.append(time.monotonic() - done[step])
            known[step].set()
        await ends(order)
    assert min(seconds) < 1, f"The server received the heartbeats after {seconds} s"
