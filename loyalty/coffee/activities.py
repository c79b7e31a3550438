"""The coffee shop's side effects: money, stock, baristas, and the points that a customer's actor is told of."""

from __future__ import annotations

import asyncio

from temporalio import activity
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

from loyalty.coffee import menu
from loyalty.coffee.messages import (
    EARN_POINTS,
    PREPARE_BEVERAGE,
    PROCESS_PAYMENT,
    REFUND_PAYMENT,
    RESTORE_INVENTORY,
    UPDATE_INVENTORY,
    Charge,
    Order,
    Payment,
    Refund,
)
from loyalty.coffee.store import Impossible, Store
from loyalty.messages import TASK_QUEUE as CUSTOMERS
from loyalty.messages import WORKFLOW_TYPE as CUSTOMER
from loyalty.messages import Customer, CustomerInput, workflow_id

STEPS = ("grind the beans", "tamp", "brew", "steam the milk", "pour")


class ShopActivities:
    """The activities of the coffee shop, with the connections that they need.

    `step_seconds` is how long a barista takes for each of the STEPS.
    """

    def __init__(self, client: Client, store: Store, step_seconds: float) -> None:
        self._client = client
        self._store = store
        self._step_seconds = step_seconds

    @activity.defn(name=PROCESS_PAYMENT)
    async def process_payment(self, charge: Charge) -> Payment:
        """Take the money, once, however often this is tried."""
        order = charge.order
        try:
            entry = await asyncio.to_thread(
                self._store.take_payment, order.order_id, charge.part, order.payment_method, charge.amount
            )
        except Impossible as refusal:
            raise _final(refusal) from refusal
        return Payment(entry.method, entry.amount, entry.transaction_id)

    @activity.defn(name=REFUND_PAYMENT)
    async def refund_payment(self, refund: Refund) -> None:
        """Give the money back, once, or let it never be taken."""
        order = refund.order
        await asyncio.to_thread(self._store.refund_payment, order.order_id, refund.part, order.payment_method)

    @activity.defn(name=PREPARE_BEVERAGE)
    async def prepare_beverage(self, order: Order) -> None:
        """Do the STEPS one by one, and say after each one, by a heartbeat, how many are done.

        A later attempt goes on after the last heartbeat that the server has received.
        """
        info = activity.info()
        done: int = info.heartbeat_details[0] if info.heartbeat_details else 0
        for step, what in enumerate(STEPS[done:], start=done + 1):
            await asyncio.sleep(self._step_seconds)  # a barista at work
            worker = self._client.identity
            await asyncio.to_thread(self._store.note_preparation, order.order_id, step, info.attempt, what, worker)
            activity.heartbeat(step)

    @activity.defn(name=UPDATE_INVENTORY)
    async def update_inventory(self, order: Order) -> None:
        """Take the items from stock, once, all or none."""
        try:
            await asyncio.to_thread(self._store.take_from_stock, order.order_id, order.items)
        except Impossible as refusal:
            raise _final(refusal) from refusal

    @activity.defn(name=RESTORE_INVENTORY)
    async def restore_inventory(self, order: Order) -> None:
        """Put back, once, what the order took, or let it never take anything."""
        await asyncio.to_thread(self._store.return_to_stock, order.order_id, order.items)

    @activity.defn(name=EARN_POINTS)
    async def earn_points(self, order: Order) -> bool:
        """Tell the customer's actor of its points, and bring it to life where it is not a member yet, in one call.

        The order's id is the transaction id, so that they count once. Returns False where the account was closed.
        """
        customer = Customer(order.customer_id, order.customer_name, order.email)
        try:
            await self._client.start_workflow(
                CUSTOMER,
                CustomerInput(customer),
                id=workflow_id(order.customer_id),
                task_queue=CUSTOMERS,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                start_signal="addPoints",
                start_signal_args=[menu.points_for(menu.total(order.items)), None, order.order_id],
            )
        except WorkflowAlreadyStartedError:
            return False
        return True


def _final(refusal: Impossible) -> ApplicationError:
    """Return the failure of an activity that no further attempt could mend."""
    return ApplicationError(str(refusal), type="Impossible", non_retryable=True)
