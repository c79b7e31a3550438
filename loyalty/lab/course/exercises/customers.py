"""Exercises about customers, in notebooks 00 to 06 and 10."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from temporalio.client import Client

from loyalty.lab.course.exercises.deliveries import delivered_three_times
from loyalty.lab.course.exercises.emails import a_second_attempt
from loyalty.lab.course.exercises.evidence.tries import Check, Kind, check_tries
from loyalty.lab.course.exercises.growth import four_runs, lean_purchases
from loyalty.lab.course.exercises.guests import ida_is_invited
from loyalty.lab.course.exercises.rewards import hedy_goes_to_a_concert
from loyalty.lab.course.exercises.status import grace_starts_as_silver, linus_falls_back
from loyalty.messages import TASK_QUEUE, WORKFLOW_TYPE, workflow_id

CUSTOMER = Kind(
    workflow_id,
    WORKFLOW_TYPE,
    TASK_QUEUE,
    "start the next try with the customer id {}, in Customer(...) and in the workflow's id",
)
GUEST = Kind(workflow_id, WORKFLOW_TYPE, TASK_QUEUE, "let a Gold customer with fewer than two guests invite {}")

INVITE = (
    "A customer with 1,000 points and fewer than two guests can invite her: "
    '`await host.signal(CustomerLoyaltyWorkflow.invite_guest, GuestInvitation("ida"))`'
)


def _exercise(
    name: str, is_done: Check, kind: Kind = CUSTOMER, missing: str = ""
) -> Callable[[Client], Awaitable[str]]:
    missing = missing or f"Did you `await` the start, with the customer id {name!r} and id=workflow_id({name!r})?"
    return partial(check_tries, name=name, kind=kind, missing=missing, is_done=is_done)


EXERCISES = {
    "grace starts as Silver": _exercise("grace", grace_starts_as_silver),
    "Linus falls back": _exercise("linus", linus_falls_back),
    "Hedy goes to a concert": _exercise("hedy", hedy_goes_to_a_concert),
    "Ida is invited": _exercise("ida", ida_is_invited, GUEST, INVITE),
    "a second attempt": _exercise("radia", a_second_attempt),
    "lean purchases": _exercise("lean", lean_purchases),
    "four runs": _exercise("phoenix", four_runs),
    "delivered three times": _exercise("frances", delivered_three_times),
}
