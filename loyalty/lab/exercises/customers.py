"""Exercises about customers, notebooks 00 to 06."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio.client import Client

from loyalty.lab import history
from loyalty.lab.exercises.hints import NotYet, described, require
from loyalty.lab.waiting import settled
from loyalty.messages import SEND_EMAIL, TASK_QUEUE, WORKFLOW_TYPE, workflow_id
from loyalty.tiers import TIERS
from loyalty.workflow import CustomerLoyaltyWorkflow

if TYPE_CHECKING:
    import pandas as pd

SIGNALED = "WorkflowExecutionSignaled"
FIRST_EVENTS = 3
"""Within so many events from the start, a signal came with the start."""


async def _history_of(client: Client, customer_id: str, *, at_rest: bool = True) -> pd.DataFrame:
    """Return the events of all runs of a customer, or raise NotYet with what is wrong with how it was started.

    Waits until the customer has nothing to do, unless the exercise is about work that may be held up.
    """
    handle = client.get_workflow_handle(workflow_id(customer_id))
    description = await described(handle)
    if description is None:
        raise NotYet(f"there is no workflow with the id {handle.id!r}. Did you pass id=workflow_id({customer_id!r})?")
    if description.workflow_type != WORKFLOW_TYPE:
        raise NotYet(f"{handle.id} is a {description.workflow_type}; start CustomerLoyaltyWorkflow.run instead")
    if description.task_queue != TASK_QUEUE:
        raise NotYet(
            f"event 1 of {handle.id} names the task queue {description.task_queue!r}, where no worker looks. "
            f"`await client.get_workflow_handle({handle.id!r}).terminate()`, then start it with task_queue=TASK_QUEUE"
        )
    if at_rest:
        await settled(handle)  # signals that wait on the server are not in the history yet
    return await history.frame(handle)


async def _points(client: Client, customer_id: str) -> int:
    handle = client.get_workflow_handle_for(CustomerLoyaltyWorkflow.run, workflow_id(customer_id))
    return (await handle.query(CustomerLoyaltyWorkflow.get_status)).points


async def _grace_starts_as_silver(client: Client) -> str:
    events = await _history_of(client, "grace")
    points = await _points(client, "grace")
    silver = TIERS[1]
    require(
        points >= silver.minimum_points,
        f"Grace has {points:,} points; Silver begins at {silver.minimum_points:,}. "
        "Customer(...) takes points=..., and a customer that starts with points starts at that tier",
    )
    signals = int((events.type == SIGNALED).sum())
    require(signals == 0, f"found {signals} signals in her history, expected 0: give her the points with her start")
    return f"Grace started as a {silver.name} customer, and her history has no signal: the input alone did it"


async def _linus_falls_back(client: Client) -> str:
    events = await _history_of(client, "linus")
    signals = events[(events.type == SIGNALED) & (events.name == "addPoints")]
    bought = [int(detail.split(",")[0]) for detail in signals.detail]
    require(len(bought) > 0, "found no addPoints signal in his history, expected two: a purchase and its return")
    require(
        max(sum(bought[: n + 1]) for n in range(len(bought))) >= TIERS[1].minimum_points,
        f"his purchases {bought} never reached Silver, which begins at {TIERS[1].minimum_points:,} points",
    )
    require(min(bought) < 0, f"found the purchases {bought}; a returned purchase is a signal with negative points")
    points = await _points(client, "linus")
    require(points < TIERS[1].minimum_points, f"Linus has {points:,} points and is still Silver: return more, or again")
    return f"Linus rose and fell by {len(bought)} signals, and has {points:,} points"


async def _hedy_goes_to_a_concert(client: Client) -> str:
    events = await _history_of(client, "hedy")
    answers = events[events.type == "WorkflowExecutionUpdateCompleted"]
    require(
        len(answers) > 0,
        "found no answered update in her history. A refused one leaves no event: has she the points and the status? "
        f"She has {await _points(client, 'hedy'):,} points",
    )
    receipts = answers[(answers.name == "redeemReward") & answers.detail.str.contains("concert ticket", na=False)]
    require(
        len(receipts) > 0,
        f"found answers to {', '.join(answers.name)}, but no receipt for a concert ticket: the update is redeemReward",
    )
    return f"event {receipts.event_id.iloc[0]} of her history is the receipt: {receipts.detail.iloc[0]}"


async def _ida_is_invited(client: Client) -> str:
    events = await _history_of(client, "ida")
    first = events[events.type == SIGNALED].head(1)
    require(
        len(first) == 1 and first.name.iloc[0] == "ensureMinimumStatus" and first.event_id.iloc[0] <= FIRST_EVENTS,
        "Ida is alive, but nobody invited her: a guest's history begins with a start and the signal "
        "ensureMinimumStatus. Let a Gold customer invite her, and choose a customer id that is free",
    )
    return "Ida was brought to life by signal-with-start, and her history shows it in its first two events"


async def _a_second_attempt(client: Client) -> str:
    events = await _history_of(client, "radia", at_rest=False)
    mails = events[events.name == SEND_EMAIL]
    ended = mails[mails.type.isin(["ActivityTaskCompleted", "ActivityTaskFailed"])]
    tried = int((mails.type == "ActivityTaskScheduled").sum())
    require(tried > 0, "found no e-mail in her history: has she an address? Customer(...) takes email=...")
    require(
        len(ended) == tried,
        f"{tried - len(ended)} of her {tried} e-mails is still being tried: is the inbox open? `lab.inbox.start()`",
    )
    late = mails[(mails.type == "ActivityTaskStarted") & (mails.attempt > 1)]
    require(
        len(late) > 0,
        f"all {tried} of her e-mails arrived at the first attempt: stop the inbox before she buys something",
    )
    in_the_end = late[late.refers_to.isin(ended.refers_to[ended.type == "ActivityTaskCompleted"])]
    require(
        len(in_the_end) > 0,
        f"her e-mail was given up after {late.attempt.max()} attempts, half a minute: start the inbox earlier",
    )
    first = in_the_end.iloc[0]
    return f"event {first.event_id} of her history says that attempt {first.attempt} sent the e-mail"


async def _lean_purchases(client: Client) -> str:
    events = await _history_of(client, "lean")
    signals = int((events.type == SIGNALED).sum())
    purchases, events_each = 200, 2
    require(signals >= purchases, f"found {signals} signals, expected at least {purchases}")
    per_purchase = len(events) / signals
    require(
        per_purchase <= events_each,
        f"{len(events):,} events for {signals} purchases are {per_purchase:.1f} each, expected at most {events_each}: "
        "signals that arrive together share their other events; asyncio.gather(...) sends them together",
    )
    return f"{signals} purchases took {len(events):,} events, {per_purchase:.2f} each"


async def _four_runs(client: Client) -> str:
    events = await _history_of(client, "phoenix")
    runs = events.run.nunique()
    signals = int((events.type == SIGNALED).sum())
    purchases, lives = 400, 4
    require(signals >= purchases, f"found {signals} signals over all runs, expected at least {purchases}")
    require(
        runs >= lives,
        f"found {runs} runs, expected at least {lives}: CustomerInput(...) takes history_threshold=..., and "
        f"{len(events):,} events in all are not many thresholds",
    )
    points = await _points(client, "phoenix")
    require(
        points >= signals, f"{signals} purchases of at least one point make {points:,} points so far; ask again shortly"
    )
    return f"{signals} purchases over {runs} runs, {points:,} points: nothing was lost"


EXERCISES = {
    "grace starts as Silver": _grace_starts_as_silver,
    "Linus falls back": _linus_falls_back,
    "Hedy goes to a concert": _hedy_goes_to_a_concert,
    "Ida is invited": _ida_is_invited,
    "a second attempt": _a_second_attempt,
    "lean purchases": _lean_purchases,
    "four runs": _four_runs,
}
