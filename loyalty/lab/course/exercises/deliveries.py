"""The exercise about a queue: Frances receives the same purchase three times."""

from __future__ import annotations

from loyalty.lab.course.exercises.evidence.purchases import ledger_of, points_at_start, points_now
from loyalty.lab.course.exercises.evidence.tries import Try
from loyalty.lab.course.exercises.not_yet import require

DELIVERIES, POINTS = 3, 100

SEND = f'Send it with `await frances.signal(CustomerLoyaltyWorkflow.add_points, args=[{POINTS}, None, "purchase-1"])`'


async def delivered_three_times(frances: Try) -> str:
    """Check that Frances received one purchase three times, but got points only once."""
    ledger = await ledger_of(frances)
    require(len(ledger.changes) > 0, f"found no signal that gives {frances.id} points{ledger.ignored}", SEND)
    event = ledger.changes[0].event_id
    require(
        len(ledger.deliveries) > 0,
        f"event {event} of {frances.id} has no transaction id, so every delivery counts, and she has "
        f"{ledger.changes[-1].after:,} points",
    )
    transaction, times = ledger.deliveries.most_common(1)[0]
    require(
        len(ledger.changes) == 1,
        f"{len(ledger.changes)} purchases of {frances.id} count, expected 1: {ledger.asked}. Purchases with the same "
        "transaction id count once",
    )
    require(
        ledger.changes[0].points == POINTS,
        f"event {event} of {frances.id} is a purchase of {ledger.changes[0].points:,} points, expected {POINTS}",
    )
    require(
        times >= DELIVERIES,
        f"found {times} of {DELIVERIES} deliveries of the transaction {transaction!r}{ledger.ignored}",
        SEND.replace("purchase-1", transaction),
    )
    points = await points_now(frances) if frances.is_running else ledger.changes[0].after
    bought = points - await points_at_start(frances)
    require(bought == POINTS, f"{frances.id} has {points:,} points, {bought:,} more than at her start")
    return f"the transaction {transaction!r} was delivered {times} times, and Frances got its {POINTS} points once"
