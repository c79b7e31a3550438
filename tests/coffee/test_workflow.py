"""Orders at a real server, with real books: what is done, in which order, and what is undone."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import EmailMessage
from functools import partial
from operator import eq
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.exceptions import CancelledError
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment
from temporalio.worker import Worker

from loyalty.coffee import menu
from loyalty.coffee.activities import STEPS, ShopActivities
from loyalty.coffee.menu import item as menu_item
from loyalty.coffee.messages import TASK_QUEUE, WORKFLOW_TYPE, Order, Payment, Ticket, order_workflow_id
from loyalty.coffee.store import Store
from loyalty.coffee.worker import WORKFLOWS, build_worker
from loyalty.lab import history
from tests.support.coffee import DELIVERED, CoffeeShop, sqlite_url
from tests.support.helpers import (
    PATIENCE_SECONDS,
    Handle,
    Mails,
    comes_to,
    ends,
    events,
    eventually,
    failure_of,
    fresh_namespace,
    refusal,
)

pytestmark = pytest.mark.slow

EMAIL = "ada@example.org"
COMPLETED = EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED
MADE = ["processPayment", "prepareBeverage", "updateInventory"]
HELD = 600
"""Seconds for each step of a barista who is at work as long as a test wants; a cancellation ends it."""

WINDOW = 3
"""Seconds in which a change has to arrive, after the payment, where the order is to be completed in the end."""


@pytest.fixture
def closed(client: Client, tmp_path: Path) -> CoffeeShop:
    return CoffeeShop(client, sqlite_url(tmp_path))


@pytest.fixture
async def shop(closed: CoffeeShop) -> AsyncIterator[CoffeeShop]:
    async with closed.serving():
        yield closed


async def becomes(order: Handle, status: str) -> None:
    await eventually(
        lambda: order.query("status"),
        lambda report: report["status"] == status,
        waiting_for=f"{order.id} to be {status}",
    )


async def scheduled(order: Handle) -> list[str]:
    """Return the names of the activities that the history holds, in their order."""
    return [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in await events(order)
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]


# ---- orders that succeed --------------------------------------------------------------------------------------


async def test_an_order_is_paid_prepared_taken_from_stock_told_of_and_rewarded(shop: CoffeeShop) -> None:
    order = await shop.places("7", ("latte", 2), ("croissant", 1), email=EMAIL)
    report = await ends(order)
    assert report["status"] == "COMPLETED"
    assert (report["total"], report["paid"], report["points"], report["reason"]) == (1_160, 1_160, 11, "")
    assert await scheduled(order) == [*MADE, "sendEmail", "earnPoints"]
    assert shop.money("7") == 1_160
    assert (shop.in_stock("latte"), shop.in_stock("croissant")) == (DELIVERED - 2, DELIVERED - 1)
    await comes_to(shop.customer("ada"), 11)
    assert "Your order 7 is ready" in shop.mails.to(EMAIL)


async def test_the_queries_answer_after_the_end_too(shop: CoffeeShop) -> None:
    order = await shop.places("7")
    report = await ends(order)
    assert await order.query("status") == report
    progress = await order.query("progress")
    assert (progress["status"], progress["done"]) == ("COMPLETED", [*MADE, "earnPoints"])
    assert (progress["doing"], progress["undone"], progress["undoing"]) == (None, [], None)


async def test_progress_says_what_is_being_done(closed: CoffeeShop) -> None:
    async with closed.serving(step_seconds=HELD):
        order = await closed.places("7")
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


async def test_a_customer_who_is_a_member_earns_on(shop: CoffeeShop) -> None:
    for order_id in ("7", "8"):
        await shop.serves(order_id)
    await comes_to(shop.customer("ada"), 8)


async def test_less_than_one_full_unit_earns_nothing_and_enrols_nobody(shop: CoffeeShop) -> None:
    order = await shop.places("7", ("cookie", 1))
    assert (await ends(order))["points"] == 0
    assert await scheduled(order) == MADE


async def test_a_closed_account_earns_nothing_and_the_order_is_served_all_the_same(shop: CoffeeShop) -> None:
    await shop.serves("7")
    await shop.customer("ada").signal("cancelAccount")
    await ends(shop.customer("ada"))
    report = await shop.serves("8")
    assert (report["status"], report["points"]) == ("COMPLETED", 0)


async def test_no_address_no_mail(shop: CoffeeShop) -> None:
    await shop.serves("7")
    assert shop.mails.attempts == []


async def test_a_failing_notification_does_not_fail_the_order(shop: CoffeeShop) -> None:
    shop.mails.down = True
    report = await shop.serves("7", email=EMAIL)
    assert (report["status"], report["points"]) == ("COMPLETED", 4)
    assert len([mail for mail in shop.mails.attempts if "order" in mail["Subject"]]) == 3


async def test_the_same_order_placed_again_is_refused_by_the_books(shop: CoffeeShop) -> None:
    await shop.serves("7")
    again = await shop.serves("7")
    assert again["status"] == "FAILED"
    assert again["reason"] == "Cannot pay for order 7; it was placed before, possible is another order id"
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
async def test_another_order_under_the_same_id_neither_uses_nor_undoes_the_first_one(
    shop: CoffeeShop, items: list[tuple[str, int]], fields: dict[str, Any]
) -> None:
    await shop.serves("7")
    order = await shop.places("7", *items, **fields)
    await order.signal("cancelOrder")
    assert (await ends(order))["paid"] == 0
    assert shop.check_books()["money"] == 420
    assert shop.in_stock("latte") == DELIVERED - 1


async def test_an_order_that_was_undone_cannot_be_paid_again(shop: CoffeeShop) -> None:
    order = await shop.places("7", change_window=60)
    await becomes(order, "PAID")
    await order.signal("cancelOrder")
    assert (await ends(order))["status"] == "CANCELLED"
    assert (await shop.serves("7"))["status"] == "FAILED"
    assert shop.check_books()["money"] == 0


async def test_points_count_once_however_often_the_customer_is_told_of_them(shop: CoffeeShop) -> None:
    baristas = ShopActivities(shop.client, shop.store, step_seconds=0)
    for order_id in ("7", "7", "8"):  # the worker died before the server had heard of the first time
        await ActivityEnvironment().run(baristas.earn_points, Ticket(Order(order_id, "ada", [menu.item("latte")]), "r"))
    await comes_to(shop.customer("ada"), 8)


async def test_an_order_that_is_reset_is_paid_and_rewarded_once(shop: CoffeeShop) -> None:
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


async def test_the_report_names_the_transactions_that_the_books_hold(shop: CoffeeShop) -> None:
    order = await shop.places("7", change_window=WINDOW)
    await order.execute_update("changeItem", {"name": "latte", "item": line("flat white")})
    report = await ends(order)
    booked = shop.ask_books("SELECT transaction_id FROM payments WHERE order_id = '7' ORDER BY part")
    assert report["transaction_ids"] == [row["transaction_id"] for row in booked]
    assert len(booked) == 2


async def test_who_pays_in_cash_is_booked_as_cash_and_gets_cash_back(shop: CoffeeShop) -> None:
    order = await shop.places("7", payment_method="cash", change_window=60)
    await becomes(order, "PAID")
    await order.signal("cancelOrder")
    await ends(order)
    assert [row["method"] for row in shop.ask_books("SELECT method FROM payments")] == ["cash", "cash"]


async def test_a_new_customer_is_known_by_name_and_address(shop: CoffeeShop) -> None:
    await shop.serves("7", customer_name="Ada Lovelace", email=EMAIL)
    await comes_to(shop.customer("ada"), 4)
    assert (await shop.customer("ada").query("getStatus"))["name"] == "Ada Lovelace"
    await eventually(
        lambda: [mail for mail in shop.mails.received if "Welcome" in mail["Subject"] and mail["To"] == EMAIL],
        waiting_for="the loyalty program's first mail",
    )


# ---- orders that fail -----------------------------------------------------------------------------------------

FAILING = [
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


PASSING = ["lose the receipt", "spill the milk once", "spill the milk twice", "oat milk, please; for here"]
JAMMED = "spill all the milk; jam the till twice"


@dataclass
class Ended:
    """An order that has come to its end, and the shop that served it among others."""

    shop: CoffeeShop
    order: Handle
    report: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.report["order_id"])


@pytest.fixture(scope="module")
async def troubled(
    server: WorkflowEnvironment, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, Ended]]:
    """One order for each kind of trouble, by its notes. All are served at once, because each waits for retries."""
    shop = CoffeeShop(await fresh_namespace(server.client), sqlite_url(tmp_path_factory.mktemp("troubled")))
    notes = [*(case[0] for case in FAILING), *PASSING, JAMMED]
    async with shop.serving():
        orders = [await shop.places(str(n), notes=note, email=f"{n}@example.org") for n, note in enumerate(notes)]
        reports = await asyncio.gather(*(ends(order, timeout=60) for order in orders))
        yield {note: Ended(shop, *ended) for note, *ended in zip(notes, orders, reports, strict=True)}


@pytest.mark.parametrize(("notes", "status", "reason", "undone"), FAILING, ids=[case[0] for case in FAILING])
async def test_a_step_that_fails_undoes_what_came_before_in_reverse_order(
    troubled: dict[str, Ended], notes: str, status: str, reason: str, undone: list[str]
) -> None:
    ended = troubled[notes]
    report, shop = ended.report, ended.shop
    assert (report["status"], report["reason"], report["paid"], report["points"]) == (status, reason, 0, 0)
    progress = await ended.order.query("progress")
    assert (progress["undone"], progress["reason"]) == (undone, reason)
    assert shop.money(ended.id) == 0
    assert shop.taken(ended.id) == 0
    assert len(shop.mails.to(f"{ended.id}@example.org")) == 1, "the customer is told"


@pytest.mark.parametrize("notes", PASSING)
async def test_what_succeeds_within_three_attempts_has_succeeded(troubled: dict[str, Ended], notes: str) -> None:
    ended = troubled[notes]
    assert (ended.report["status"], ended.report["paid"]) == ("COMPLETED", 420)
    assert ended.shop.money(ended.id) == 420
    assert ended.shop.taken(ended.id) == 1


async def test_a_compensation_is_retried_until_it_succeeds(troubled: dict[str, Ended]) -> None:
    ended = troubled[JAMMED]
    assert ended.report["status"] == "REFUNDED"
    assert ended.shop.money(ended.id) == 0
    recorded = await history.frame(ended.order)
    started = recorded[(recorded.type == "ActivityTaskStarted") & (recorded.name == "refundPayment")]
    assert list(started.attempt) == [3], "the till was jammed twice"


async def test_the_books_are_in_order_after_all_the_trouble(troubled: dict[str, Ended]) -> None:
    shop = troubled[JAMMED].shop
    sums = shop.check_books()
    assert sums["money"] == len(PASSING) * 420
    assert sums["in_stock"] == 6 * DELIVERED - len(PASSING)


async def test_a_later_attempt_goes_on_after_the_last_heartbeat(troubled: dict[str, Ended]) -> None:
    ended = troubled["spill the milk once"]
    done = ended.shop.ask_books(
        f"SELECT step, attempt FROM preparations WHERE order_id = '{ended.id}' ORDER BY attempt, step"
    )
    assert [(row["step"], row["attempt"]) for row in done] == [(1, 1), (2, 1), (3, 1), (4, 1), (4, 2), (5, 2)]


async def test_what_is_out_of_stock_is_refunded(shop: CoffeeShop) -> None:
    shop.store.take_from_stock("everything", "everything", [menu_item("latte", DELIVERED)])
    report = await shop.serves("7")
    assert (report["status"], report["reason"]) == ("REFUNDED", "Cannot take 1 x latte from stock; 0 are left")
    assert shop.money("7") == 0


BAD: list[tuple[Any, str]] = [
    ({"order_id": "7", "customer_id": "ada", "items": []}, "Cannot make an order of 0 items"),
    ({"order_id": "8", "customer_id": "ada", "items": []}, "possible is 'coffee-order-8'"),
    ("one latte, please", "Cannot read 'one latte, please'"),
    (None, "Cannot read None"),
]


@pytest.mark.parametrize(("order", "sentence"), BAD)
async def test_a_bad_order_fails_with_a_sentence_before_anything_is_done(
    shop: CoffeeShop, order: Any, sentence: str
) -> None:
    handle = await shop.client.start_workflow(WORKFLOW_TYPE, order, id=order_workflow_id("7"), task_queue="coffee-shop")
    report = await ends(handle)
    assert report["status"] == "FAILED"
    assert sentence in report["reason"]
    assert await scheduled(handle) == []


async def test_an_order_without_input_fails_with_a_sentence(shop: CoffeeShop) -> None:
    handle = await shop.client.start_workflow(WORKFLOW_TYPE, id=order_workflow_id("7"), task_queue="coffee-shop")
    assert "Cannot read None" in (await ends(handle))["reason"]


PATIENCE = {
    "processPayment": (10, 3, 0),
    "prepareBeverage": (300, 3, 2),
    "updateInventory": (10, 3, 0),
    "sendEmail": (10, 3, 0),
    "earnPoints": (10, 0, 0),
    "restoreInventory": (10, 0, 0),
    "refundPayment": (10, 0, 0),
}
"""By step: seconds that an attempt may take, attempts (0: without an end), seconds of silence (0: it may be silent)."""


async def test_a_step_is_tried_three_times_and_what_is_owed_without_an_end(troubled: dict[str, Ended]) -> None:
    steps = [
        event.activity_task_scheduled_event_attributes
        for notes in ("drop the tray", "lose the receipt")
        for event in await events(troubled[notes].order)
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]
    assert {
        step.activity_type.name: (
            step.start_to_close_timeout.seconds,
            step.retry_policy.maximum_attempts,
            step.heartbeat_timeout.seconds,
        )
        for step in steps
    } == PATIENCE
    assert {(1, 2, 100)} == {
        (retries.initial_interval.seconds, retries.backoff_coefficient, retries.maximum_interval.seconds)
        for retries in (step.retry_policy for step in steps)
    }


async def test_what_is_refused_for_good_is_not_tried_again(shop: CoffeeShop, troubled: dict[str, Ended]) -> None:
    await shop.serves("7")
    again = await shop.places("7")
    await ends(again)
    for order in (again, troubled["decline the card"].order):
        recorded = await history.frame(order)
        started = recorded[(recorded.type == "ActivityTaskStarted") & (recorded.name == "processPayment")]
        assert list(started.attempt) == [1], order.id


@pytest.mark.parametrize("notes", ["spill all the milk", "drop the tray", "lose every receipt"])
async def test_after_the_end_nothing_is_under_way(troubled: dict[str, Ended], notes: str) -> None:
    progress = await troubled[notes].order.query("progress")
    assert (progress["doing"], progress["undoing"]) == (None, None)


def rows(ended: Ended, table: str, column: str) -> list[int]:
    query = f"SELECT {column} FROM {table} WHERE order_id = '{ended.id}' ORDER BY {column}"
    return [row[column] for row in ended.shop.ask_books(query)]


async def test_what_is_said_to_go_wrong_after_the_books_were_written_does(troubled: dict[str, Ended]) -> None:
    assert rows(troubled["lose every receipt"], "payments", "amount") == [-420, 420]
    assert rows(troubled["drop the tray"], "movements", "quantity") == [-1, 1]
    assert rows(troubled["decline the card"], "payments", "amount") == [0], "before: nothing was written"
    assert rows(troubled["lose the stock list"], "movements", "quantity") == [0]


async def test_a_lost_receipt_is_asked_for_twice(shop: CoffeeShop, monkeypatch: pytest.MonkeyPatch) -> None:
    take, receipts = Store.take_payment, list[str]()

    def remembers(*args: Any) -> Payment:
        payment = take(*args)
        receipts.append(payment.transaction_id)
        return payment

    monkeypatch.setattr(Store, "take_payment", remembers)
    report = await shop.serves("7", notes="lose the receipt")
    assert receipts == report["transaction_ids"] * 2


# ---- cancellation ---------------------------------------------------------------------------------------------


async def test_an_order_is_cancelled_while_it_is_prepared(closed: CoffeeShop) -> None:
    async with closed.serving(step_seconds=HELD):
        order = await closed.places("7", email=EMAIL)
        await becomes(order, "PREPARING")
        await order.signal("cancelOrder", "the train leaves")
        report = await ends(order)
    assert (report["status"], report["reason"], report["paid"]) == ("CANCELLED", "the train leaves", 0)
    assert closed.check_books()["money"] == 0
    assert closed.mails.to(EMAIL) == ["Your order 7 was cancelled"]
    assert closed.ask_books("SELECT * FROM preparations") == [], "the barista has stopped in the middle of a step"


async def test_an_order_is_cancelled_before_it_has_begun(closed: CoffeeShop) -> None:
    order = await closed.places("7")
    await order.signal("cancelOrder")
    async with closed.serving():
        report = await ends(order)
    assert (report["status"], report["reason"]) == ("CANCELLED", "no reason given")
    assert await scheduled(order) == []


class HeldMails(Mails):
    """A mailer that holds every mail until a test has done what it does meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.done_meanwhile = asyncio.Event()

    async def __call__(self, message: EmailMessage) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.done_meanwhile.wait()
        await super().__call__(message)


