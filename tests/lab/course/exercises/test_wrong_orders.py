"""A wrong try at an exercise about orders gets a fitting hint, and a later correct try passes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from temporalio.client import Client, WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.service import RPCError

from loyalty.coffee import menu
from loyalty.coffee.messages import TASK_QUEUE, WORKFLOW_TYPE, order_workflow_id
from loyalty.lab.course import exercises
from loyalty.messages import TASK_QUEUE as CUSTOMERS
from loyalty.messages import WORKFLOW_TYPE as CUSTOMER
from tests.support.coffee import CoffeeShop, sqlite_url
from tests.support.helpers import Handle, ends, eventually
from tests.support.tries import MONDAY, NAMES, STUCK, Right, WrongTry, check_hint_and_right_try, hint_of, titled

pytestmark = pytest.mark.slow

Make: TypeAlias = Callable[[CoffeeShop], Awaitable[Any]]

TWO_PRODUCTS = (("latte", 1), ("cookie", 1))
PRICES = {product.name: product.price for product in menu.MENU}
LATTE = {"name": "latte", "quantity": 1, "unit_price": PRICES["latte"]}
LOST = "lose the receipt"
TROUBLE = "spill all the milk; jam the till"


@pytest.fixture
async def shop(client: Client, tmp_path: Path) -> AsyncIterator[CoffeeShop]:
    shop = CoffeeShop(client, sqlite_url(tmp_path))
    async with shop.serving():
        yield shop


# ---- how a try is made ----------------------------------------------------------------------------------------


async def nothing(shop: CoffeeShop) -> None:
    pass


def changed(order: Handle, name: str, new: str) -> Awaitable[Any]:
    item = {"name": new, "quantity": 1, "unit_price": PRICES.get(new, 1)}
    return order.execute_update("changeItem", {"name": name, "item": item})


def monday(*items: tuple[str, int], change: tuple[str, str] | None = None, wait: bool = True, **fields: Any) -> Make:
    """Place the order `monday`, change one of its lines, and wait for the order's end."""

    async def make(shop: CoffeeShop) -> None:
        order = await shop.places("monday", *items or TWO_PRODUCTS, **fields)
        if change:
            with suppress(WorkflowUpdateFailedError):
                await changed(order, *change)
        if wait:
            await ends(order)

    return titled(make, f"{items} {change} {fields}"[:80])


def ended(how: str) -> Make:
    """Place an order that waits for changes after the payment, and end the order in the given way."""

    async def make(shop: CoffeeShop) -> None:
        order = await shop.places("monday", *TWO_PRODUCTS, notes=LOST, change_window=60)
        await eventually(lambda: shop.money("monday"), waiting_for="the payment")
        await (order.signal("cancelOrder", "no time") if how == "cancelOrder" else getattr(order, how)())
        with suppress(WorkflowFailureError):
            await order.result()

    return titled(make, how)


async def placed_twice_under_one_id(shop: CoffeeShop) -> None:
    await monday()(shop)
    await monday(notes=LOST, change=("cookie", "croissant"))(shop)


async def is_undoing(order: Handle) -> bool:
    return bool((await order.query("progress"))["undoing"])


async def stuck(shop: CoffeeShop, order_id: str = "o-stuck") -> Handle:
    order = await shop.places(order_id, notes=TROUBLE)
    await eventually(lambda: is_undoing(order), waiting_for="the order to be stuck")
    return order


async def cancelled_while_stuck(shop: CoffeeShop) -> None:
    await (await stuck(shop)).cancel()


async def told_to_cancel_while_stuck(shop: CoffeeShop) -> None:
    await (await stuck(shop)).signal("cancelOrder", "too late")


async def another_order_is_terminated(shop: CoffeeShop) -> None:
    await stuck(shop)
    await (await shop.places("o-other", change_window=60)).terminate()


