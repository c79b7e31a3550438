"""Exercises about orders of the coffee shop, notebooks 07 and 08."""

from __future__ import annotations

from functools import partial

from loyalty.coffee.messages import PROCESS_PAYMENT, REFUND_PAYMENT, TASK_QUEUE, WORKFLOW_TYPE, order_workflow_id
from loyalty.lab.exercises.hints import require
from loyalty.lab.exercises.tries import Kind, Try, arguments, check_tries


async def _two_payments(order: Try) -> str:
    frame = order.frame
    ended = frame.type.iloc[-1] == "WorkflowExecutionCompleted"
    closed = ended or frame.type.str.fullmatch("WorkflowExecution(Terminated|Failed|Canceled|TimedOut)").any()
    require(
        bool(closed),
        f"the order has not ended yet; its newest event is {frame.event_id.iloc[-1]}, {frame.type.iloc[-1]}",
        "Await its result(), and see that the shop's worker runs",
    )
    require(ended, f"the order ended with {frame.type.iloc[-1]}, expected its result")
    result = arguments(order.events[-1].workflow_execution_completed_event_attributes.result)
    report = result[0] if result and isinstance(result[0], dict) else {}
    reason, status = report.get("reason"), report.get("status")
    payments = frame[frame.name == PROCESS_PAYMENT]
    require(len(payments) > 0, f"the order was refused: {reason}")
    require("placed before" not in str(reason), "an order's id is used once, and this one was placed before")
    attempts = payments[payments.type == "ActivityTaskStarted"].attempt.dropna()
    first = int(attempts.max()) if len(attempts) else 0
    require(first > 1, "found one attempt of each payment, expected a second one: notes ask for a lost receipt")
    booked, two = int((payments.type == "ActivityTaskCompleted").sum()), 2
    require(
        booked >= two,
        f"found {booked} payment that was booked, expected two: changeItem pays the difference, within the order's "
        "change_window, and only if there is one",
    )
    require(status == "COMPLETED", f"the order ended as {status} ({reason}), expected COMPLETED")
    return f"{booked} payments, one of them at attempt {first}, and the order is completed"


async def _terminated_not_undone(order: Try) -> str:
    last, event_id = order.frame.type.iloc[-1], order.frame.event_id.iloc[-1]
    require(
        last == "WorkflowExecutionTerminated",
        f"the newest event of {order.handle.id} is {event_id}, {last}, expected WorkflowExecutionTerminated",
        "Call `terminate()` of its handle; cancel() asks the Workflow, and terminate() does not",
    )
    of = {name: order.frame[order.frame.name == name].type for name in (PROCESS_PAYMENT, REFUND_PAYMENT)}
    paid = int((of[PROCESS_PAYMENT] == "ActivityTaskCompleted").sum())
    begun, given = (int((of[REFUND_PAYMENT] == f"ActivityTask{what}").sum()) for what in ("Scheduled", "Completed"))
    require(
        paid > given,
        f"event {event_id} terminated it after {paid} payments and {given} refunds: the shop has kept no money",
    )
    return (
        f"event {event_id} is its last; {begun} refund was begun and {given} were given: termination "
        "undoes nothing, and the shop has kept the money"
    )


ORDER = Kind(order_workflow_id, WORKFLOW_TYPE, TASK_QUEUE, "place your next try as {}")
STUCK = Kind(
    order_workflow_id, WORKFLOW_TYPE, TASK_QUEUE, "get another order stuck: `await orchestrate(lab, {}, trouble)`"
)

EXERCISES = {
    "two payments": partial(
        check_tries, name="monday", kind=ORDER, missing="Is the order's id 'monday'?", is_done=_two_payments
    ),
    "terminated, not undone": partial(
        check_tries,
        name="o-stuck",
        kind=STUCK,
        missing="Run the cells under 'Why is it stuck?' first",
        is_done=_terminated_not_undone,
    ),
}