async def test_a_cancellation_after_the_coffee_is_ready_is_refused(closed: CoffeeShop) -> None:
    closed.mails = mails = HeldMails()
    async with closed.serving():
        order = await closed.places("7", email=EMAIL)
        await becomes(order, "READY")
        await order.signal("cancelOrder", "too late")
        mails.done_meanwhile.set()
        report = await ends(order)
    assert (report["status"], report["reason"], report["paid"]) == ("COMPLETED", "", 420)


async def test_a_second_cancellation_changes_nothing(closed: CoffeeShop) -> None:
    async with closed.serving(step_seconds=HELD):
        order = await closed.places("7", notes="jam the till twice")
        await becomes(order, "PREPARING")
        for reason in ("first", "second"):
            await order.signal("cancelOrder", reason)
        assert (await ends(order))["reason"] == "first"


async def test_a_bad_cancellation_is_ignored(closed: CoffeeShop) -> None:
    async with closed.serving(step_seconds=HELD):
        order = await closed.places("7")
        await becomes(order, "PREPARING")
        await order.signal("cancelOrder", 7)
        await order.signal("cancelOrder", args=["a reason", "and another one"])
        assert (await order.query("status"))["status"] == "PREPARING"
        await order.signal("cancelOrder", "a good one")
        assert (await ends(order))["reason"] == "a good one"


