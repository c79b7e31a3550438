"""Exercises about orders of the coffee shop, notebooks 07 and 08."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio.client import Client

from loyalty.coffee.messages import PROCESS_PAYMENT, REFUND_PAYMENT, TASK_QUEUE, order_workflow_id
from loyalty.lab import history
from loyalty.lab.exercises.hints import NotYet, described, require

if TYPE_CHECKING:
    import pandas as pd


async def _order_history(client: Client, order_id: str) -> pd.DataFrame:
    """Return the events of an order of the coffee shop, or raise NotYet where there is none."""
    order = client.get_workflow_handle(order_workflow_id(order_id))
    description = await described(order)
    if description is None:
        raise NotYet(f"there is no workflow with the id {order.id!r}. Is the order's id {order_id!r}?")
    require(
        description.task_queue == TASK_QUEUE,
        f"event 1 of {order.id} names the task queue {description.task_queue!r}; orders have {TASK_QUEUE!r}",
    )
    return await history.frame(order)


async def _newest_try(client: Client, order_id: str) -> tuple[pd.DataFrame, str]:
    """Return the events of the newest one of `monday`, `monday-2`, `monday-3`, ..., and the next free id."""
    newest, number = order_id, 2
    while await described(client.get_workflow_handle(order_workflow_id(next_id := f"{order_id}-{number}"))):
        newest, number = next_id, number + 1
    return await _order_history(client, newest), next_id


async def _two_payments(client: Client) -> str:
    events, next_id = await _newest_try(client, "monday")
    ended = events[events.type == "WorkflowExecutionCompleted"]
    require(len(ended) > 0, "the order has not ended yet: await its result()")
    payments = events[events.name == PROCESS_PAYMENT]
    require(len(payments) > 0, f"the order was refused: {ended.detail.iloc[0]}")
    require(
        "placed before" not in ended.detail.iloc[0],
        f"an order's id is used once, and this one was placed before: place your next try as {next_id!r}",
    )
    first = payments[payments.type == "ActivityTaskStarted"].attempt.max()
    require(first > 1, "found one attempt of each payment, expected a second one: whose notes ask for a lost receipt?")
    booked = len(payments[payments.type == "ActivityTaskCompleted"])
    two = 2
    require(
        booked >= two,
        f"found {booked} payment that was booked, expected two: changeItem pays the difference, within the order's "
        "change_window, and only if there is one",
    )
    require('"COMPLETED"' in ended.detail.iloc[0], f"the order ended as {ended.detail.iloc[0]}, expected COMPLETED")
    return f"{booked} payments, one of them at attempt {first}, and the order is completed"


async def _terminated_not_undone(client: Client) -> str:
    events = await _order_history(client, "o-stuck")
    ended = events[events.type.str.startswith("WorkflowExecutionTerminated")]
    require(
        len(ended) == 1,
        f"the newest event of the order is {events.type.iloc[-1]}, expected WorkflowExecutionTerminated. "
        "Did you call terminate() of a handle of this order?",
    )
    refunds = events[events.name == REFUND_PAYMENT]
    begun, given = (int((refunds.type == f"ActivityTask{what}").sum()) for what in ("Scheduled", "Completed"))
    return (
        f"event {ended.event_id.iloc[0]} is its last; {begun} refund was begun and {given} were given: termination "
        "undoes nothing, and the shop has kept the money"
    )


EXERCISES = {
    "two payments": _two_payments,
    "terminated, not undone": _terminated_not_undone,
}
