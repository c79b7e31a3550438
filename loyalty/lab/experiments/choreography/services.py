"""The four services. The signals between the services determine the sequence of the steps."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    import loyalty.coffee.emails as emails
    import loyalty.coffee.menu as menu
    import loyalty.coffee.parsing as parsing
    from loyalty.actor.messages import SEND_EMAIL
    from loyalty.actor.refusals import Refused
    from loyalty.coffee.messages import (
        EARN_POINTS,
        PREPARE_BEVERAGE,
        PROCESS_PAYMENT,
        REFUND_PAYMENT,
        RESTORE_INVENTORY,
        UPDATE_INVENTORY,
        Charge,
        Order,
        OrderStatus,
        Refund,
        Ticket,
        order_workflow_id,
    )
    from loyalty.coffee.steps import BARISTA, OWED, QUICK, why
    from loyalty.lab.experiments.choreography.messages import (
        BARISTAS,
        BEVERAGE_READY,
        CANCEL_ORDER,
        COUNTER,
        ORDER_PAID,
        ORDER_PLACED,
        ORDER_UNDONE,
        PAYMENTS,
        PREPARATION_FAILED,
        STOCK,
        STOCK_FAILED,
        STOCK_TAKEN,
        ServiceInput,
        Told,
    )
    from loyalty.lab.experiments.choreography.service import Service


@workflow.defn
class PaymentService(Service):
    """The service that takes payments and makes refunds."""

    @workflow.init
    def __init__(self, start: ServiceInput) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: ServiceInput) -> None:
        """Process messages forever."""
        await self.process_messages()

    async def react(self, told: Told) -> None:
        """Take the payment for a placed order; refund a failed order."""
        order = told.order
        if told.event == ORDER_PLACED:
            try:
                parsing.order(asdict(order), workflow_id=order_workflow_id(order.order_id))
                await workflow.execute_activity(
                    PROCESS_PAYMENT, Charge(order, order.order_id, 1, menu.total(order.items)), **QUICK
                )
            except Refused as refusal:
                await self.tell(COUNTER, ORDER_UNDONE, order, str(refusal))
            except ActivityError as failure:
                await self._undo(order, why(failure))
            else:
                await self.tell(BARISTAS, ORDER_PAID, order)
        elif told.event == PREPARATION_FAILED:
            await self._undo(order, told.reason)

    async def _undo(self, order: Order, reason: str) -> None:
        await workflow.execute_activity(REFUND_PAYMENT, Refund(order, order.order_id, 1), **OWED)
        await self.tell(COUNTER, ORDER_UNDONE, order, reason)


@workflow.defn
class BaristaService(Service):
    """The service that prepares paid orders. A cancellation may arrive before, during or after the preparation."""

    @workflow.init
    def __init__(self, start: ServiceInput) -> None:
        super().__init__(start)
        self._preparing: dict[str, asyncio.Task[None]] = {}

    @workflow.run
    async def run(self, start: ServiceInput) -> None:
        """Process messages forever."""
        await self.process_messages()

    async def react(self, told: Told) -> None:
        """Prepare a paid order, or stop preparing a cancelled order. Report a failure to the payment service."""
        order = told.order
        if told.event == CANCEL_ORDER:
            self._cancelled.append(order.order_id)
            if order.order_id in self._preparing:
                self._preparing[order.order_id].cancel()
        elif told.event == STOCK_FAILED:
            await self.tell(PAYMENTS, PREPARATION_FAILED, order, told.reason)
        elif told.event == ORDER_PAID:
            problem = await self._prepare(order)
            if problem:
                await self.tell(PAYMENTS, PREPARATION_FAILED, order, problem)
            else:
                await self.tell(STOCK, BEVERAGE_READY, order)

    async def _prepare(self, order: Order) -> str:
        """Return the reason of a failure, or an empty text after a success."""
        try:
            if order.order_id not in self._cancelled:
                preparing = asyncio.create_task(workflow.execute_activity(PREPARE_BEVERAGE, ticket(order), **BARISTA))
                self._preparing[order.order_id] = preparing
                await preparing
        except (ActivityError, asyncio.CancelledError) as failure:
            if order.order_id not in self._cancelled:
                if isinstance(failure, asyncio.CancelledError):
                    raise  # no cancellation of an order: the worker removes the service from its cache
                return why(failure)
        finally:
            self._preparing.pop(order.order_id, None)
        return "cancelled" if order.order_id in self._cancelled else ""


@workflow.defn
class StockService(Service):
    """The service that takes items from stock, and returns items to stock."""

    @workflow.init
    def __init__(self, start: ServiceInput) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: ServiceInput) -> None:
        """Process messages forever."""
        await self.process_messages()

    async def react(self, told: Told) -> None:
        """Take the items of a prepared order from stock. Send a signal to the baristas if the activity fails."""
        order = told.order
        if told.event == BEVERAGE_READY:
            try:
                await workflow.execute_activity(UPDATE_INVENTORY, ticket(order), **QUICK)
            except ActivityError as failure:
                await workflow.execute_activity(RESTORE_INVENTORY, ticket(order), **OWED)
                await self.tell(BARISTAS, STOCK_FAILED, order, why(failure))
            else:
                await self.tell(COUNTER, STOCK_TAKEN, order)


@workflow.defn
class CounterService(Service):
    """The service that sends e-mails and points to customers."""

    @workflow.init
    def __init__(self, start: ServiceInput) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: ServiceInput) -> None:
        """Process messages forever."""
        await self.process_messages()

    async def react(self, told: Told) -> None:
        """Send an e-mail to the customer, and send the points for a completed order."""
        order = told.order
        if told.event == STOCK_TAKEN:
            await self._notify(order, OrderStatus.READY, "")
            if menu.points_for(menu.total(order.items)):
                await workflow.execute_activity(EARN_POINTS, ticket(order), **OWED)
        elif told.event == ORDER_UNDONE:
            await self._notify(order, OrderStatus.REFUNDED, told.reason)

    async def _notify(self, order: Order, status: OrderStatus, reason: str) -> None:
        mail = emails.about(order, status, reason)
        if mail.to:
            try:
                await workflow.execute_activity(SEND_EMAIL, mail, **QUICK)
            except ActivityError as failure:
                workflow.logger.warning("Could not notify %s: %s", mail.to, why(failure))


def ticket(order: Order) -> Ticket:
    """Return the barista's ticket for an order.

    The run id of the ticket is the order id, because an order in the choreography has no workflow.
    """
    return Ticket(order, order.order_id)