async def test_the_servers_cancellation_undoes_too_and_ends_as_canceled(closed: CoffeeShop) -> None:
    async with closed.serving(step_seconds=HELD):
        order = await closed.places("7", notes="jam the till twice")
        await becomes(order, "PREPARING")
        await order.cancel()
        assert isinstance(await failure_of(order), CancelledError)
        assert (await order.describe()).status is WorkflowExecutionStatus.CANCELED
        assert (await order.query("progress"))["undone"] == ["refundPayment"]
    assert closed.money() == 0


async def test_the_servers_cancellation_does_not_cut_off_what_undoes(closed: CoffeeShop) -> None:
    async with closed.serving():
        order = await closed.places("7", notes="drop the tray; jam the till twice")
        await eventually(
            lambda: order.query("progress"),
            lambda progress: progress["undone"] == ["restoreInventory"],
            waiting_for="the first compensation",
        )
        await order.cancel()
        report = await ends(order)
    assert report["status"] == "REFUNDED"
    assert closed.check_books()["money"] == 0


async def test_while_a_step_is_undone_no_step_is_being_done(closed: CoffeeShop) -> None:
    async with closed.serving(step_seconds=HELD):
        order = await closed.places("7", notes="jam the till twice")
        await becomes(order, "PREPARING")
        await order.signal("cancelOrder")
        progress = await eventually(
            lambda: order.query("progress"), lambda seen: seen["undoing"], waiting_for="the refund"
        )
        assert (progress["doing"], progress["undoing"]) == (None, "refundPayment")
        await ends(order)


