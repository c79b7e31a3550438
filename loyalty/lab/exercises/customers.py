"""Exercises about customers, notebooks 00 to 06."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from temporalio.client import Client

from loyalty import parsing
from loyalty.lab.exercises.hints import require
from loyalty.lab.exercises.tries import Check, Kind, Try, arguments, check_tries
from loyalty.messages import SEND_EMAIL, TASK_QUEUE, WORKFLOW_TYPE, workflow_id
from loyalty.tiers import TIERS

SILVER = TIERS[1]
FIRST_EVENTS = 3
"""Within so many events from the start, a signal came with the start."""


async def _points(customer: Try) -> int:
    return int((await customer.query("getStatus"))["points"])


def _start(customer: Try) -> dict[str, Any]:
    """Return the customer in the start input; empty if the input is no such object."""
    given = arguments(customer.events[0].workflow_execution_started_event_attributes.input)
    person = given[0].get("customer") if given and isinstance(given[0], dict) else None
    return person if isinstance(person, dict) else {}


def _purchases(customer: Try) -> tuple[list[int], str]:
    """Return the points of the addPoints signals that a customer accepts, and a clause about the first ignored one."""
    accepted, ignored = list[int](), ""
    for event in customer.signals("addPoints"):
        given = arguments(event.workflow_execution_signaled_event_attributes.input)
        try:
            accepted.append(parsing.add_points(*(given or [0])).points)
        except parsing.Refused as refusal:
            ignored = ignored or f"; the customer ignored event {event.event_id} ({refusal})"
    return accepted, ignored


async def _grace_starts_as_silver(grace: Try) -> str:
    signals = len(list(grace.signals()))
    require(signals == 0, f"the history of {grace.handle.id} has {signals} signals, expected 0")
    points = await _points(grace)
    require(
        points >= SILVER.minimum_points,
        f"{grace.handle.id} has {points:,} points and no signal; Silver begins at {SILVER.minimum_points:,}, and "
        "Customer(...) takes points=...",
    )
    return f"Grace started as a {SILVER.name} customer, and her history has no signal: the input alone did it"


async def _linus_falls_back(linus: Try) -> str:
    bought, ignored = _purchases(linus)
    updates = linus.frame[linus.frame.type == "WorkflowExecutionUpdateAccepted"]
    asked = f"; event {updates.event_id.iloc[0]} is an update, not a signal" if len(updates) else ""
    send = "Send points with `await linus.signal(CustomerLoyaltyWorkflow.add_points, ...)`, as a number without quotes"
    require(len(bought) > 0, f"found no addPoints signal that counts{ignored}{asked}", send)
    reached, points = list[int](), 0
    for number in bought:
        points = max(0, points + number)
        reached.append(points)
    require(
        max(reached) >= SILVER.minimum_points,
        f"the signals {bought[:10]} never made him Silver, which begins at {SILVER.minimum_points:,} points{ignored}",
        send,
    )
    back = "A returned purchase is the signal addPoints with negative points"
    require(min(bought) < 0, f"found the purchases {bought[:10]}, and no returned one{ignored}", back)
    points = await _points(linus)
    require(
        points < SILVER.minimum_points, f"{linus.handle.id} has {points:,} points and is still Silver{ignored}", back
    )
    require(
        not any(linus.signals("cancelAccount")), f"{linus.handle.id} has {points:,} points, but his account was closed"
    )
    return f"Linus rose and fell by {len(bought)} signals, and has {points:,} points"


async def _hedy_goes_to_a_concert(hedy: Try) -> str:
    ticket = "concert ticket"
    redeem = f'`await hedy.execute_update(CustomerLoyaltyWorkflow.redeem_reward, "{ticket}")` asks for it'
    found = ""
    for event in hedy.events:
        ended = event.workflow_execution_update_completed_event_attributes
        if not event.HasField("workflow_execution_update_completed_event_attributes"):
            continue
        answer = arguments(ended.outcome.success)
        if answer and isinstance(answer[0], dict) and answer[0].get("reward") == ticket:
            return f"event {event.event_id} of her history is the receipt: {answer[0]}"
        said = ended.outcome.failure.message or answer
        found = f"event {event.event_id} is an answer, but no receipt for a {ticket}: {said}"
    require(not found, found, redeem)
    for event in hedy.signals("redeemReward"):
        require(False, f"event {event.event_id} is the signal redeemReward, and a signal has no answer", redeem)
    points = await _points(hedy)
    require(
        points >= TIERS[2].minimum_points,
        f"found no answered update; she has {points:,} points, and a {ticket} needs Gold, which begins at "
        f"{TIERS[2].minimum_points:,}. A refused update leaves no event",
        "Send her points first",
    )
    require(False, f"found no answered update; she has {points:,} points, which is enough", redeem)
    raise AssertionError("unreachable")


async def _ida_is_invited(ida: Try) -> str:
    started = ida.events[0].workflow_execution_started_event_attributes
    parent = started.parent_workflow_execution.workflow_id
    id = ida.handle.id
    require(not parent, f"event 1 of {id} names the parent {parent}: a child of a household is not a guest")
    first = next(ida.signals(), None)
    invited = (
        first is not None
        and first.event_id <= FIRST_EVENTS
        and first.workflow_execution_signaled_event_attributes.signal_name == "ensureMinimumStatus"
        and started.identity != ida.client.identity
    )
    require(
        invited,
        f"event 1 of {id} is a start by {started.identity}, without an invitation. A guest's history begins with a "
        "start by a worker and the signal ensureMinimumStatus",
    )
    return "Ida was brought to life by signal-with-start, and her history shows it in its first two events"


async def _a_second_attempt(radia: Try) -> str:
    mails = radia.frame[radia.frame.name == SEND_EMAIL]
    tried = int((mails.type == "ActivityTaskScheduled").sum())
    require(bool(_start(radia).get("email")), "event 1 starts her without an e-mail address; Customer takes email=...")
    require(tried > 0, "found no e-mail in her history", "Send her a purchase")
    sent = mails[mails.type == "ActivityTaskCompleted"][["run", "refers_to"]]
    late = mails[(mails.type == "ActivityTaskStarted") & (mails.attempt > 1)]
    in_the_end = late.merge(sent, on=["run", "refers_to"])
    if len(in_the_end) > 0:
        first = in_the_end.iloc[0]
        return f"event {first.event_id} of her history says that attempt {first.attempt} sent the e-mail"
    ended = mails.type.str.fullmatch("ActivityTask(Completed|Failed|TimedOut|Canceled)").sum()
    require(
        ended == tried,
        f"{tried - ended} of her {tried} e-mails is still being tried",
        "`lab.inbox.start()` opens the inbox (and `lab.worker.start()` the worker); then run this cell again",
    )
    outage = "Stop the inbox, send a purchase, and start the inbox when the first attempt has failed"
    require(len(late) > 0, f"all {tried} of her e-mails arrived at the first attempt", outage)
    event = late.iloc[-1]
    require(False, f"event {event.event_id} is attempt {event.attempt} of an e-mail that never arrived", outage)
    raise AssertionError("unreachable")


async def _lean_purchases(lean: Try) -> str:
    bought, ignored = _purchases(lean)
    purchases, events_each = 200, 2
    require(
        len(bought) >= purchases,
        f"found {len(bought)} purchases by the signal addPoints, expected at least {purchases}{ignored}",
        "Send her more of them, with `asyncio.gather`",
    )
    per_purchase = len(lean.frame) / len(bought)
    require(
        per_purchase <= events_each,
        f"{len(lean.frame):,} events for {len(bought)} purchases are {per_purchase:.1f} each, expected at most "
        f"{events_each}: signals that arrive together share their other events; asyncio.gather(...) does that",
    )
    return f"{len(bought)} purchases took {len(lean.frame):,} events, {per_purchase:.2f} each"


async def _four_runs(phoenix: Try) -> str:
    bought, ignored = _purchases(phoenix)
    runs, purchases, lives = phoenix.frame.run.nunique(), 400, 4
    plus = sum(number > 0 for number in bought)
    require(
        plus >= purchases,
        f"found {plus} purchases by the signal addPoints over all runs, expected at least {purchases}{ignored}",
        "Send more of them",
    )
    require(
        runs >= lives,
        f"found {runs} runs with {len(phoenix.frame):,} events, expected at least {lives} runs; "
        "CustomerInput(...) takes history_threshold=..., and it has to be lower",
    )
    points = await _points(phoenix)
    require(
        points >= plus,
        f"{plus} purchases of at least one point make {points:,} points: some points were taken or spent",
        "Run this cell again if purchases are still on their way",
    )
    return f"{plus} purchases over {runs} runs, {points:,} points: nothing was lost"


CUSTOMER = Kind(workflow_id, WORKFLOW_TYPE, TASK_QUEUE, "start the next try with the customer id {}")
GUEST = Kind(workflow_id, WORKFLOW_TYPE, TASK_QUEUE, "let a Gold customer with a free place invite {}")


def _exercise(
    name: str, is_done: Check, kind: Kind = CUSTOMER, missing: str = ""
) -> Callable[[Client], Awaitable[str]]:
    missing = missing or f"Did you `await` the start, with id=workflow_id({name!r})?"
    return partial(check_tries, name=name, kind=kind, missing=missing, is_done=is_done)


EXERCISES = {
    "grace starts as Silver": _exercise("grace", _grace_starts_as_silver),
    "Linus falls back": _exercise("linus", _linus_falls_back),
    "Hedy goes to a concert": _exercise("hedy", _hedy_goes_to_a_concert),
    "Ida is invited": _exercise(
        "ida",
        _ida_is_invited,
        GUEST,
        "A customer with 1,000 points, who has fewer than two guests, brings her to life: "
        '`await host.signal(CustomerLoyaltyWorkflow.invite_guest, GuestInvitation("ida"))`',
    ),
    "a second attempt": _exercise("radia", _a_second_attempt),
    "lean purchases": _exercise("lean", _lean_purchases),
    "four runs": _exercise("phoenix", _four_runs),
}
