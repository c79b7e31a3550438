"""Exercises about orders of the coffee shop, notebooks 11 and 12."""

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
from loyalty.lab.course.exercises.hints import NotYet, require

TWO = 2
"""Payments, and products."""


async def two_payments(order: Try) -> str:
    """Check that an order of two products was paid twice, once at a second attempt, and completed."""
    if order.is_running:
        raise NotYet(f"the order {order.id} has not ended yet", "Await its result(), then run this cell again")
    newest = await order.newest_event()
    result = newest.workflow_execution_completed_event_attributes.result
    report = payloads.first_object(result)
    require(bool(report), f"event {newest.event_id} of {order.id} ends it without a report")
    reason, frame = report.get("reason"), await order.frame()
    payments = frame[frame.name == PROCESS_PAYMENT]
    require(len(payments) > 0, f"the order {order.id} was refused: {reason}")
    require("placed before" not in str(reason), "an order's id is used once, and this one was placed before")
    attempts = payments[payments.type == "ActivityTaskStarted"].attempt.dropna()
    last = int(attempts.max()) if len(attempts) else 0
    booked = int((payments.type == "ActivityTaskCompleted").sum())
    completed, status = report.get("status") == "COMPLETED", report.get("status")
    require(status != OrderStatus.CANCELLED, f"the order {order.id} ended as {status} ({reason}), expected COMPLETED")
    require(completed or booked > 0, f"the order {order.id} ended as {status}, without a payment: {reason}")
    require(last > 1, 'found one attempt of each payment, expected a second one: the notes ask to "lose the receipt"')
    require(
        booked >= TWO,
        f"found {counted(booked, 'payment')} that was booked, expected two: changeItem pays the difference, within "
        "the order's change_window, and only if there is one",
    )
    require(completed, f"the order {order.id} ended as {status} ({reason}), expected COMPLETED")
    products = (await order.input()).get("items")
    require(
        isinstance(products, list) and len(products) >= TWO, f"event 1 places {order.id} with one product, expected two"
    )
    return f"{booked} payments, one of them at attempt {last}, and the order is completed"


async def terminated_not_undone(order: Try) -> str:
    """Check that an order was terminated after a payment that was not given back."""
    newest = await order.newest_event()
    require(
        newest.HasField("workflow_execution_terminated_event_attributes"),
        f"event {newest.event_id} of {order.id} is its newest, and it does not terminate the order",
        "Call `terminate()` of its handle: cancel() asks the Workflow, and terminate() does not",
    )
    frame = await order.frame()
    of = {name: frame[frame.name == name].type for name in (PROCESS_PAYMENT, REFUND_PAYMENT)}
    paid = int((of[PROCESS_PAYMENT] == "ActivityTaskCompleted").sum())
    begun, given = (int((of[REFUND_PAYMENT] == f"ActivityTask{what}").sum()) for what in ("Scheduled", "Completed"))
    require(
        paid > given,
        f"event {newest.event_id} terminated it after {counted(paid, 'payment')} and "
        f"{counted(given, 'refund')}, so the shop has kept no money",
    )
    served = int(((frame.name == UPDATE_INVENTORY) & (frame.type == "ActivityTaskCompleted")).sum())
    require(served == 0, f"event {newest.event_id} terminated it after the order was served")
    return (
        f"event {newest.event_id} is its last; {begun} refund was begun and {given} were given: termination "
        "undoes nothing, and the shop has kept the money"
    )


ORDER = Kind(order_workflow_id, WORKFLOW_TYPE, TASK_QUEUE, "place your next try as {}")
STUCK = Kind(
    order_workflow_id,
    WORKFLOW_TYPE,
    TASK_QUEUE,
    "get another order stuck with `await orchestrate(lab, {}, trouble)`, and terminate that one once it has paid",
)

EXERCISES = {
    "two payments": partial(
        check_tries,
        name="monday",
        kind=ORDER,
        missing="Did you `await` its start, with the order's id 'monday' and id=order_workflow_id('monday')?",
        is_done=two_payments,
    ),
    "terminated, not undone": partial(
        check_tries,
        name="o-stuck",
        kind=STUCK,
        missing="Run the first cells and those under 'Why is it stuck?': they get 'o-stuck' stuck",
        is_done=terminated_not_undone,
    ),
}