@pytest.mark.parametrize("steps", [1, 2, 3], ids=MADE)
async def test_a_cancellation_that_arrives_with_the_result_of_a_step_is_honoured(
    closed: CoffeeShop, steps: int
) -> None:
    """Both are in the same Workflow Task, because nobody served orders when they came."""

    async def results(order: Handle) -> int:
        return len([one for one in await events(order) if one.event_type == COMPLETED])

    order = await closed.places("7")
    for step in range(1, steps + 1):
        async with Worker(closed.client, task_queue=TASK_QUEUE, workflows=WORKFLOWS):
            await eventually(lambda: scheduled(order), partial(has, step), waiting_for=f"step {step} to be asked for")
        async with build_worker(closed.client, closed.mails, closed.store, workflows=(), step_seconds=0):
            await eventually(lambda: results(order), partial(eq, step), waiting_for=f"the result of step {step}")
    assert await scheduled(order) == MADE[:steps]
    await order.signal("cancelOrder", "just in time")
    async with closed.serving():
        report = await ends(order)
    assert (report["status"], report["reason"], report["paid"]) == ("CANCELLED", "just in time", 0)
    assert closed.check_books()["money"] == 0


def has(many: int, things: list[str]) -> bool:
    return len(things) == many


async def test_the_first_of_two_cancellations_at_once_counts(closed: CoffeeShop) -> None:
    order = await closed.places("7")
    for reason in ("first", "second"):
        await order.signal("cancelOrder", reason)
    async with closed.serving():
        assert (await ends(order))["reason"] == "first"


