"""Money, stock and points are conserved, whatever goes wrong with which order, and whoever changes or cancels it when.

All orders of a day are served at once, by a worker that may be replaced in the middle; every history that the day has
written is replayed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import CancelledError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from loyalty.coffee import menu
from loyalty.coffee.workflow import CoffeeOrderWorkflow
from loyalty.lab.experiments.mishaps import MISHAPS
from tests.support.coffee import CoffeeShop, sqlite_url
from tests.support.helpers import Handle, comes_to, ends, fresh_namespace

pytestmark = pytest.mark.slow

CUSTOMERS = 3
STEP_SECONDS = 0.02
ENDING = 60
"""Seconds; an order in trouble waits for six retries."""

FOR_EVER = "jam the till"
"""An order that is never undone never ends."""

DONE = (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION)
"""Answers to who asks an order that has ended, or is ending at this very moment."""


@dataclass(frozen=True)
class Placed:
    """An order, and what happens to it: mishaps, a change, and a cancellation by the customer or by the server."""

    product: str
    quantity: int
    customer: int
    mishaps: tuple[str, ...]
    window: float
    change: tuple[str, int] | None
    cancelled_by: str | None
    cancelled_after: float
    again: bool
    """Placed once more after its end, and cancelled at once: nothing of it may come of that."""


PRODUCTS = st.sampled_from([product.name for product in menu.MENU])

placed = st.builds(
    Placed,
    product=PRODUCTS,
    quantity=st.integers(1, 3),
    customer=st.integers(0, CUSTOMERS - 1),
    mishaps=st.lists(st.sampled_from(sorted(set(MISHAPS) - {FOR_EVER})), max_size=2, unique=True).map(tuple),
    window=st.sampled_from([0, 0, 0.3]),
    change=st.none() | st.tuples(PRODUCTS, st.integers(1, 3)),
    cancelled_by=st.sampled_from([None, None, "customer", "server"]),
    cancelled_after=st.floats(0, 0.5),
    again=st.booleans(),
)
EVERY_END = [
    Placed("latte", 1, 0, mishaps, 0, None, cancelled_by, 0, again=True)
    for mishaps, cancelled_by in [
        ((), None),
        (("decline the card",), None),
        (("spill all the milk",), None),
        ((), "customer"),
    ]
]
days = st.lists(placed, min_size=10, max_size=25)


async def tell(asking: Any) -> None:
    """Await a message; that it comes too late, or is refused, is part of the game."""
    try:
        await asking
    except WorkflowUpdateFailedError:
        return
    except RPCError as error:
        if error.status not in DONE:
            raise


async def lives(shop: CoffeeShop, order_id: str, plan: Placed) -> tuple[Handle, dict[str, Any] | None]:
    """Place an order, let happen to it what is planned, and return it with its report; None where it was cancelled."""
    order = await shop.places(
        order_id,
        (plan.product, plan.quantity),
        customer_id=f"c{plan.customer}",
        notes="; ".join(plan.mishaps),
        change_window=plan.window,
    )
    telling = []
    if plan.change:
        product, quantity = plan.change
        item = {"name": product, "quantity": quantity, "unit_price": menu.product_named(product).price}
        telling.append(tell(order.execute_update("changeItem", {"name": plan.product, "item": item})))
    if plan.cancelled_by:
        telling.append(cancel(order, plan))
    await asyncio.gather(*telling)
    report = await end_of(order)
    if plan.again:
        again = await shop.places(order_id, (plan.product, 1), customer_id="c0", notes="spill all the milk")
        await tell(again.signal("cancelOrder"))
        await end_of(again)
    return order, report


async def end_of(order: Handle) -> dict[str, Any] | None:
    try:
        report: dict[str, Any] = await ends(order, timeout=ENDING)
    except WorkflowFailureError as failure:
        if not isinstance(failure.cause, CancelledError):
            raise
        return None
    return report


async def cancel(order: Handle, plan: Placed) -> None:
    await asyncio.sleep(plan.cancelled_after)  # the moment is what is varied
    await tell(order.signal("cancelOrder", "changed my mind") if plan.cancelled_by == "customer" else order.cancel())


async def play(shop: CoffeeShop, day: list[Placed]) -> Counter[str]:
    """Let a day pass, check the books after it, and return how many orders came to which end."""
    seen: Counter[str] = Counter()
    async with AsyncExitStack() as worker:
        await worker.enter_async_context(shop.serving(step_seconds=STEP_SECONDS))
        living = asyncio.gather(*(lives(shop, f"n{number}", plan) for number, plan in enumerate(day)))
        await asyncio.sleep(0.3)  # in the middle of most orders
        await worker.aclose()
        await worker.enter_async_context(shop.serving(step_seconds=STEP_SECONDS))
        outcomes = await living
        earned: Counter[str] = Counter()
        for number, (order, report) in enumerate(outcomes):
            status = report["status"] if report else "CANCELLED"
            seen[status] += 1
            worth = report["total"] if report and status == "COMPLETED" else 0
            assert shop.money(f"n{number}") == worth, f"{order.id} is {status}, by {day[number]}"
            if report:
                assert report["paid"] == worth
                assert report["points"] == menu.points_for(worth)
                earned[f"c{day[number].customer}"] += report["points"]
        for customer_id, points in earned.items():
            if points:
                await comes_to(shop.customer(customer_id), points)
    shop.check_books()
    replayer = Replayer(workflows=[CoffeeOrderWorkflow])
    for order, _ in outcomes:
        await replayer.replay_workflow(await order.fetch_history())
    return seen


# Without shrinking, which would play a real server for minutes, and races do not shrink.
@settings(max_examples=4, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(day=days)
async def test_money_stock_and_points_are_conserved(server: WorkflowEnvironment, day: list[Placed]) -> None:
    with TemporaryDirectory() as folder:
        shop = CoffeeShop(await fresh_namespace(server.client), sqlite_url(Path(folder)))
        ends_seen = await play(shop, [*EVERY_END, *day])
        shop.store.close()
    assert set(ends_seen) == {"COMPLETED", "FAILED", "REFUNDED", "CANCELLED"}