async def terminated_before_payment(shop: CoffeeShop) -> None:
    start = {"order_id": "o-stuck", "customer_id": "ada", "items": [LATTE]}
    order = await shop.client.start_workflow(
        WORKFLOW_TYPE, start, id=order_workflow_id("o-stuck"), task_queue=TASK_QUEUE, start_delay=timedelta(hours=1)
    )
    await order.terminate()


async def terminated_after_the_refund(shop: CoffeeShop) -> None:
    shop.mails.down = True  # the order keeps running, because it cannot send its e-mail
    order = await shop.places("o-stuck", notes="drop the tray", email="ada@example.com")
    await eventually(lambda: shop.mails.attempts, waiting_for="the e-mail about the refund")
    await order.terminate()


async def terminated_after_it_was_served(shop: CoffeeShop) -> None:
    shop.mails.down = True
    order = await shop.places("o-stuck", email="ada@example.com")
    await eventually(lambda: shop.mails.attempts, waiting_for="the e-mail about the order")
    await order.terminate()


async def terminated_too_late(shop: CoffeeShop) -> None:
    order = await shop.places("o-stuck")
    await ends(order)
    with suppress(RPCError):
        await order.terminate()


def wrong_starts(exercise: str) -> list[WrongTry[CoffeeShop]]:
    name = NAMES[exercise]
    right = order_workflow_id(name)

    def started(id: str, title: str, **how: Any) -> Make:
        async def make(shop: CoffeeShop) -> None:
            start = how.get("start", {"order_id": name, "customer_id": "ada", "items": [LATTE]})
            kind, queue = how.get("kind", WORKFLOW_TYPE), how.get("task_queue", TASK_QUEUE)
            await shop.client.start_workflow(kind, start, id=id, task_queue=queue)

        return titled(make, title)

    return [
        WrongTry(exercise, nothing, f"there is no workflow with the id '{right}'. "),
        WrongTry(exercise, started(name, "bare id"), f"no workflow with the id '{right}', but there is '{name}'"),
        WrongTry(
            exercise,
            started(order_workflow_id(name.title()), "capital letter"),
            f"but there is 'coffee-order-{name.title()}'",
        ),
        WrongTry(
            exercise,
            started(right, "customers' queue", task_queue=CUSTOMERS),
            f"event 1 of {right} names the task queue 'customer-loyalty', but the worker that runs {WORKFLOW_TYPE}",
        ),
        WrongTry(
            exercise,
            started(right, "customer", kind=CUSTOMER, start={"customer": {"customer_id": "ada"}}),
            f"event 1 of {right} starts a CustomerLoyaltyWorkflow, not a CoffeeOrderWorkflow",
        ),
    ]


REFUSED = "the order coffee-order-monday was refused: Cannot "
NO_SECOND = 'found one attempt of each payment, expected a second attempt: write "lose the receipt" in notes'
ONE_BOOKED = "found 1 booked payment, expected two: changeItem pays the difference"

