"""Activities of the coffee shop: payment, stock, preparation and loyalty points."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from loyalty.actor.signal_with_start import signal_with_start
from loyalty.coffee import menu
from loyalty.coffee.messages import (
    EARN_POINTS,
    PREPARE_BEVERAGE,
    PROCESS_PAYMENT,
    REFUND_PAYMENT,
    RESTORE_INVENTORY,
    UPDATE_INVENTORY,
    Charge,
    Payment,
    Refund,
    Ticket,
)
from loyalty.coffee.store import Impossible, Store
from loyalty.messages import TASK_QUEUE as CUSTOMERS
from loyalty.messages import WORKFLOW_TYPE as CUSTOMER
from loyalty.messages import Customer, CustomerInput, workflow_id

STEPS = ("grind the beans", "tamp", "brew", "steam the milk", "pour")

ALIVE_EVERY_SECONDS = 0.5
"""Pause between two heartbeats. One step of a barista may take longer than the heartbeat timeout."""

BOOKKEEPERS = 8
"""Threads for calls to the database. E-mail has its own threads, because a slow mail server blocks them."""

T = TypeVar("T")
P = ParamSpec("P")


class ShopActivities:
    """The activities of the coffee shop. All activities share one Temporal client and one database.

    A barista needs `step_seconds` seconds for each of the STEPS.
    """

    def __init__(self, client: Client, store: Store, step_seconds: float) -> None:
        self._client = client
        self._store = store
        self._step_seconds = step_seconds
        self._bookkeepers = ThreadPoolExecutor(BOOKKEEPERS, thread_name_prefix="bookkeeper")

    @activity.defn(name=PROCESS_PAYMENT)
    async def process_payment(self, charge: Charge) -> Payment:
        """Take the money for one part of an order. A retry does not take the money again."""
        order = charge.order
        return await self._ask(
            Store.take_payment, order.order_id, charge.run, charge.part, order.payment_method, charge.amount
        )

    @activity.defn(name=REFUND_PAYMENT)
    async def refund_payment(self, refund: Refund) -> None:
        """Refund one part of an order. A retry does not refund the part again.

        After the refund, the customer cannot pay for the part.
        """
        order = refund.order
        await self._ask(Store.refund_payment, order.order_id, refund.run, refund.part, order.payment_method)

    @activity.defn(name=PREPARE_BEVERAGE)
    async def prepare_beverage(self, ticket: Ticket) -> None:
        """Execute the STEPS of the preparation. Each heartbeat contains the number of finished steps.

        A retry continues after the last heartbeat that the server has received.
        """
        info = activity.info()
        done: int = info.heartbeat_details[0] if info.heartbeat_details else 0

        async def stay_alive() -> None:
            while True:
                activity.heartbeat(done)
                await asyncio.sleep(ALIVE_EVERY_SECONDS)

        staying_alive = asyncio.create_task(stay_alive())
        try:
            for step, what in enumerate(STEPS[done:], start=done + 1):
                await asyncio.sleep(self._step_seconds)  # a barista at work
                worker, order_id = self._client.identity, ticket.order.order_id
                await self._ask(Store.note_preparation, order_id, step, info.attempt, what, worker)
                activity.heartbeat(step)
                done = step
        finally:
            staying_alive.cancel()

    @activity.defn(name=UPDATE_INVENTORY)
    async def update_inventory(self, ticket: Ticket) -> None:
        """Take all items of an order from stock. If one item is missing, take no items.

        A retry does not take the items again.
        """
        await self._ask(Store.take_from_stock, ticket.order.order_id, ticket.run, ticket.order.items)

    @activity.defn(name=RESTORE_INVENTORY)
    async def restore_inventory(self, ticket: Ticket) -> None:
        """Put the items of an order back into stock. After this call, the order cannot take items from stock."""
        await self._ask(Store.return_to_stock, ticket.order.order_id, ticket.run, ticket.order.items)

    @activity.defn(name=EARN_POINTS)
    async def earn_points(self, ticket: Ticket) -> bool:
        """Send the points to the customer. If the customer is new, the call signal-with-start also starts the
        customer's workflow.

        The order id is the transaction id, so a retry does not add the points again. Return False if the account is
        closed.
        """
        order = ticket.order
        customer = Customer(order.customer_id, order.customer_name, order.email)
        return await signal_with_start(
            self._client,
            CUSTOMER,
            CustomerInput(customer),
            id=workflow_id(order.customer_id),
            task_queue=CUSTOMERS,
            start_signal="addPoints",
            start_signal_args=[menu.points_for(menu.total(order.items)), None, order.order_id],
        )

    async def _ask(self, call: Callable[Concatenate[Store, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the database in a thread.

        If the database refuses the change, raise an error that the server does not retry.
        """
        asking = partial(call, self._store, *args, **kwargs)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._bookkeepers, asking)
        except Impossible as refusal:
            raise ApplicationError(str(refusal), type="Impossible", non_retryable=True) from refusal