# ---- changes --------------------------------------------------------------------------------------------------


def line(name: str, quantity: int = 1) -> dict[str, Any]:
    one = menu_item(name, quantity)
    return {"name": one.name, "quantity": one.quantity, "unit_price": one.unit_price}


async def test_an_item_is_changed_and_the_difference_is_paid(shop: CoffeeShop) -> None:
    order = await shop.places("7", change_window=WINDOW)
    report = await order.execute_update("changeItem", {"name": "latte", "item": line("flat white", 2)})
    assert (report["status"], report["total"], report["paid"]) == ("PAID", 900, 900)
    assert (await ends(order))["points"] == 9
    assert shop.in_stock("flat white") == DELIVERED - 2
    assert shop.check_books()["money"] == 900


async def test_a_cheaper_item_gives_money_back(shop: CoffeeShop) -> None:
    order = await shop.places("7", change_window=WINDOW)
    report = await order.execute_update("changeItem", {"name": "latte", "item": line("espresso")})
    assert report["paid"] == 250
    await ends(order)
    assert shop.check_books()["money"] == 250


async def test_a_changed_order_that_fails_is_undone_as_a_whole(shop: CoffeeShop) -> None:
    order = await shop.places("7", change_window=WINDOW, notes="drop the tray")
    await order.execute_update("changeItem", {"name": "latte", "item": line("espresso", 3)})
    await order.execute_update("changeItem", {"name": "espresso", "item": line("cookie", 2)})
    assert (await ends(order))["status"] == "REFUNDED"
    assert shop.check_books()["money"] == 0