MONDAYS = [
    WrongTry(MONDAY, monday(wait=False, change_window=60), "has not ended yet. Await the order's result(), then"),
    WrongTry(MONDAY, monday(("latte", 1), ("latte", 1)), f"{REFUSED}read an order with two lines of one product"),
    WrongTry(MONDAY, monday(("latte", 0), ("cookie", 1)), f"{REFUSED}make 0 of latte"),
    WrongTry(MONDAY, monday(total=1), f"{REFUSED}take 1 cents"),
    WrongTry(MONDAY, monday(change_window=-1), f"{REFUSED}wait -1 s for changes"),
    WrongTry(MONDAY, monday(), f"{NO_SECOND}, and coffee-order-monday has ended (COMPLETED). Pl"),
    WrongTry(MONDAY, monday(notes="Lose a receipt"), NO_SECOND),
    WrongTry(MONDAY, monday(change=("cookie", "croissant"), change_window=1), NO_SECOND),
    WrongTry(MONDAY, monday(notes=LOST), ONE_BOOKED),
    WrongTry(MONDAY, monday(notes=LOST, change=("latte", "latte")), ONE_BOOKED),
    WrongTry(MONDAY, monday(notes=LOST, change=("tea", "latte")), ONE_BOOKED),
    WrongTry(MONDAY, monday(notes=LOST, change=("latte", "moon dust")), ONE_BOOKED),
    WrongTry(MONDAY, monday(notes="lose every receipt"), "ended as FAILED, without a payment: "),
    WrongTry(MONDAY, monday(notes="decline the card"), "ended as FAILED, without a payment: "),
    WrongTry(
        MONDAY, monday(notes=f"{LOST}; drop the tray", change=("cookie", "croissant")), "ended as REFUNDED (The tray"
    ),
    WrongTry(MONDAY, monday(("latte", 1), notes=LOST, change=("latte", "espresso")), "with one product, expected two"),
    WrongTry(MONDAY, placed_twice_under_one_id, "an order id can be used only once, and an earlier order has this id"),
    WrongTry(MONDAY, ended("cancelOrder"), "ended as CANCELLED (no time), expected COMPLETED, and coffee-order-monday"),
    WrongTry(MONDAY, ended("cancel"), "of coffee-order-monday ends it without a report, and coffee-order-monday has"),
    WrongTry(MONDAY, ended("terminate"), "ends it without a report, and coffee-order-monday has ended (TERMINATED)"),
]

NOT_TERMINATED = "does not terminate the order"
ENDED = "and coffee-order-o-stuck has ended (TERMINATED)"
GET_ANOTHER = "Get another order stuck with `await orchestrate(lab, 'o-stuck-2', trouble)`"
STUCKS = [
    WrongTry(STUCK, stuck, f"{NOT_TERMINATED}. Call `terminate()` of the order's handle"),
    WrongTry(
        STUCK,
        cancelled_while_stuck,
        f"{NOT_TERMINATED}. Call `terminate()` of the order's handle: cancel() sends a request",
    ),
    WrongTry(STUCK, told_to_cancel_while_stuck, f"{NOT_TERMINATED}. Call `terminate()` of the order's handle"),
    WrongTry(STUCK, another_order_is_terminated, f"{NOT_TERMINATED}. Call `terminate()` of the order's handle"),
    WrongTry(
        STUCK, terminated_before_payment, "terminated the order after 0 payments and 0 refunds, so the shop has kept no"
    ),
    WrongTry(
        STUCK, terminated_after_the_refund, "terminated the order after 1 payment and 1 refund, so the shop has kept no"
    ),
    WrongTry(
        STUCK, terminated_after_it_was_served, f"the order after the shop had served the coffee, {ENDED}. {GET_ANOTHER}"
    ),
    WrongTry(STUCK, terminated_too_late, "and coffee-order-o-stuck has ended (COMPLETED). Get another order stuck"),
]


# ---- and the right ones ---------------------------------------------------------------------------------------


async def right_monday(shop: CoffeeShop, name: str) -> None:
    shop.mails.down = False
    order = await shop.places(name, *TWO_PRODUCTS, notes=LOST)
    await changed(order, "cookie", "croissant")
    await ends(order)


async def right_stuck(shop: CoffeeShop, name: str) -> None:
    shop.mails.down = False
    await (await stuck(shop, name)).terminate()


RIGHT: dict[str, Right[CoffeeShop]] = {MONDAY: right_monday, STUCK: right_stuck}

WRONG = [*MONDAYS, *STUCKS, *(wrong for exercise in RIGHT for wrong in wrong_starts(exercise))]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_wrong_solution_of_an_order_exercise_gets_a_hint(shop: CoffeeShop, wrong: WrongTry[CoffeeShop]) -> None:
    await check_hint_and_right_try(shop, wrong, RIGHT[wrong.exercise])


async def test_exercise_check_accepts_a_stuck_order_after_its_termination(shop: CoffeeShop) -> None:
    order = await stuck(shop)
    assert "Call `terminate()` of the order's handle" in await hint_of(STUCK, shop.client)
    await order.terminate()
    assert (await exercises.check(STUCK, shop.client)).startswith("Done: ")
