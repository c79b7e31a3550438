"""Orders with mishaps, with a real server and a real database: retries, compensations and reports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.testing import WorkflowEnvironment

from loyalty.coffee import menu
from loyalty.coffee.messages import WORKFLOW_TYPE, Payment, order_workflow_id
from loyalty.coffee.store import Store
from loyalty.lab import history
from tests.support.coffee import DELIVERED, CoffeeShop, scheduled, sqlite_url
from tests.support.helpers import Handle, comes_to, ends, events, fresh_namespace

pytestmark = pytest.mark.slow


MISHAPS_THAT_FAIL = [
    ("decline the card", "FAILED", "The bank declined the card", ["refundPayment"]),
    ("lose every receipt", "FAILED", "The receipt was lost: the result of the payment is unknown", ["refundPayment"]),
    ("spill all the milk", "REFUNDED", "The milk was spilled", ["refundPayment"]),
    ("lose the stock list", "REFUNDED", "The stock list is lost", ["restoreInventory", "refundPayment"]),
    (
        "drop the tray",
        "REFUNDED",
        "The tray was dropped, after the stock list was written",
        ["restoreInventory", "refundPayment"],
    ),
]


MISHAPS_THAT_PASS = ["lose the receipt", "spill the milk once", "spill the milk twice", "oat milk, please; for here"]
JAMMED_TWICE = "spill all the milk; jam the till twice"


@dataclass
class EndedOrder:
    """An order that has ended, with its shop and its report."""

    shop: CoffeeShop
    order: Handle
    report: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.report["order_id"])


@pytest.fixture(scope="module")
async def orders_with_mishaps(
    server: WorkflowEnvironment, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, EndedOrder]]:
    """One order for each mishap.

    The keys are the notes of the orders. All orders run at once, because most of them wait to retry.
    """
    shop = CoffeeShop(await fresh_namespace(server.client), sqlite_url(tmp_path_factory.mktemp("mishaps")))
    notes = [*(case[0] for case in MISHAPS_THAT_FAIL), *MISHAPS_THAT_PASS, JAMMED_TWICE]
    async with shop.serving():
        orders = [await shop.places(str(n), notes=note, email=f"{n}@example.org") for n, note in enumerate(notes)]
        reports = await asyncio.gather(*(ends(order, timeout=60) for order in orders))
        yield {note: EndedOrder(shop, *ended) for note, *ended in zip(notes, orders, reports, strict=True)}


@pytest.mark.parametrize(
    ("notes", "status", "reason", "undone"), MISHAPS_THAT_FAIL, ids=[case[0] for case in MISHAPS_THAT_FAIL]
)
async def test_the_steps_are_undone_in_reverse_order_after_a_failure(
    orders_with_mishaps: dict[str, EndedOrder], notes: str, status: str, reason: str, undone: list[str]
) -> None:
    ended = orders_with_mishaps[notes]
    report, shop = ended.report, ended.shop
    assert (report["status"], report["reason"], report["paid"], report["points"]) == (status, reason, 0, 0)
    progress = await ended.order.query("progress")
    assert (progress["undone"], progress["reason"]) == (undone, reason)
    assert shop.money(ended.id) == 0
    assert shop.taken(ended.id) == 0
    assert len(shop.mails.to(f"{ended.id}@example.org")) == 1, "the customer gets one e-mail"


@pytest.mark.parametrize("notes", MISHAPS_THAT_PASS)
async def test_order_completes_if_a_step_succeeds_within_three_attempts(
    orders_with_mishaps: dict[str, EndedOrder], notes: str
) -> None:
    ended = orders_with_mishaps[notes]
    assert (ended.report["status"], ended.report["paid"]) == ("COMPLETED", 420)
    assert ended.shop.money(ended.id) == 420
    assert ended.shop.taken(ended.id) == 1


async def test_a_compensation_is_retried_until_it_succeeds(orders_with_mishaps: dict[str, EndedOrder]) -> None:
    ended = orders_with_mishaps[JAMMED_TWICE]
    assert ended.report["status"] == "REFUNDED"
    assert ended.shop.money(ended.id) == 0
    recorded = await history.frame(ended.order)
    started = recorded[(recorded.type == "ActivityTaskStarted") & (recorded.name == "refundPayment")]
    assert list(started.attempt) == [3], "the mishap jams the till twice"


async def test_money_and_stock_are_correct_after_all_mishaps(orders_with_mishaps: dict[str, EndedOrder]) -> None:
    shop = orders_with_mishaps[JAMMED_TWICE].shop
    sums = shop.check_books()
    assert sums["money"] == len(MISHAPS_THAT_PASS) * 420
    assert sums["in_stock"] == 6 * DELIVERED - len(MISHAPS_THAT_PASS)


async def test_second_attempt_continues_after_the_last_heartbeat(orders_with_mishaps: dict[str, EndedOrder]) -> None:
    ended = orders_with_mishaps["spill the milk once"]
    done = ended.shop.ask_books(
        f"SELECT step, attempt FROM preparations WHERE order_id = '{ended.id}' ORDER BY attempt, step"
    )
    assert [(row["step"], row["attempt"]) for row in done] == [(1, 1), (2, 1), (3, 1), (4, 1), (4, 2), (5, 2)]


async def test_order_is_refunded_if_an_item_is_out_of_stock(shop: CoffeeShop) -> None:
    shop.store.take_from_stock("everything", "everything", [menu.item("latte", DELIVERED)])
    report = await shop.serves("7")
    assert (report["status"], report["reason"]) == ("REFUNDED", "Cannot take 1 x latte from stock; 0 are left")
    assert shop.money("7") == 0


INVALID_ORDERS: list[tuple[Any, str]] = [
    ({"order_id": "7", "customer_id": "ada", "items": []}, "Cannot make an order of 0 items"),
    ({"order_id": "8", "customer_id": "ada", "items": []}, "expected 'coffee-order-8'"),
    ("one latte, please", "Cannot read 'one latte, please'"),
    (None, "Cannot read None"),
]


@pytest.mark.parametrize(("order", "sentence"), INVALID_ORDERS)
async def test_an_invalid_order_fails_and_schedules_no_activity(shop: CoffeeShop, order: Any, sentence: str) -> None:
    handle = await shop.client.start_workflow(WORKFLOW_TYPE, order, id=order_workflow_id("7"), task_queue="coffee-shop")
    report = await ends(handle)
    assert report["status"] == "FAILED"
    assert sentence in report["reason"]
    assert await scheduled(handle) == []


async def test_order_without_input_fails_and_reports_the_reason(shop: CoffeeShop) -> None:
    handle = await shop.client.start_workflow(WORKFLOW_TYPE, id=order_workflow_id("7"), task_queue="coffee-shop")
    assert "Cannot read None" in (await ends(handle))["reason"]


OPTIONS = {
    "processPayment": (10, 3, 0),
    "prepareBeverage": (300, 3, 2),
    "updateInventory": (10, 3, 0),
    "sendEmail": (10, 3, 0),
    "earnPoints": (10, 0, 0),
    "restoreInventory": (10, 0, 0),
    "refundPayment": (10, 0, 0),
}
"""For each activity: start-to-close timeout in s, maximum attempts (0: no limit), heartbeat timeout in s (0: none)."""


async def test_all_activities_use_the_expected_timeouts_and_retry_policies(
    orders_with_mishaps: dict[str, EndedOrder],
) -> None:
    steps = [
        event.activity_task_scheduled_event_attributes
        for notes in ("drop the tray", "lose the receipt")
        for event in await events(orders_with_mishaps[notes].order)
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]
    assert {
        step.activity_type.name: (
            step.start_to_close_timeout.seconds,
            step.retry_policy.maximum_attempts,
            step.heartbeat_timeout.seconds,
        )
        for step in steps
    } == OPTIONS
    assert {(1, 2, 100)} == {
        (retries.initial_interval.seconds, retries.backoff_coefficient, retries.maximum_interval.seconds)
        for retries in (step.retry_policy for step in steps)
    }


async def test_payment_is_not_retried_after_a_final_error(
    shop: CoffeeShop, orders_with_mishaps: dict[str, EndedOrder]
) -> None:
    await shop.serves("7")
    again = await shop.places("7")
    await ends(again)
    for order in (again, orders_with_mishaps["decline the card"].order):
        recorded = await history.frame(order)
        started = recorded[(recorded.type == "ActivityTaskStarted") & (recorded.name == "processPayment")]
        assert list(started.attempt) == [1], order.id


@pytest.mark.parametrize("notes", ["spill all the milk", "drop the tray", "lose every receipt"])
async def test_the_query_progress_returns_no_current_activity_for_a_failed_order(
    orders_with_mishaps: dict[str, EndedOrder], notes: str
) -> None:
    progress = await orders_with_mishaps[notes].order.query("progress")
    assert (progress["doing"], progress["undoing"]) == (None, None)


def rows(ended: EndedOrder, table: str, column: str) -> list[int]:
    query = f"SELECT {column} FROM {table} WHERE order_id = '{ended.id}' ORDER BY {column}"
    return [row[column] for row in ended.shop.ask_books(query)]


async def test_each_mishap_happens_at_its_planned_moment(
    orders_with_mishaps: dict[str, EndedOrder],
) -> None:
    assert rows(orders_with_mishaps["lose every receipt"], "payments", "amount") == [-420, 420]
    assert rows(orders_with_mishaps["drop the tray"], "movements", "quantity") == [-1, 1]
    assert rows(orders_with_mishaps["decline the card"], "payments", "amount") == [0], (
        "a mishap before the activity takes no money"
    )
    assert rows(orders_with_mishaps["lose the stock list"], "movements", "quantity") == [0]


async def test_a_payment_has_the_same_id_after_the_first_receipt_was_lost(
    shop: CoffeeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, receipts = Store.take_payment, list[str]()

    def take_and_remember(*args: Any) -> Payment:
        payment = take(*args)
        receipts.append(payment.transaction_id)
        return payment

    monkeypatch.setattr(Store, "take_payment", take_and_remember)
    report = await shop.serves("7", notes="lose the receipt")
    assert receipts == report["transaction_ids"] * 2


async def test_money_and_points_are_correct_after_sixty_concurrent_orders(shop: CoffeeShop) -> None:
    notes = ["", "", "", "decline the card", "spill the milk twice", "drop the tray"]
    reports = await asyncio.gather(
        *(shop.serves(f"n{n}", customer_id=f"c{n % 5}", notes=notes[n % 6]) for n in range(60))
    )
    sold = sum(report["total"] for report in reports if report["status"] == "COMPLETED")
    assert shop.check_books()["money"] == sold == 40 * 420
    for n in range(5):
        await comes_to(shop.customer(f"c{n}"), sum(r["points"] for r in reports[n::5]))
