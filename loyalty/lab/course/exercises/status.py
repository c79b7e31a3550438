"""Exercises about status: Grace starts as Silver. Linus becomes Silver, and later a Member again."""

from __future__ import annotations

from temporalio.api.enums.v1 import EventType

from loyalty.lab.client.notices import counted
from loyalty.lab.course.exercises.evidence.purchases import Ledger, ledger_of, points_at_start, points_now
from loyalty.lab.course.exercises.evidence.tries import Try
from loyalty.lab.course.exercises.not_yet import NotYet, require
from loyalty.tiers import TIERS, tier_of

SILVER = TIERS[1]


async def grace_starts_as_silver(grace: Try) -> str:
    """Check that Grace is Silver because of her start input, and that her history has no signal."""
    points = await points_at_start(grace)
    tier, signals = tier_of(points), await grace.signals()
    need = f"{SILVER.name} begins at {SILVER.minimum_points:,} points, and Customer(...) takes points=..."
    if signals:
        first = signals[0]
        name = first.workflow_execution_signaled_event_attributes.signal_name
        event = f"event {first.event_id} of {grace.id} is the signal {name}"
        found = f"found {counted(len(signals), 'signal')}, expected 0: {event}"
        require(tier == SILVER, f"{found}, and event 1 starts her as {tier.name}. {need}")
        raise NotYet(f"{found}; her start with {points:,} points was enough")
    require(tier == SILVER, f"event 1 starts {grace.id} with {points:,} points, as {tier.name}. {need}")
    return f"Grace started as a {SILVER.name} customer, and her history has no signal: the input alone did it"


SEND = "Send points with `await linus.signal(CustomerLoyaltyWorkflow.add_points, ...)`, as a number without quotes"
RETURN = "Send a returned purchase: the signal addPoints with negative points"


async def linus_falls_back(linus: Try) -> str:
    """Check that Linus became Silver, and later a Member again, because of signals.

    Linus's account must still be open.
    """
    ledger = await ledger_of(linus)
    rose = next((one for one in ledger.changes if one.before < SILVER.minimum_points <= one.after), None)
    if rose is None:
        raise NotYet(f"{await _why_never_silver(linus, ledger)}{ledger.ignored}{await _first_update(linus)}", SEND)
    fell = [one for one in ledger.changes if one.event_id > rose.event_id and one.after < SILVER.minimum_points]
    asked = f"the signals {ledger.asked}" if len(ledger.changes) <= len(ledger.asked) else "his signals"
    points = await points_now(linus) if linus.is_running else ledger.changes[-1].after
    require(
        points < SILVER.minimum_points,
        f"{linus.id} has {points:,} points after {asked}, and is still Silver{ledger.ignored}",
        RETURN,
    )
    require(len(fell) > 0, f"{linus.id} is a Member again, but not by a signal{await _first_update(linus)}", SEND)
    require(linus.is_running, f"{asked} made him Silver and a Member again, but his account is not open any more")
    status = await linus.query("getStatus")
    require(status["account_active"], f"{asked} made him Silver and a Member again, but his account was closed")
    return f"{len(ledger.changes)} signals made Linus Silver and a Member again, and he has {points:,} points"


async def _why_never_silver(linus: Try, ledger: Ledger) -> str:
    points = await points_at_start(linus)
    if points >= SILVER.minimum_points:
        return f"event 1 starts {linus.id} with {points:,} points, so no signal made him Silver"
    if not ledger.changes:
        return f"found no signal that gives {linus.id} points"
    return f"the signals {ledger.asked} never made {linus.id} Silver, which begins at {SILVER.minimum_points:,} points"


async def _first_update(tried: Try) -> str:
    accepted = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
    updates = [event for event in await tried.events() if event.event_type == accepted]
    return f"; event {updates[0].event_id} is an update, not a signal" if updates else ""
