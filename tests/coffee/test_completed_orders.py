"""Orders that complete, with a real server and a real database."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.testing import ActivityEnvironment

from loyalty.coffee import menu
from loyalty.coffee.activities import ShopActivities
from loyalty.coffee.messages import Order, Ticket
from tests.support.coffee import (
    CHANGE_WINDOW,
    DELIVERED,
    EMAIL,
    STEP_ACTIVITIES,
    UNFINISHED_STEP,
    CoffeeShop,
    becomes,
    line,
    scheduled,
)
from tests.support.helpers import comes_to, ends, events, eventually

pytestmark = pytest.mark.slow


async def test_order_completes_all_steps_and_earns_points(shop: CoffeeShop) -> None:
    order = await shop.places("7", ("latte", 2), ("croissant", 1), email=EMAIL)
    report = await ends(order)
    assert report["status"] == "COMPLETED"
    assert (report["total"], report["paid"], report["points"], report["reason"]) == (1_160, 1_160, 11, "")
    assert await scheduled(order) == [*STEP_ACTIVITIES, "sendEmail", "earnPoints"]
    assert shop.money("7") == 1_160
    assert (shop.in_stock("latte"), shop.in_stock("croissant")) == (DELIVERED - 2, DELIVERED - 1)
    await comes_to(shop.customer("ada"), 11)
    assert "Your order 7 is ready" in shop.mails.to(EMAIL)


async def test_the_queries_return_the_report_of_a_completed_order(shop: CoffeeShop) -> None:
    order = await shop.places("7")
    report = await ends(order)
    assert await order.query("status") == report
    progress = await order.query("progress")
    assert (progress["status"], progress["done"]) == ("COMPLETED", [*STEP_ACTIVITIES, "earnPoints"])
    assert (progress["doing"], progress["undone"], progress["undoing"]) == (None, [], None)


async def test_the_query_progress_returns_the_name_of_the_current_activity(closed_shop: CoffeeShop) -> None:
    async with closed_shop.serving(step_seconds=UNFINISHED_STEP):
        order = await closed_shop.places("7")
        await becomes(order, "PREPARING")
        progress = await order.query("progress")
        assert progress == {
            "status": "PREPARING",
            "done": ["processPayment"],
            "doing": "prepareBeverage",
            "undone": [],
            "undoing": None,
            "reason": "",
        }
        await order.signal("cancelOrder")
        await ends(order)


async def test_a_second_order_adds_points_to_an_existing_customer(shop: CoffeeShop) -> None:
    for order_id in ("7", "8"):
        await shop.serves(order_id)
    await comes_to(shop.customer("ada"), 8)


async def test_an_order_for_less_than_one_currency_unit_creates_no_customer(shop: CoffeeShop) -> None:
    order = await shop.places("7", ("cookie", 1))
    assert (await ends(order))["points"] == 0
    assert await scheduled(order) == STEP_ACTIVITIES


async def test_order_earns_no_points_if_the_customer_has_closed_the_account(shop: CoffeeShop) -> None:
    await shop.serves("7")
    await shop.customer("ada").signal("cancelAccount")
    await ends(shop.customer("ada"))
    report = await shop.serves("8")
    assert (report["status"], report["points"]) == ("COMPLETED", 0)


async def test_no_email_is_sent_if_the_order_contains_no_email_address(shop: CoffeeShop) -> None:
    await shop.serves("7")
    assert shop.mails.attempts == []


async def test_order_completes_if_an_email_fails(shop: CoffeeShop) -> None:
    shop.mails.down = True
    report = await shop.serves("7", email=EMAIL)
    assert (report["status"], report["points"]) == ("COMPLETED", 4)
    assert len([mail for mail in shop.mails.attempts if "order" in mail["Subject"]]) == 3


async def test_second_order_with_the_same_id_fails(shop: CoffeeShop) -> None:
    await shop.serves("7")
    again = await shop.serves("7")
    assert again["status"] == "FAILED"
    assert again["reason"] == "Cannot pay for order 7; it was placed before, expected another order id"
    assert (shop.money(), shop.in_stock("latte")) == (420, DELIVERED - 1)
    await comes_to(shop.customer("ada"), 4)


@pytest.mark.parametrize(
    ("items", "fields"),
    [
        ([("flat white", 1)], {}),
        ([("latte", 1)], {"customer_id": "bob"}),
        ([("latte", 1)], {"notes": "spill all the milk"}),
        ([("latte", 1)], {"change_window": 1}),
    ],
)
async def test_a_second_order_with_the_same_id_does_not_change_money_or_stock(
    shop: CoffeeShop, items: list[tuple[str, int]], fields: dict[str, Any]
) -> None:
    await shop.serves("7")
    order = await shop.places("7", *items, **fields)
    await order.signal("cancelOrder")
    assert (await ends(order))["paid"] == 0
    assert shop.check_books()["money"] == 420
    assert shop.in_stock("latte") == DELIVERED - 1


async def test_id_of_a_cancelled_order_cannot_be_used_again(shop: CoffeeShop) -> None:
    order = await shop.places("7", change_window=60)
    await becomes(order, "PAID")
    await order.signal("cancelOrder")
    assert (await ends(order))["status"] == "CANCELLED"
    assert (await shop.serves("7"))["status"] == "FAILED"
    assert shop.check_books()["money"] == 0


async def test_points_of_an_order_are_added_only_once_if_the_activity_is_repeated(shop: CoffeeShop) -> None:
    baristas = ShopActivities(shop.client, shop.store, step_seconds=0)
    for order_id in ("7", "7", "8"):  # as if the worker crashed before it sent the first result
        await ActivityEnvironment().run(baristas.earn_points, Ticket(Order(order_id, "ada", [menu.item("latte")]), "r"))
    await comes_to(shop.customer("ada"), 8)


async def test_order_is_paid_and_earns_points_only_once_after_a_reset(shop: CoffeeShop) -> None:
    order = await shop.places("7")
    await ends(order)
    first_task = next(
        event.event_id
        for event in await events(order)
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    )
    await shop.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=shop.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=order.id, run_id=order.first_execution_run_id or ""),
            reason="a deployment went wrong",
            workflow_task_finish_event_id=first_task,
            request_id=str(uuid.uuid4()),
        )
    )
    report = await ends(shop.client.get_workflow_handle(order.id))
    assert (report["status"], report["reason"]) == ("COMPLETED", "")
    assert shop.check_books()["money"] == 420
    await comes_to(shop.customer("ada"), 4)


async def test_the_report_contains_the_transaction_ids_from_the_database(shop: CoffeeShop) -> None:
    order = await shop.places("7", change_window=CHANGE_WINDOW)
    await order.execute_update("changeItem", {"name": "latte", "item": line("flat white")})
    report = await ends(order)
    booked = shop.ask_books("SELECT transaction_id FROM payments WHERE order_id = '7' ORDER BY part")
    assert report["transaction_ids"] == [row["transaction_id"] for row in booked]
    assert len(booked) == 2


async def test_cash_payment_is_refunded_in_cash(shop: CoffeeShop) -> None:
    order = await shop.places("7", payment_method="cash", change_window=60)
    await becomes(order, "PAID")
    await order.signal("cancelOrder")
    await ends(order)
    assert [row["method"] for row in shop.ask_books("SELECT method FROM payments")] == ["cash", "cash"]


async def test_a_new_customer_has_the_name_and_email_address_from_the_order(shop: CoffeeShop) -> None:
    await shop.serves("7", customer_name="Ada Lovelace", email=EMAIL)
    await comes_to(shop.customer("ada"), 4)
    assert (await shop.customer("ada").query("getStatus"))["name"] == "Ada Lovelace"
    await eventually(
        lambda: [mail for mail in shop.mails.received if "Welcome" in mail["Subject"] and mail["To"] == EMAIL],
        waiting_for="the loyalty program's first e-mail",
    )
