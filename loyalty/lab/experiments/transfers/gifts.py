"""Transfers with gifts between customers, while worker processes crash. Each gift is one update `giftPoints`."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from loyalty.lab import history
from loyalty.lab.client.waiting import settled
from loyalty.lab.errors import LabError, WaitedTooLong
from loyalty.lab.experiments.transfers.gift_worker import TASK_QUEUE, TRANSFER, UPDATE_ID
from loyalty.lab.experiments.transfers.outcome import Moved, Outcome, audit
from loyalty.lab.experiments.transfers.planning import POINTS, Plan
from loyalty.lab.experiments.transfers.supervisor import GiftWorkers
from loyalty.lab.lab import Lab
from loyalty.messages import Customer, CustomerInput, Gift, workflow_id
from loyalty.workflow import CustomerLoyaltyWorkflow

COUPLES = 4
"""Pairs of one giver and one receiver. A crash delays only one pair. A pair makes one transfer at a time, so the worker
can find the number of the transfer."""

TASK_TIMEOUT = timedelta(seconds=1)
"""How long the server waits for a worker that has taken a task. With the usual 10 s, the experiment takes minutes."""

ANSWER_SECONDS = 60
RETRY_SECONDS = 0.2

Handle = WorkflowHandle[CustomerLoyaltyWorkflow, None]
Progress = Callable[[int], object]


@dataclass
class Couple:
    """A giver that starts with `points`, and a guest that receives the gifts."""

    giver: Handle
    receiver: Handle
    receiver_id: str
    points: int


async def by_gifts(lab: Lab, plan: Plan, *, progress: Progress | None = None) -> Outcome:
    """Make all transfers with gifts. Call `progress(1)` after each transfer."""
    started = time.monotonic()
    workers = GiftWorkers(lab, plan)
    moved = await workers.serve_until_done(make_all(lab, len(plan), progress))
    return audit("actor", moved, workers.crashes, time.monotonic() - started)


async def make_all(lab: Lab, transfers: int, progress: Progress | None) -> list[Moved]:
    """Make the transfers with several pairs of customers. Return the points that each transfer has moved."""
    couples = [await open_accounts(lab, number, transfers * POINTS) for number in range(1, COUPLES + 1)]
    numbers = iter(range(transfers))
    making = [asyncio.create_task(make(numbers, couple, progress)) for couple in couples]
    try:
        await asyncio.gather(*making)
    finally:
        for one in making:
            one.cancel()
    for couple in couples:  # all couples before the first query, because a query fails if its worker crashes
        await settled(couple.giver, ANSWER_SECONDS)
        await settled(couple.receiver, ANSWER_SECONDS)
    moved: dict[int, Moved] = {}
    for couple in couples:
        moved |= await moved_by(couple)
    return [moved.get(number, Moved(0, 0)) for number in range(transfers)]


async def make(transfers: Iterator[int], couple: Couple, progress: Progress | None) -> None:
    """Send all gift requests to the giver, one after the other."""
    for transfer in transfers:
        await ask_until_answered(couple.giver, Gift(couple.receiver_id, POINTS), f"{UPDATE_ID}{transfer}")
        if progress is not None:
            progress(1)


WORKERS_DIED = "Workflow Task in failed state"
"""The server's error for an update after several workers have crashed during its Workflow Task."""


async def ask_until_answered(giver: Handle, gift: Gift, id: str) -> None:
    """Request a gift, and repeat the request after a crash. The update id prevents a second gift."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        try:
            await giver.execute_update("giftPoints", gift, id=id)
            return
        except RPCError as error:
            if error.status != RPCStatusCode.FAILED_PRECONDITION or WORKERS_DIED not in error.message:
                raise
            await asyncio.sleep(RETRY_SECONDS)
    raise WaitedTooLong(f"Waited {ANSWER_SECONDS} s until {giver.id} answered {id}, but this did not happen")


async def moved_by(couple: Couple) -> dict[int, Moved]:
    """Return the points that each transfer has moved. Raise LabError if the histories show other numbers of points."""
    lost, gained = await gifts_of(couple.giver), await gifts_of(couple.receiver)
    left, received = await points_of(couple.giver), await points_of(couple.receiver)
    if (couple.points - left, received) != (lost.total() * POINTS, gained.total() * POINTS):
        raise LabError(
            f"The histories of {couple.giver.id} and {couple.receiver.id} contain {lost.total()} sent gifts and "
            f"{gained.total()} received gifts, but their balances are {left:,} of {couple.points:,}, and {received:,}"
        )
    return {number: Moved(lost[number] * POINTS, gained[number] * POINTS) for number in lost | gained}


async def gifts_of(customer: Handle) -> Counter[int]:
    """Count a customer's gifts in the customer's history. The keys are the numbers of the transfers."""
    count: Counter[int] = Counter()
    for run in await history.fetch(customer):
        for event in run.events:
            sent = event.signal_external_workflow_execution_initiated_event_attributes
            received = event.workflow_execution_signaled_event_attributes
            for header in (sent.header, received.header):
                if TRANSFER in header.fields:
                    count[int(header.fields[TRANSFER].data)] += 1
    return count


async def points_of(customer: Handle) -> int:
    """Return the customer's current points."""
    return (await customer.query(CustomerLoyaltyWorkflow.get_status)).points


async def open_accounts(lab: Lab, number: int, points: int) -> Couple:
    """Open two accounts: a giver with `points`, and a receiver without points."""
    receiver_id = f"receiver-{number}"
    giver = await open_account(lab, Customer(f"giver-{number}", points=points, guests=[receiver_id]))
    return Couple(giver, await open_account(lab, Customer(receiver_id)), receiver_id, points)


async def open_account(lab: Lab, customer: Customer) -> Handle:
    """Open an account. If the workflow of an earlier experiment still runs, terminate this workflow first."""
    return await lab.client.start_workflow(
        CustomerLoyaltyWorkflow.run,
        CustomerInput(customer),
        id=workflow_id(customer.customer_id),
        task_queue=TASK_QUEUE,
        task_timeout=TASK_TIMEOUT,
        id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
    )
