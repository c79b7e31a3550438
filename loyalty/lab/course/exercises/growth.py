"""Exercises about the growth of a history: few events per purchase, and a customer with four runs."""

from __future__ import annotations

from loyalty.lab.client.notices import counted
from loyalty.lab.course.exercises.evidence.purchases import ledger_of, points_now
from loyalty.lab.course.exercises.evidence.tries import Try
from loyalty.lab.course.exercises.not_yet import require

LEAN_PURCHASES, LEAN_EVENTS = 200, 2
"""The exercise needs at least 200 purchases, with at most 2 events per purchase."""

PHOENIX_PURCHASES, PHOENIX_RUNS = 400, 4


async def lean_purchases(lean: Try) -> str:
    """Check that the history has many purchases and few events per purchase."""
    ledger = await ledger_of(lean)
    purchases, events = len(ledger.bought), len(await lean.events())
    require(
        purchases >= LEAN_PURCHASES,
        f"found {counted(purchases, 'purchase')} by the signal addPoints, expected at least "
        f"{LEAN_PURCHASES}{ledger.ignored}",
        "Send more purchases at once, with `asyncio.gather`",
    )
    require(
        events <= purchases * LEAN_EVENTS,
        f"{events:,} events for {counted(purchases, 'purchase')} are {events / purchases:.1f} each, expected at most "
        f"{LEAN_EVENTS}. Signals that arrive together share the events of one Workflow Task",
        "Send more purchases at once, with `asyncio.gather`",
    )
    return f"{purchases:,} purchases took {events:,} events, {events / purchases:.2f} each"


async def four_runs(phoenix: Try) -> str:
    """Check that the customer has enough runs and that no purchase was lost."""
    ledger = await ledger_of(phoenix)
    purchases, runs = len(ledger.bought), len(await phoenix.runs())
    require(
        runs >= PHOENIX_RUNS or purchases >= PHOENIX_PURCHASES,
        f"found {counted(purchases, 'purchase')} by the signal addPoints in {counted(runs, 'run')}, expected at least "
        f"{PHOENIX_PURCHASES} in {PHOENIX_RUNS}{ledger.ignored}",
        "Send more purchases",
    )
    require(
        runs >= PHOENIX_RUNS,
        f"found {counted(runs, 'run')} with {len(await phoenix.events()):,} events, expected at least "
        f"{PHOENIX_RUNS} runs. CustomerInput(...) takes history_threshold=..., and a lower threshold makes more runs",
    )
    require(
        purchases >= PHOENIX_PURCHASES,
        f"found {counted(purchases, 'purchase')} by the signal addPoints over {runs} runs, expected at least "
        f"{PHOENIX_PURCHASES}{ledger.ignored}",
        "Send more purchases",
    )
    points = await points_now(phoenix)
    require(
        points >= sum(change.points for change in ledger.bought),
        f"{purchases} purchases brought {sum(change.points for change in ledger.bought):,} points, and {phoenix.id} "
        f"has {points:,}: some points were returned or spent",
    )
    return f"{purchases} purchases over {runs} runs, {points:,} points: nothing was lost"
