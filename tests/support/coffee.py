"""A coffee shop for tests: a database in a file, workers for orders and customers, and orders with mishaps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from loyalty.coffee import menu
from loyalty.coffee.messages import TASK_QUEUE, WORKFLOW_TYPE, order_workflow_id
from loyalty.coffee.store import Store
from loyalty.coffee.worker import build_worker as build_coffee_worker
from loyalty.lab.experiments.mishaps import MishapInterceptor
from loyalty.messages import workflow_id
from loyalty.worker import build_worker
from tests.support.helpers import Handle, Mails, ends, events, eventually, points

DELIVERED = 1_000
"""Units of each product in stock before the first order."""

EMAIL = "ada@example.org"

STEP_ACTIVITIES = ["processPayment", "prepareBeverage", "updateInventory"]

UNFINISHED_STEP = 600
"""Seconds for a step of a barista that does not end during a test; a cancellation interrupts the step."""

CHANGE_WINDOW = 3
"""Seconds for a change after the payment, in tests in which the order completes."""

BOOKS = """
SELECT (SELECT COALESCE(SUM(amount), 0) FROM payments) AS money,
       (SELECT COALESCE(SUM(-quantity * unit_price), 0) FROM movements WHERE kind <> 'delivery') AS worth_of_sales,
       (SELECT SUM(quantity) FROM stock) AS in_stock,
       (SELECT SUM(quantity) FROM movements) AS accounted_for
"""
"""The money must equal the worth of all sales, and the stock must equal the sum of all movements."""


@dataclass
class CoffeeShop:
    """A coffee shop in one namespace. Orders are started with JSON input, as from the command line."""

    client: Client
    url: str
    mails: Mails = field(default_factory=Mails)

    def __post_init__(self) -> None:
        self.store = Store(self.url)
        self.store.create_tables()
        self.store.deliver("first delivery", {product.name: DELIVERED for product in menu.MENU})

    @asynccontextmanager
    async def serving(self, *, step_seconds: float = 0, customers: bool = True) -> AsyncIterator[None]:
        """Run a worker for orders and a worker for customers during the `async with` block."""
        shop = build_coffee_worker(
            self.client, self.mails, self.store, step_seconds=step_seconds, interceptors=[MishapInterceptor()]
        )
        async with shop:
            if customers:
                async with build_worker(self.client, self.mails):
                    yield
            else:
                yield

    async def places(
        self,
        order_id: str,
        *items: tuple[str, int],
        customer_id: str = "ada",
        task_queue: str = TASK_QUEUE,
        **fields: Any,
    ) -> Handle:
        """Start an order of (product, quantity) pairs with the menu's prices. The default is one latte."""
        lines = [line(name, quantity) for name, quantity in items or [("latte", 1)]]
        start = {"order_id": order_id, "customer_id": customer_id, "items": lines, **fields}
        return await self.client.start_workflow(
            WORKFLOW_TYPE, start, id=order_workflow_id(order_id), task_queue=task_queue
        )

    async def serves(self, order_id: str, *items: tuple[str, int], **fields: Any) -> dict[str, Any]:
        """Start an order, wait until the order has ended, and return the order's report."""
        report: dict[str, Any] = await ends(await self.places(order_id, *items, **fields), timeout=120)
        return report

    def customer(self, customer_id: str) -> Handle:
        return self.client.get_workflow_handle(workflow_id(customer_id))

    async def points(self, customer_id: str) -> int:
        """Return a customer's points, or 0 if the customer does not exist."""
        try:
            return await points(self.customer(customer_id))
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            return 0

    def ask_books(self, query: str) -> list[dict[str, Any]]:
        """Return the rows of a database query."""
        engine = create_engine(self.url)
        try:
            with engine.connect() as connection:
                return [dict(row) for row in connection.execute(text(query)).mappings()]
        finally:
            engine.dispose()

    def money(self, order_id: str | None = None) -> int:
        """Return the cents that the shop keeps, for one order or for all orders."""
        where = f"WHERE order_id = '{order_id}'" if order_id else ""
        return int(self.ask_books(f"SELECT COALESCE(SUM(amount), 0) AS money FROM payments {where}")[0]["money"])

    def taken(self, order_id: str) -> int:
        """Return the number of units that an order has taken from stock, without the returned units."""
        query = f"SELECT COALESCE(-SUM(quantity), 0) AS taken FROM movements WHERE order_id = '{order_id}'"
        return int(self.ask_books(query)[0]["taken"])

    def in_stock(self, product: str) -> int:
        return int(self.ask_books(f"SELECT quantity FROM stock WHERE product = '{product}'")[0]["quantity"])

    def check_books(self) -> dict[str, Any]:
        """Check that money, sales and stock agree. Return the sums."""
        (sums,) = self.ask_books(BOOKS)
        assert sums["money"] == sums["worth_of_sales"], f"the money differs from the sales: {sums}"
        assert sums["in_stock"] == sums["accounted_for"], f"the stock differs from the movements: {sums}"
        return sums


async def becomes(order: Handle, status: str) -> None:
    """Wait until the order has this status."""
    await eventually(
        lambda: order.query("status"),
        lambda report: report["status"] == status,
        waiting_for=f"{order.id} to be {status}",
    )


async def scheduled(order: Handle) -> list[str]:
    """Return the names of the scheduled activities in the history, oldest first."""
    return [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in await events(order)
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]


def line(name: str, quantity: int = 1) -> dict[str, Any]:
    """Return an order line as JSON, with the menu's price."""
    return {"name": name, "quantity": quantity, "unit_price": menu.product_named(name).price}


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'shop.db'}"
