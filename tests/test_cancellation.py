"""Cancellation of a customer by the server, not by the signal `cancelAccount`."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.exceptions import CancelledError

from loyalty.lab import settled
from tests.support.helpers import (
    Gate,
    Handle,
    Shop,
    accepted,
    comes_to,
    failure_of,
    has_closed,
    points,
    refusal,
    status,
)

pytestmark = pytest.mark.slow

WELCOME = "Welcome to the loyalty program"
ADA = "ada@example.org"

CANCELED = "Your account has been canceled"


async def is_canceled(customer: Handle) -> None:
    cause = await failure_of(customer)
    assert isinstance(cause, CancelledError), f"{customer.id} was not canceled; it failed with {cause!r}"
    await has_closed(customer, WorkflowExecutionStatus.CANCELED)


async def test_canceled_customer_sends_a_goodbye_email(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA)
    await shop.mails.arrive(ADA, WELCOME)
    await ada.cancel()
    await is_canceled(ada)
    assert shop.mails.to(ADA) == [WELCOME, CANCELED]


async def test_goodbye_email_is_sent_even_if_no_worker_runs_during_the_cancellation(closed_shop: Shop) -> None:
    ada = await closed_shop.opens("ada", email=ADA)
    await ada.cancel()
    async with closed_shop.serving():
        await is_canceled(ada)
    assert closed_shop.mails.to(ADA)[-1:] == [CANCELED]


async def test_waiting_update_is_refused_after_a_cancellation(closed_shop: Shop) -> None:
    gate = Gate()
    async with closed_shop.serving(gate=gate):
        ada = await closed_shop.opens("ada", name="Ada", email=ADA, points=1_000)
        await closed_shop.mails.arrive(ADA, WELCOME)
        await ada.signal("inviteGuest", {"customer_id": "grace"})
        await gate.reached.wait()
        await ada.signal("addPoints", 1)
        asked = await accepted(ada, "addLoyaltyPoint", 1)
        await ada.cancel()
        gate.open.set()
        assert await refusal(asked.result()) == "Cannot do this for Ada; the account is closed"
        await is_canceled(ada)
    assert closed_shop.mails.to(ADA) == [WELCOME, "grace is your guest", CANCELED]


async def test_customer_is_canceled_if_a_purchase_and_a_cancellation_arrive_together(closed_shop: Shop) -> None:
    async with closed_shop.serving():
        await closed_shop.opens("grace")
        ada = await closed_shop.opens("ada", email=ADA)
        await closed_shop.mails.arrive(ADA, WELCOME)
        await settled(ada)
    await ada.signal("addPoints", args=[1_000, "grace"])
    await ada.cancel()
    async with closed_shop.serving():
        await is_canceled(ada)
    assert closed_shop.mails.to(ADA)[-1] == CANCELED


async def test_no_points_are_lost_if_a_gift_and_a_cancellation_arrive_together(closed_shop: Shop) -> None:
    async with closed_shop.serving():
        grace = await closed_shop.opens("grace")
        ada = await closed_shop.opens("ada", email=ADA, points=1_000, guests=["grace"])
        await closed_shop.mails.arrive(ADA, WELCOME)
        await settled(ada)
        await settled(grace)
    gift = asyncio.create_task(ada.execute_update("giftPoints", {"guest_id": "grace", "points": 300}, id="gift"))
    await ada.cancel()
    async with closed_shop.serving():
        await is_canceled(ada)
        await asyncio.wait([gift])
        given = gift.exception() is None
        await comes_to(grace, 300 if given else 0)
        assert await points(ada) == (700 if given else 1_000)


async def test_workflow_can_be_canceled_while_it_sends_the_goodbye_email(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA)
    await shop.mails.arrive(ADA, WELCOME)
    shop.mails.down = True
    await ada.signal("cancelAccount")
    assert not (await status(ada))["account_active"]
    await ada.cancel()
    shop.mails.down = False
    await is_canceled(ada)
    assert shop.mails.to(ADA)[:2] == [WELCOME, "Goodbye"]