async def test_a_change_is_possible_before_the_payment_has_been_made(closed: CoffeeShop) -> None:
    order = await closed.places("7", notes="lose the receipt", change_window=WINDOW)
    async with closed.serving():
        await becomes(order, "PENDING")
        report = await order.execute_update("changeItem", {"name": "latte", "item": line("latte", 2)})
        assert report["paid"] == 840
        await ends(order)
    assert closed.check_books()["money"] == 840


async def test_changes_are_refused_with_what_is_possible(shop: CoffeeShop) -> None:
    order = await shop.places("7", ("latte", 1), ("cookie", 1), change_window=600)
    for change, sentence in [
        ({"name": "tea", "item": line("latte")}, "Cannot change 'tea'; the order has latte, cookie"),
        ({"name": "latte", "item": line("cookie")}, "Cannot change 'latte' into 'cookie'; the order already has"),
        ({"name": "latte", "item": {**line("latte"), "quantity": 0}}, "Cannot make 0 of latte"),
        ("a tea", "possible is an object with the fields name, item"),
    ]:
        assert sentence in await refusal(order.execute_update("changeItem", change))
    assert (await order.query("status"))["total"] == 510
    await order.signal("cancelOrder")
    await ends(order)


async def test_a_change_whose_difference_is_not_paid_leaves_the_order_as_it_was(closed: CoffeeShop) -> None:
    async with closed.serving():
        order = await closed.places("7", change_window=20)
        await becomes(order, "PAID")
        run = str(order.first_execution_run_id)
        closed.store.refund_payment("7", run, 2, "card")  # the part that the change would be
        sentence = await refusal(order.execute_update("changeItem", {"name": "latte", "item": line("latte", 2)}))
        assert "Cannot change the order; Cannot pay part 2 of order 7" in sentence
        report = await order.execute_update("changeItem", {"name": "latte", "item": line("latte", 3)})
        assert report["paid"] == 1_260
        await order.signal("cancelOrder")
        await ends(order)
    assert closed.check_books()["money"] == 0


async def test_an_order_that_is_being_prepared_cannot_be_changed(closed: CoffeeShop) -> None:
    async with closed.serving(step_seconds=HELD):
        order = await closed.places("7")
        await becomes(order, "PREPARING")
        sentence = await refusal(order.execute_update("changeItem", {"name": "latte", "item": line("espresso")}))
        assert sentence == "Cannot change order 7; it is PREPARING, possible while it is PENDING or PAID"
        await order.signal("cancelOrder")
        await ends(order)


