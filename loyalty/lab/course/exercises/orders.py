"""Exercises about coffee orders, in notebooks 11 and 12."""

from __future__ import annotations

from functools import partial

from loyalty.coffee.messages import (
    PROCESS_PAYMENT,
    REFUND_PAYMENT,
    TASK_QUEUE,
    UPDATE_INVENTORY,
    WORKFLOW_TYPE,
    OrderStatus,
    order_workflow_id,
)
from loyalty.lab.client.notices import counted
from loyalty.lab.course.exercises.evidence import payloads
from loyalty.lab.course.exercises.evidence.tries import Kind, Try, check_tries
from loyalty.lab.course.exercises.not_yet import NotYet, require

TWO = 2
"""The exercise needs two payments and two products."""


async def two_payments(order: Try) -> str:
    """Check that an order is completed. The order must have two products and two payments.

    At least one payment must have needed a second attempt.
    """
    if order.is_running:
        raise NotYet(f"the order {order.id} has not ended yet", "Await the order's result(), then run this cell again")
    newest = await order.newest_event()
    result = newest.workflow_execution_completed_event_attributes.result
    report = payloads.first_object(result)
    require(bool(report), f"event {newest.event_id} of {order.id} ends it without a report")
    reason, frame = report.get("reason"), await order.frame()
    payments = frame[frame.name == PROCESS_PAYMENT]
    require(len(payments) > 0, f"the order {order.id} was refused: {reason}")
    require("placed before" not in str(reason), "an order id can be used only once, and an earlier order has this id")
    attempts = payments[payments.type == "ActivityTaskStarted"].attempt.dropna()
    last = int(attempts.max()) if len(attempts) else 0
    booked = int((payments.type == "ActivityTaskCompleted").sum())
    completed, status = report.get("status") == "COMPLETED", report.get("status")
    require(status != OrderStatus.CANCELLED, f"the order {order.id} ended as {status} ({reason}), expected COMPLETED")
    require(completed or booked > 0, f"the order {order.id} ended as {status}, without a payment: {reason}")
    require(last > 1, 'found one attempt of each payment, expected a second attempt: write "lose the receipt" in notes')
    require(
        booked >= TWO,
        f"found {counted(booked, 'booked payment')}, expected two: changeItem pays the difference between two prices, "
        "and must arrive within the order's change_window",
    )
    require(completed, f"the order {order.id} ended as {status} ({reason}), expected COMPLETED")
    products = (await order.input()).get("items")
    require(
        isinstance(products, list) and len(products) >= TWO, f"event 1 places {order.id} with one product, expected two"
    )
    return f"{booked} payments, one of them at attempt {last}, and the order is completed"


async def terminated_not_undone(order: Try) -> str:
    """Check that an order was terminated after a payment and before the refund."""
    newest = await order.newest_event()
    require(
        newest.HasField("workflow_execution_terminated_event_attributes"),
        f"event {newest.event_id}, the newest event of {order.id}, does not terminate the order",
        "Call `terminate()` of the order's handle: cancel() sends a request to the workflow, and terminate() ends the "
        "workflow immediately",
    )
    frame = await order.frame()
    of = {name: frame[frame.name == name].type for name in (PROCESS_PAYMENT, REFUND_PAYMENT)}
    paid = int((of[PROCESS_PAYMENT] == "ActivityTaskCompleted").sum())
    begun, given = (int((of[REFUND_PAYMENT] == f"ActivityTask{what}").sum()) for what in ("Scheduled", "Completed"))
    require(
        paid > given,
        f"event {newest.event_id} terminated the order after {counted(paid, 'payment')} and "
        f"{counted(given, 'refund')}, so the shop has kept no money",
    )
    served = int(((frame.name == UPDATE_INVENTORY) & (frame.type == "ActivityTaskCompleted")).sum())
    require(served == 0, f"event {newest.event_id} terminated the order after the shop had served the coffee")
    return (
        f"event {newest.event_id} is the last event; the workflow began {counted(begun, 'refund')} and completed "
        f"{given}. Termination undoes nothing, and the shop has kept the money"
    )


ORDER = Kind(order_workflow_id, WORKFLOW_TYPE, TASK_QUEUE, "place your next try as {}")
STUCK = Kind(
    order_workflow_id,
    WORKFLOW_TYPE,
    TASK_QUEUE,
    "get another order stuck with `await orchestrate(lab, {}, trouble)`, and terminate that order after its payment",
)

EXERCISES = {
    "two payments": partial(
        check_tries,
        name="monday",
        kind=ORDER,
        missing="Did you `await` the order's start, with the order id 'monday' and id=order_workflow_id('monday')?",
        is_done=two_payments,
    ),
    "terminated, not undone": partial(
        check_tries,
        name="o-stuck",
        kind=STUCK,
        missing="Run the first cells and the cells under 'Why is it stuck?': these cells make the order 'o-stuck'",
        is_done=terminated_not_undone,
    ),
}
