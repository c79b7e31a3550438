"""Gifts neither create nor destroy points, even while accounts are closed and workers are restarted.

The sum includes the remaining points of closed accounts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from loyalty.activities import LoyaltyActivities
from loyalty.messages import WORKFLOW_TYPE, workflow_id
from loyalty.workflow import CustomerLoyaltyWorkflow
from tests.support.helpers import Handle, Shop, ends, eventually, fresh_namespace, points, status

pytestmark = pytest.mark.slow

GUESTS = {0: (1, 2), 1: (3, 4), 2: (5, 6), 3: (7, 8), 4: (9, 0)}
"""The guests of ten customers. The guests form a tree, except that customer 4 has also invited customer 0."""

CUSTOMERS, POINTS_OF_EACH = 10, 1_000


@dataclass(frozen=True)
class Give:
    """A customer gifts points to a guest. The gift may be refused or returned."""

    giver: int
    guest: int
    points: int


@dataclass(frozen=True)
class Close:
    """A customer closes the account."""

    customer: int


@dataclass(frozen=True)
class Restart:
    """The worker stops and another worker starts."""


Event: TypeAlias = Give | Close | Restart

PAIRS = [(giver, guest) for giver, guests in GUESTS.items() for guest in guests]

gifts = st.builds(
    lambda pair, amount: Give(pair[0], pair[1], amount), st.sampled_from(PAIRS), st.integers(1, POINTS_OF_EACH)
)
closures = st.builds(Close, st.integers(0, CUSTOMERS - 1))
days = st.lists(st.one_of(gifts, gifts, gifts, gifts, closures, st.just(Restart())), max_size=30)

STICKY_TIMEOUT = timedelta(milliseconds=200)
TASK_TIMEOUT = timedelta(seconds=1)
"""Timeouts of a Workflow Task whose worker has stopped: before and after the task started on the worker. With the
default of 10 s for both, the test would take minutes."""


def worker_of(shop: Shop) -> Worker:
    activities = LoyaltyActivities(shop.client, shop.mails)
    return Worker(
        shop.client,
        task_queue=shop.task_queue,
        workflows=[CustomerLoyaltyWorkflow],
        activities=[activities.send_email, activities.start_guest],
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
    )


def name(number: int) -> str:
    return f"customer{number}"


async def opens(shop: Shop, number: int) -> Handle:
    guests = [name(guest) for guest in GUESTS.get(number, ())]
    return await shop.client.start_workflow(
        WORKFLOW_TYPE,
        {"customer": {"customer_id": name(number), "points": POINTS_OF_EACH, "guests": guests}},
        id=workflow_id(name(number)),
        task_queue=shop.task_queue,
        task_timeout=TASK_TIMEOUT,
    )


async def answer(asking: Awaitable[Any]) -> str:
    """Return the answer to a message, or the refusal as text. A closed account is no error here."""
    try:
        return str(await asking)
    except WorkflowUpdateFailedError as refused:
        return str(refused.cause)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return "the account is closed"


async def play(shop: Shop, day: Iterable[Event], customers: list[Handle]) -> list[str]:
    """Send all messages in this order without waiting for answers. Return the answers at the end."""
    pending: list[asyncio.Task[str]] = []
    async with AsyncExitStack() as worker:
        await worker.enter_async_context(worker_of(shop))
        for event in day:
            match event:
                case Give(giver, guest, amount):
                    gift = {"guest_id": name(guest), "points": amount}
                    pending.append(asyncio.create_task(answer(customers[giver].execute_update("giftPoints", gift))))
                case Close(customer):
                    pending.append(asyncio.create_task(answer(customers[customer].signal("cancelAccount"))))
                case Restart():
                    await worker.aclose()
                    await worker.enter_async_context(worker_of(shop))
            await asyncio.sleep(0)  # let the task send its message before the next message
        return await asyncio.gather(*pending)


# Without shrinking: it would use a real server for minutes, and a race cannot be shrunk.
@settings(max_examples=12, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(day=days)
async def test_gifts_neither_create_nor_destroy_points(server: WorkflowEnvironment, day: list[Event]) -> None:
    shop = Shop(await fresh_namespace(server.client))
    customers = [await opens(shop, number) for number in range(CUSTOMERS)]
    answers = await play(shop, day, customers)
    async with worker_of(shop):
        seen = [await points(customer) for customer in customers]
    lost = CUSTOMERS * POINTS_OF_EACH - sum(seen)
    assert lost == 0, f"{lost:,} points were lost (a negative number was created): {seen} after {answers}"


async def test_gift_to_a_guest_with_a_closed_account_is_not_lost(shop: Shop) -> None:
    shop.mails.down = True
    grace = await shop.opens("grace", email="grace@example.org")
    ada = await shop.opens("ada", points=500, guests=["grace"])
    await grace.signal("cancelAccount")
    await eventually(
        lambda: status(grace),
        lambda seen: not seen["account_active"],
        waiting_for="Grace's closed account; her goodbye e-mail keeps the workflow running for half a minute",
    )
    await answer(ada.execute_update("giftPoints", {"guest_id": "grace", "points": 300}))
    shop.mails.down = False
    await ends(grace)
    seen = await points(ada), await points(grace)
    assert sum(seen) == 500, f"Of 500 points, Ada and Grace have {seen}: the gift was neither received nor returned"
