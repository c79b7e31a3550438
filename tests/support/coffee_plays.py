"""Orders with every final status, for the recorded histories of `tests.support.record_histories`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from temporalio.client import Client, WorkflowFailureError

from tests.support.coffee import EMAIL, CoffeeShop, becomes, sqlite_url
from tests.support.helpers import Handle, ends

STEP_SECONDS = 0.1
PATIENCE = 30

Keep = Callable[[Handle, str], Awaitable[None]]


@asynccontextmanager
async def open_shop(client: Client) -> AsyncIterator[CoffeeShop]:
    with TemporaryDirectory() as folder:
        shop = CoffeeShop(client, sqlite_url(Path(folder)))
        async with shop.serving(step_seconds=STEP_SECONDS):
            yield shop
        shop.store.close()


async def has_ended(order: Handle) -> None:
    try:
        await ends(order, timeout=PATIENCE)
    except WorkflowFailureError:
        return


async def orders_without_and_with_trouble(client: Client, keep: Keep) -> None:
    troubles = {
        "": "completed",
        "decline the card": "declined",
        "spill the milk twice": "spilled_twice",
        "spill all the milk; jam the till twice": "refunded",
        "drop the tray": "restored",
    }
    async with open_shop(client) as shop:
        for notes, name in troubles.items():
            order = await shop.places(name, ("latte", 2), ("cookie", 1), notes=notes, email=EMAIL)
            await has_ended(order)
            await keep(order, f"coffee_{name}")
        bad = await shop.places("bad", email="nowhere")
        await has_ended(bad)
        await keep(bad, "coffee_bad_order")


async def orders_that_are_cancelled_or_changed(client: Client, keep: Keep) -> None:
    async with open_shop(client) as shop:
        cancelled = await shop.places("cancelled", email=EMAIL)
        await becomes(cancelled, "PREPARING")
        await cancelled.signal("cancelOrder", 7)
        await cancelled.signal("cancelOrder", "the train leaves")
        await has_ended(cancelled)
        await keep(cancelled, "coffee_cancelled")
        canceled = await shop.places("canceled")
        await becomes(canceled, "PREPARING")
        await canceled.cancel()
        await has_ended(canceled)
        await keep(canceled, "coffee_canceled_by_the_server")
        changed = await shop.places("changed", email=EMAIL, change_window=0.5)
        for name, quantity, price in (("flat white", 2, 450), ("espresso", 1, 250)):
            change: dict[str, Any] = {
                "name": "latte" if name == "flat white" else "flat white",
                "item": {"name": name, "quantity": quantity, "unit_price": price},
            }
            await changed.execute_update("changeItem", change)
        await has_ended(changed)
        await keep(changed, "coffee_changed")


PLAYS = (orders_without_and_with_trouble, orders_that_are_cancelled_or_changed)
