"""Orders that are cancelled, by the signal `cancelOrder` or by a cancellation request from the server."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from functools import partial
from operator import eq

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus
from temporalio.exceptions import CancelledError
from temporalio.worker import Worker

from loyalty.coffee.messages import TASK_QUEUE
from loyalty.coffee.worker import WORKFLOWS, build_worker
from tests.support.coffee import EMAIL, STEP_ACTIVITIES, UNFINISHED_STEP, CoffeeShop, becomes, scheduled
from tests.support.helpers import PATIENCE_SECONDS, Handle, Mails, ends, events, eventually, failure_of

pytestmark = pytest.mark.slow

COMPLETED = EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED


async def test_payment_is_refunded_after_a_cancellation_during_the_preparation(closed_shop: CoffeeShop) -> None:
    async with closed_shop.serving(step_seconds=UNFINISHED_STEP):
        order = await closed_shop.places("7", email=EMAIL)
        await becomes(order, "PREPARING")
        await order.signal("cancelOrder", "the train leaves")
        report = await ends(order)
    assert (report["status"], report["reason"], report["paid"]) == ("CANCELLED", "the train leaves", 0)
    assert closed_shop.check_books()["money"] == 0
    assert closed_shop.mails.to(EMAIL) == ["Your order 7 was cancelled"]
    assert closed_shop.ask_books("SELECT * FROM preparations") == [], "a cancellation interrupts the barista's step"


async def test_no_activity_is_scheduled_after_an_immediate_cancellation(closed_shop: CoffeeShop) -> None:
    order = await closed_shop.places("7")
    await order.signal("cancelOrder")
    async with closed_shop.serving():
        report = await ends(order)
    assert (report["status"], report["reason"]) == ("CANCELLED", "no reason given")
    assert await scheduled(order) == []


class DelayedMails(Mails):
    """A mailer that delays every e-mail until the test sets `may_send`."""

    def __init__(self) -> None:
        super().__init__()
        self.may_send = asyncio.Event()

    async def __call__(self, message: EmailMessage) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.may_send.wait()
        await super().__call__(message)


async def test_cancellation_of_a_ready_order_is_ignored(closed_shop: CoffeeShop) -> None:
    closed_shop.mails = mails = DelayedMails()
    async with closed_shop.serving():
        order = await closed_shop.places("7", email=EMAIL)
        await becomes(order, "READY")
        await order.signal("cancelOrder", "too late")
        mails.may_send.set()
        report = await ends(order)
    assert (report["status"], report["reason"], report["paid"]) == ("COMPLETED", "", 420)


async def test_a_second_cancellation_does_not_change_the_reason(closed_shop: CoffeeShop) -> None:
    async with closed_shop.serving(step_seconds=UNFINISHED_STEP):
        order = await closed_shop.places("7", notes="jam the till twice")
        await becomes(order, "PREPARING")
        for reason in ("first", "second"):
            await order.signal("cancelOrder", reason)
        assert (await ends(order))["reason"] == "first"


async def test_a_cancellation_signal_with_invalid_arguments_is_ignored(closed_shop: CoffeeShop) -> None:
    async with closed_shop.serving(step_seconds=UNFINISHED_STEP):
        order = await closed_shop.places("7")
        await becomes(order, "PREPARING")
        await order.signal("cancelOrder", 7)
        await order.signal("cancelOrder", args=["a reason", "and another one"])
        assert (await order.query("status"))["status"] == "PREPARING"
        await order.signal("cancelOrder", "a good one")
        assert (await ends(order))["reason"] == "a good one"


async def test_order_is_undone_and_workflow_is_cancelled_after_a_cancellation_request(closed_shop: CoffeeShop) -> None:
    async with closed_shop.serving(step_seconds=UNFINISHED_STEP):
        order = await closed_shop.places("7", notes="jam the till twice")
        await becomes(order, "PREPARING")
        await order.cancel()
        assert isinstance(await failure_of(order), CancelledError)
        assert (await order.describe()).status is WorkflowExecutionStatus.CANCELED
        assert (await order.query("progress"))["undone"] == ["refundPayment"]
    assert closed_shop.money() == 0


async def test_a_cancellation_request_does_not_interrupt_compensations(closed_shop: CoffeeShop) -> None:
    async with closed_shop.serving():
        order = await closed_shop.places("7", notes="drop the tray; jam the till twice")
        await eventually(
            lambda: order.query("progress"),
            lambda progress: progress["undone"] == ["restoreInventory"],
            waiting_for="the first compensation",
        )
        await order.cancel()
        report = await ends(order)
    assert report["status"] == "REFUNDED"
    assert closed_shop.check_books()["money"] == 0


async def test_the_query_progress_returns_only_the_running_compensation(closed_shop: CoffeeShop) -> None:
    async with closed_shop.serving(step_seconds=UNFINISHED_STEP):
        order = await closed_shop.places("7", notes="jam the till twice")
        await becomes(order, "PREPARING")
        await order.signal("cancelOrder")
        progress = await eventually(
            lambda: order.query("progress"), lambda seen: seen["undoing"], waiting_for="the refund"
        )
        assert (progress["doing"], progress["undoing"]) == (None, "refundPayment")
        await ends(order)


@pytest.mark.parametrize("steps", [1, 2, 3], ids=STEP_ACTIVITIES)
async def test_order_is_undone_if_it_is_cancelled_while_an_activity_completes(
    closed_shop: CoffeeShop, steps: int
) -> None:
    """At first, no worker runs workflows. So one Workflow Task contains the cancellation and the result."""

    async def results(order: Handle) -> int:
        return len([one for one in await events(order) if one.event_type == COMPLETED])

    order = await closed_shop.places("7")
    for step in range(1, steps + 1):
        async with Worker(closed_shop.client, task_queue=TASK_QUEUE, workflows=WORKFLOWS):
            await eventually(
                lambda: scheduled(order), partial(has, step), waiting_for=f"activity {step} to be scheduled"
            )
        async with build_worker(closed_shop.client, closed_shop.mails, closed_shop.store, workflows=(), step_seconds=0):
            await eventually(lambda: results(order), partial(eq, step), waiting_for=f"the result of activity {step}")
    assert await scheduled(order) == STEP_ACTIVITIES[:steps]
    await order.signal("cancelOrder", "just in time")
    async with closed_shop.serving():
        report = await ends(order)
    assert (report["status"], report["reason"], report["paid"]) == ("CANCELLED", "just in time", 0)
    assert closed_shop.check_books()["money"] == 0


def has(many: int, things: list[str]) -> bool:
    return len(things) == many


async def test_the_report_contains_the_reason_of_the_first_cancellation(closed_shop: CoffeeShop) -> None:
    order = await closed_shop.places("7")
    for reason in ("first", "second"):
        await order.signal("cancelOrder", reason)
    async with closed_shop.serving():
        assert (await ends(order))["reason"] == "first"
