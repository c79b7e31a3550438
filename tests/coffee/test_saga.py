"""Random orders with mishaps, changes and cancellations: money, stock and points must be correct in the end.

All orders of a day run at once. A new worker replaces the first worker in the middle of the day. Every history of the
day is replayed.
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
"""Seconds until the end of an order. An order with mishaps waits for six retries."""

ENDLESS_MISHAP = "jam the till"
"""The refund of such an order is retried for ever."""

HAS_ENDED = (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION)
"""Errors for a message to an order that has ended, or that ends at this moment."""


@dataclass(frozen=True)
class OrderPlan:
    """A random order with mishaps, a change, and a cancellation from the customer or the server."""

    product: str
    quantity: int
    customer: int
    mishaps: tuple[str, ...]
    window: float
    change: tuple[str, int] | None
    cancelled_by: str | None
    cancelled_after: float
    again: bool
    """After its end, the order id is used for a second order, which is cancelled at once and must have no effect."""


PRODUCTS = st.sampled_from([product.name for product in menu.MENU])

placed = st.builds(
    OrderPlan,
    product=PRODUCTS,
    quantity=st.integers(1, 3),
    customer=st.integers(0, CUSTOMERS - 1),
    mishaps=st.lists(st.sampled_from(sorted(set(MISHAPS) - {ENDLESS_MISHAP})), max_size=2, unique=True).map(tuple),
    window=st.sampled_from([0, 0, 0.3]),
    change=st.none() | st.tuples(PRODUCTS, st.integers(1, 3)),
    cancelled_by=st.sampled_from([None, None, "customer", "server"]),
    cancelled_after=st.floats(0, 0.5),
    again=st.booleans(),
)
EVERY_END = [
    OrderPlan("latte", 1, 0, mishaps, 0, None, cancelled_by, 0, again=True)
    for mishaps, cancelled_by in [
        ((), None),
        (("decline the card",), None),
        (("spill all the milk",), None),
        ((), "customer"),
    ]
]
days = st.lists(placed, min_size=10, max_size=25)


async def deliver(message: Any) -> None:
    """Await a message to an order. The order may refuse the message, or may already have ended."""
    try:
        await message
    except WorkflowUpdateFailedError:
        return
    except RPCError as error:
        if error.status not in HAS_ENDED:
            raise


async def run_order(shop: CoffeeShop, order_id: str, plan: OrderPlan) -> tuple[Handle, dict[str, Any] | None]:
    """Start an order and follow its plan; return the order and its report, or None if the server cancelled it."""
    order = await shop.places(
        order_id,
        (plan.product, plan.quantity),
        customer_id=f"c{plan.customer}",
        notes="; ".join(plan.mishaps),
        change_window=plan.window,
    )
    messages = []
    if plan.change:
        product, quantity = plan.change
        item = {"name": product, "quantity": quantity, "unit_price": menu.product_named(product).price}
        messages.append(deliver(order.execute_update("changeItem", {"name": plan.product, "item": item})))
    if plan.cancelled_by:
        messages.append(cancel(order, plan))
    await asyncio.gather(*messages)
    report = await end_of(order)
    if plan.again:
        again = await shop.places(order_id, (plan.product, 1), customer_id="c0", notes="spill all the milk")
        await deliver(again.signal("cancelOrder"))
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


async def cancel(order: Handle, plan: OrderPlan) -> None:
    await asyncio.sleep(plan.cancelled_after)  # a random moment of the order
    await deliver(order.signal("cancelOrder", "changed my mind") if plan.cancelled_by == "customer" else order.cancel())


async def play(shop: CoffeeShop, day: list[OrderPlan]) -> Counter[str]:
    """Run all orders of a day, check the database, and return the number of orders per final status."""
    seen: Counter[str] = Counter()
    async with AsyncExitStack() as worker:
        await worker.enter_async_context(shop.serving(step_seconds=STEP_SECONDS))
        running = asyncio.gather(*(run_order(shop, f"n{number}", plan) for number, plan in enumerate(day)))
        await asyncio.sleep(0.3)  # in the middle of most orders
        await worker.aclose()
        await worker.enter_async_context(shop.serving(step_seconds=STEP_SECONDS))
        outcomes = await running
        earned: Counter[str] = Counter()
        for number, (order, report) in enumerate(outcomes):
            status = report["status"] if report else "CANCELLED"
            seen[status] += 1
            worth = report["total"] if report and status == "COMPLETED" else 0
            assert shop.money(f"n{number}") == worth, f"{order.id} is {status}, with the plan {day[number]}"
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


# No shrinking: it would take minutes with a real server, and a race condition does not shrink.
@settings(max_examples=4, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(day=days)
async def test_money_and_stock_and_points_are_correct_after_random_orders(
    server: WorkflowEnvironment, day: list[OrderPlan]
) -> None:
    with TemporaryDirectory() as folder:
        shop = CoffeeShop(await fresh_namespace(server.client), sqlite_url(Path(folder)))
        ends_seen = await play(shop, [*EVERY_END, *day])
        shop.store.close()
    assert set(ends_seen) == {"COMPLETED", "FAILED", "REFUNDED", "CANCELLED"}
