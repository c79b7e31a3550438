"""One order of the coffee shop: a saga with the steps payment, preparation, and removal from stock.

After a failure, the workflow undoes all steps, the newest step first. The steps run in an asyncio task, so a
cancellation can interrupt a step. The compensations do not run in this task, so a cancellation cannot interrupt a
compensation.
"""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    # Our own modules have no state and need no fresh copy for each order; see loyalty.workflow.
    import loyalty.coffee.emails as emails
    import loyalty.coffee.menu as menu
    import loyalty.coffee.parsing as parsing
    from loyalty.actor.addresses import refuse_inexact
    from loyalty.actor.cancellation import finish_when_cancelled
    from loyalty.actor.mailbox import Envelope, Mailbox
    from loyalty.actor.messages import SEND_EMAIL
    from loyalty.actor.refusals import Refused
    from loyalty.coffee.messages import (
        EARN_POINTS,
        PREPARE_BEVERAGE,
        PROCESS_PAYMENT,
        REFUND_PAYMENT,
        RESTORE_INVENTORY,
        UPDATE_INVENTORY,
        WORKFLOW_TYPE,
        Charge,
        ItemChange,
        Order,
        OrderProgress,
        OrderReport,
        OrderStatus,
        Payment,
        Refund,
        Ticket,
    )
    from loyalty.coffee.saga import Saga
    from loyalty.coffee.steps import BARISTA, OWED, Steps, why

CHANGEABLE = (OrderStatus.PENDING, OrderStatus.PAID)
CANCELLABLE = (*CHANGEABLE, OrderStatus.PREPARING)


