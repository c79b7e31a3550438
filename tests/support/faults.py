"""The sizes of the tests with faults, and the comparison of customers with their accepted purchases."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from loyalty.actor.run_length import EVENT_LIMIT
from loyalty.lab import settled
from loyalty.messages import DEFAULT_HISTORY_THRESHOLD, TASK_QUEUE, WORKFLOW_TYPE, Customer, CustomerInput, workflow_id
from tests.support.chaos import COUNT
from tests.support.helpers import Handle, events, status


@dataclass(frozen=True)
class Size:
    """The size of the tests: `seeds` is the number of plans, and `deadline` is the time for one plan in seconds."""

    purchases: int
    kills: int
    seeds: int
    deadline: float
    storm_seconds: float
    storm_senders: int
    server_kills: int


SIZE = {
    "short": Size(purchases=3_000, kills=20, seeds=1, deadline=240, storm_seconds=20, storm_senders=20, server_kills=3),
    "long": Size(
        purchases=10_000, kills=60, seeds=3, deadline=600, storm_seconds=60, storm_senders=50, server_kills=20
    ),
}[os.environ.get("LOYALTY_CHAOS", "short")]

TASK_TIMEOUT = timedelta(seconds=1)
"""The server's timeout for a Workflow Task of a killed worker. The default of 10 s would make the tests slow."""

REST_SECONDS = 60.0
"""Deadline for the remaining work after all messages were sent and all processes are up."""

TOO_LONG = EVENT_LIMIT // 3
"""No run may reach this number of events, even during a storm of signals."""


@contextmanager
def seed_in_errors(seed: int) -> Iterator[None]:
    """Add the seed to every error in the block."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"LOYALTY_CHAOS_SEED={seed} repeats this plan")
        raise


async def opens(
    client: Client,
    customer_id: str,
    *,
    threshold: int = DEFAULT_HISTORY_THRESHOLD,
    with_email: bool = True,
    task_timeout: timedelta | None = TASK_TIMEOUT,
) -> Handle:
    email = f"{customer_id}@example.com" if with_email else ""
    return await client.start_workflow(
        WORKFLOW_TYPE,
        CustomerInput(Customer(customer_id, email=email), history_threshold=threshold),
        id=workflow_id(customer_id),
        task_queue=TASK_QUEUE,
        task_timeout=task_timeout,
    )


async def all_settled(customers: Iterable[Handle]) -> None:
    await asyncio.gather(*(settled(customer, REST_SECONDS) for customer in customers))


@dataclass(frozen=True)
class Balance:
    """A customer's accepted purchases and the customer's points."""

    customer: str
    purchases: int
    bought: int
    points: int
    lifetime_points: int

    @property
    def is_correct(self) -> bool:
        return self.points == self.bought == self.lifetime_points

    @property
    def lost(self) -> int:
        return max(0, self.purchases - self.points % COUNT)

    @property
    def doubled(self) -> int:
        return max(0, self.points % COUNT - self.purchases)

    def __str__(self) -> str:
        return (
            f"{self.customer} made {self.purchases} purchases with {self.bought:,} points in all, but has counted "
            f"{self.points % COUNT} purchases with {self.points:,} points ({self.lifetime_points:,} lifetime points)"
        )


async def balances(customers: Sequence[Handle], accepted: Iterable[tuple[int, int]]) -> list[Balance]:
    """Return a balance for each customer.

    For each purchase, `accepted` contains the customer's number and the points.
    """
    bought: dict[int, list[int]] = {number: [] for number in range(len(customers))}
    for number, points in accepted:
        bought[number].append(points)
    seen = await asyncio.gather(*(status(customer) for customer in customers))
    return [
        Balance(customer.id, len(bought[number]), sum(bought[number]), answer["points"], answer["lifetime_points"])
        for number, (customer, answer) in enumerate(zip(customers, seen, strict=True))
    ]


def assert_all_correct(found: Iterable[Balance]) -> None:
    wrong = [str(balance) for balance in found if not balance.is_correct]
    assert not wrong, f"{len(wrong)} customers have wrong points: " + "; ".join(wrong[:5])


def summary(found: Sequence[Balance]) -> str:
    accepted, counted = sum(one.purchases for one in found), sum(one.points % COUNT for one in found)
    lost, doubled = sum(one.lost for one in found), sum(one.doubled for one in found)
    return f"{accepted:,} purchases accepted, {counted:,} counted, {lost:,} lost, {doubled:,} doubled"


async def histories_of(customer: Handle, client: Client) -> list[list[HistoryEvent]]:
    """Return the histories of all runs of a customer, oldest run first."""
    histories: list[list[HistoryEvent]] = []
    run_id: str | None = (await customer.describe()).run_id
    while run_id:
        histories.insert(0, await events(client.get_workflow_handle(customer.id, run_id=run_id)))
        run_id = histories[0][0].workflow_execution_started_event_attributes.continued_execution_run_id
    return histories