async def test_a_change_that_waits_while_the_order_fails_is_refused(closed: CoffeeShop) -> None:
    async with closed.serving():
        order = await closed.places("7", notes="lose every receipt")
        change = order.execute_update("changeItem", {"name": "latte", "item": line("espresso")})
        assert "it is FAILED" in await refusal(change)
        await ends(order)


async def test_a_cancellation_ends_the_wait_for_changes(shop: CoffeeShop) -> None:
    order = await shop.places("7", change_window=3_600)
    await becomes(order, "PAID")
    await order.signal("cancelOrder", "no time")
    assert (await ends(order))["status"] == "CANCELLED"
    assert shop.money() == 0


async def test_an_order_that_is_being_undone_refuses_a_change_at_once(closed: CoffeeShop) -> None:
    async with closed.serving():
        order = await closed.places("7", notes="jam the till", change_window=60)
        await becomes(order, "PAID")
        await order.signal("cancelOrder")
        change = order.execute_update("changeItem", {"name": "latte", "item": line("espresso")})
        assert "it is being cancelled" in await asyncio.wait_for(refusal(change), PATIENCE_SECONDS)
        await order.terminate()


async def test_a_difference_whose_receipts_are_all_lost_is_given_back_and_the_order_served(
    shop: CoffeeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = Store.take_payment

    def loses_the_receipts_of_changes(*args: Any) -> Payment:
        payment = take(*args)
        if payment.amount != 420:
            raise ConnectionError("The receipt was lost")
        return payment

    monkeypatch.setattr(Store, "take_payment", loses_the_receipts_of_changes)
    order = await shop.places("7", change_window=10)
    change = order.execute_update("changeItem", {"name": "latte", "item": line("latte", 3)})
    assert "Cannot change the order; The receipt was lost" in await refusal(change)
    report = await ends(order)
    assert (report["status"], report["total"], report["paid"]) == ("COMPLETED", 420, 420)
    assert shop.check_books()["money"] == 420


async def test_a_change_that_costs_the_same_needs_no_payment(shop: CoffeeShop) -> None:
    order = await shop.places("7", ("flat white", 1), change_window=WINDOW)
    report = await order.execute_update("changeItem", {"name": "flat white", "item": line("cookie", 5)})
    assert (report["items"][0]["name"], report["paid"]) == ("cookie", 450)
    assert (await ends(order))["status"] == "COMPLETED"
    assert await scheduled(order) == ["processPayment", "prepareBeverage", "updateInventory", "earnPoints"]


# ---- baristas -------------------------------------------------------------------------------------------------


async def heartbeat(order: Handle) -> int | None:
    for pending in (await order.describe()).raw_description.pending_activities:
        if pending.heartbeat_details.payloads:
            return int(pending.heartbeat_details.payloads[0].data)
    return None


async def test_sixty_orders_at_once_leave_the_books_in_order(shop: CoffeeShop) -> None:
    notes = ["", "", "", "decline the card", "spill the milk twice", "drop the tray"]
    reports = await asyncio.gather(
        *(shop.serves(f"n{n}", customer_id=f"c{n % 5}", notes=notes[n % 6]) for n in range(60))
    )
    sold = sum(report["total"] for report in reports if report["status"] == "COMPLETED")
    assert shop.check_books()["money"] == sold == 40 * 420
    for n in range(5):
        await comes_to(shop.customer(f"c{n}"), sum(r["points"] for r in reports[n::5]))


async def test_every_step_of_a_barista_is_known_to_the_server_before_the_next_one_is_done(
    closed: CoffeeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default the SDK holds a heartbeat back for 80 % of the heartbeat timeout, 1.6 s."""
    note, known = Store.note_preparation, [threading.Event() for _ in STEPS]
    done, seconds = dict[int, float](), list[float]()

    def notes_once_the_last_one_is_known(store: Store, order_id: str, step: int, *rest: Any) -> None:
        known[step - 1].wait(PATIENCE_SECONDS)
        note(store, order_id, step, *rest)
        done[step] = time.monotonic()

    monkeypatch.setattr(Store, "note_preparation", notes_once_the_last_one_is_known)
    known[0].set()
    async with closed.serving():
        order = await closed.places("7")
        for step in range(1, len(STEPS)):
            await eventually(lambda: heartbeat(order), partial(eq, step), waiting_for=f"step {step} to be known")
            seconds.append(time.monotonic() - done[step])
            known[step].set()
        await ends(order)
    assert min(seconds) < 1, f"Steps were known after {seconds} s"