@workflow.defn(name=WORKFLOW_TYPE)
class CoffeeOrderWorkflow:
    """One order. The workflow id is `coffee-order-` followed by the order id.

    The result is an OrderReport, even after a failure.
    """

    @workflow.init
    def __init__(self, order: Order | None = None, *surplus: object) -> None:
        self._status = OrderStatus.PENDING
        self._reason = ""
        self._parts, self._paid, self._transaction_ids = 0, 0, list[str]()
        self._points = 0
        self._steps, self._saga = Steps(), Saga()
        self._changes = Mailbox[ItemChange, ItemChange]([])
        self._making: asyncio.Task[None] | None = None
        self._cancelled_because: str | None = None
        try:
            self._order = parsing.order(order, *surplus, workflow_id=workflow.info().workflow_id)
            refuse_inexact(self._order.email)
        except Refused as refusal:
            self._order = Order("", "", [])
            self._status, self._reason = OrderStatus.FAILED, str(refusal)
        self._run = workflow.info().first_execution_run_id

    @workflow.run
    async def run(self, order: Order | None = None, *surplus: object) -> OrderReport:
        """Process the order. A cancellation request of the server has the same effect as the signal `cancelOrder`."""
        try:  # the shield in this call keeps the server's request from interrupting the compensations
            await finish_when_cancelled(self._live(), lambda: self._cancel("an operator's request"))
        except asyncio.CancelledError:
            if self._status is OrderStatus.CANCELLED:
                raise
        return self.status()

    async def _live(self) -> None:
        if self._status is OrderStatus.PENDING:
            await self._make_or_undo()
            await self._notify()
        if self._status is OrderStatus.READY:
            await self._let_customer_earn_points()
            self._status = OrderStatus.COMPLETED
        await workflow.wait_condition(workflow.all_handlers_finished)

    # ---- the saga ---------------------------------------------------------------------------------------------

    async def _make_or_undo(self) -> None:
        self._making = asyncio.create_task(self._make())
        try:
            await self._making
        except (ActivityError, asyncio.CancelledError) as failure:
            if isinstance(failure, asyncio.CancelledError) and self._cancelled_because is None:
                raise  # no request: the worker removes the order from its cache, and a replay continues it
            self._reason = self._cancelled_because or why(failure)
            await self._saga.undo_all()
            self._paid = 0
            self._status = self._status_when_undone()
            await self._refuse_waiting_changes()

    async def _make(self) -> None:
        """Execute the steps; register each compensation before its step."""
        self._stop_if_cancelled()
        await self._take_payment(menu.total(self._order.items))
        self._status = OrderStatus.PAID
        await self._process_changes()
        self._stop_if_cancelled()
        self._status = OrderStatus.PREPARING
        ticket = Ticket(self._order, self._run)
        await self._steps.do(PREPARE_BEVERAGE, ticket, BARISTA)
        self._stop_if_cancelled()
        self._saga.register(RESTORE_INVENTORY, ticket)
        await self._steps.do(UPDATE_INVENTORY, ticket)
        self._stop_if_cancelled()
        self._status = OrderStatus.READY  # on the counter: from here on nothing is undone

    async def _take_payment(self, amount: int) -> None:
        self._parts += 1
        self._saga.register(REFUND_PAYMENT, Refund(self._order, self._run, self._parts))
        charge = Charge(self._order, self._run, self._parts, amount)
        payment: Payment = await self._steps.do(PROCESS_PAYMENT, charge, result_type=Payment)
        self._paid += payment.amount
        self._transaction_ids.append(payment.transaction_id)
        self._stop_if_cancelled()

    async def _notify(self) -> None:
        """Send an e-mail with the result to the customer. A failed e-mail does not change the order."""
        mail = emails.about(self._order, self._status, self._reason)
        if mail.to:
            try:
                await self._steps.do(SEND_EMAIL, mail)
            except ActivityError as failure:
                workflow.logger.warning("Could not notify %s: %s", mail.to, why(failure))

    async def _let_customer_earn_points(self) -> None:
        points = menu.points_for(self._paid)
        ticket = Ticket(self._order, self._run)
        if points and await self._steps.do(EARN_POINTS, ticket, OWED, result_type=bool):
            self._points = points

    # ---- cancellation -----------------------------------------------------------------------------------------

    @workflow.signal(name="cancelOrder")
    def cancel_order(self, reason: str | None = None, *surplus: object) -> None:
        """Cancel the order and undo its steps. The workflow ignores the signal if the order is already READY."""
        try:
            self._cancel(parsing.cancellation(reason, *surplus))
        except Refused as refusal:
            workflow.logger.warning("Ignored a signal: %s", refusal)

    def _cancel(self, reason: str) -> None:
        if self._status not in CANCELLABLE or (self._making is not None and self._making.done()):
            workflow.logger.warning(
                "Cannot cancel an order that is %s (reason of the request: %s)", self._status, reason
            )
        elif self._cancelled_because is None:
            self._cancelled_because = reason
            if self._making is not None:
                self._making.cancel()

    def _stop_if_cancelled(self) -> None:
        # A step may succeed in the moment of its cancellation; then it raises no CancelledError.
        if self._cancelled_because is not None:
            raise asyncio.CancelledError

    def _status_when_undone(self) -> OrderStatus:
        if self._cancelled_because is not None:
            return OrderStatus.CANCELLED
        return OrderStatus.FAILED if self._status is OrderStatus.PENDING else OrderStatus.REFUNDED

    # ---- changes ----------------------------------------------------------------------------------------------

    @workflow.update(name="changeItem")
    async def change_item(self, change: ItemChange | None = None, *surplus: object) -> OrderReport:
        """Replace one line, and take or refund the difference in price.

        Refuse the change if the preparation has started.
        """
        await self._changes.ask(parsing.item_change, change, *surplus)
        return self.status()

    @change_item.validator
    def _validate_change_item(self, change: ItemChange | None = None, *surplus: object) -> None:
        parsing.item_change(change, *surplus)
        if self._status not in CHANGEABLE or self._cancelled_because is not None:
            raise self._too_late()

    async def _process_changes(self) -> None:
        """Process the waiting changes, and all changes that arrive within the order's change window."""
        closing = workflow.time() + self._order.change_window
        while self._changes or (left := closing - workflow.time()) > 0:
            if not self._changes:
                try:
                    await workflow.wait_condition(lambda: bool(self._changes), timeout=left)
                except TimeoutError:
                    continue
            await self._change(await self._changes.receive())

    async def _change(self, envelope: Envelope[ItemChange]) -> None:
        try:
            items = menu.changed(self._order.items, envelope.message)
            difference = menu.total(items) - menu.total(self._order.items)
            if difference:
                await self._take_difference(difference)
        except Refused as refusal:
            envelope.refuse(refusal)
        except (ActivityError, asyncio.CancelledError):
            envelope.refuse(self._too_late())
            raise
        else:
            self._order.items, self._order.total = items, menu.total(items)
            envelope.answer(None)

    async def _take_difference(self, amount: int) -> None:
        try:
            await self._take_payment(amount)
        except ActivityError as failure:
            self._stop_if_cancelled()
            await self._saga.undo_last()  # back to the payment before this change
            self._stop_if_cancelled()
            raise Refused(f"Cannot change the order; {why(failure)}") from failure

    async def _refuse_waiting_changes(self) -> None:
        while self._changes:
            (await self._changes.receive()).refuse(self._too_late())

    def _too_late(self) -> Refused:
        state = "being cancelled" if self._cancelled_because is not None else self._status
        possible = " or ".join(CHANGEABLE)
        return Refused(f"Cannot change order {self._order.order_id}; it is {state}, expected {possible}")

    # ---- queries ----------------------------------------------------------------------------------------------

    @workflow.query
    def status(self) -> OrderReport:
        """Return the order's status, its items and its payments."""
        order = self._order
        return OrderReport(
            order_id=order.order_id,
            status=self._status,
            items=order.items,
            total=menu.total(order.items),
            paid=self._paid,
            transaction_ids=self._transaction_ids,
            points=self._points,
            reason=self._reason,
        )

    @workflow.query
    def progress(self) -> OrderProgress:
        """Return the finished steps, the undone steps and the current step."""
        steps, saga = self._steps, self._saga
        return OrderProgress(self._status, steps.done, steps.doing, saga.undone, saga.undoing, self._reason)
