"""Orders that are changed by the update `changeItem`."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from loyalty.coffee.messages import Payment
from loyalty.coffee.store import Store
from tests.support.coffee import CHANGE_WINDOW, DELIVERED, UNFINISHED_STEP, CoffeeShop, becomes, line, scheduled
from tests.support.helpers import PATIENCE_SECONDS, ends, refusal

pytestmark = pytest.mark.slow


async def test_customer_pays_the_difference_for_a_more_expensive_item(shop: CoffeeShop) -> None:
    order = await shop.places("7", change_window=CHANGE_WINDOW)
    report = await order.execute_update("changeItem", {"name": "latte", "item": line("flat white", 2)})
    assert (report["status"], report["total"], report["paid"]) == ("PAID", 900, 900)
    assert (await ends(order))["points"] == 9
    assert shop.in_stock("flat white") == DELIVERED - 2
    assert shop.check_books()["money"] == 900


async def test_customer_gets_the_difference_back_for_a_cheaper_item(shop: CoffeeShop) -> None:
    order = await shop.places("7", change_window=CHANGE_WINDOW)
    report = await order.execute_update("changeItem", {"name": "latte", "item": line("espresso")})
    assert report["paid"] == 250
    await ends(order)
    assert shop.check_books()["money"] == 250


async def test_a_changed_order_is_refunded_completely_after_a_failure(shop: CoffeeShop) -> None:
    order = await shop.places("7", change_window=CHANGE_WINDOW, notes="drop the tray")
    await order.execute_update("changeItem", {"name": "latte", "item": line("espresso", 3)})
    await order.execute_update("changeItem", {"name": "espresso", "item": line("cookie", 2)})
    assert (await ends(order))["status"] == "REFUNDED"
    assert shop.check_books()["money"] == 0


async def test_an_order_accepts_a_change_before_the_payment(closed_shop: CoffeeShop) -> None:
    order = await closed_shop.places("7", notes="lose the receipt", change_window=CHANGE_WINDOW)
    async with closed_shop.serving():
        await becomes(order, "PENDING")
        report = await order.execute_update("changeItem", {"name": "latte", "item": line("latte", 2)})
        assert report["paid"] == 840
        await ends(order)
    assert closed_shop.check_books()["money"] == 840


async def test_refusal_of_an_invalid_change_contains_the_reason(shop: CoffeeShop) -> None:
    order = await shop.places("7", ("latte", 1), ("cookie", 1), change_window=600)
    for change, sentence in [
        ({"name": "tea", "item": line("latte")}, "Cannot change 'tea'; the order has latte, cookie"),
        ({"name": "latte", "item": line("cookie")}, "Cannot change 'latte' into 'cookie'; the order already has"),
        ({"name": "latte", "item": {**line("latte"), "quantity": 0}}, "Cannot make 0 of latte"),
        ("a tea", "expected an object with the fields name, item"),
    ]:
        assert sentence in await refusal(order.execute_update("changeItem", change))
    assert (await order.query("status"))["total"] == 510
    await order.signal("cancelOrder")
    await ends(order)


async def test_order_stays_unchanged_if_the_payment_for_a_change_is_refused(closed_shop: CoffeeShop) -> None:
    async with closed_shop.serving():
        order = await closed_shop.places("7", change_window=20)
        await becomes(order, "PAID")
        run = str(order.first_execution_run_id)
        closed_shop.store.refund_payment("7", run, 2, "card")  # the part of the next change
        sentence = await refusal(order.execute_update("changeItem", {"name": "latte", "item": line("latte", 2)}))
        assert "Cannot change the order; Cannot pay part 2 of order 7" in sentence
        report = await order.execute_update("changeItem", {"name": "latte", "item": line("latte", 3)})
        assert report["paid"] == 1_260
        await order.signal("cancelOrder")
        await ends(order)
    assert closed_shop.check_books()["money"] == 0


async def test_an_order_refuses_a_change_during_the_preparation(closed_shop: CoffeeShop) -> None:
    async with closed_shop.serving(step_seconds=UNFINISHED_STEP):
        order = await closed_shop.places("7")
        await becomes(order, "PREPARING")
        sentence = await refusal(order.execute_update("changeItem", {"name": "latte", "item": line("espresso")}))
        assert sentence == "Cannot change order 7; it is PREPARING, expected PENDING or PAID"
        await order.signal("cancelOrder")
        await ends(order)


async def test_a_waiting_change_is_refused_if_the_order_fails(closed_shop: CoffeeShop) -> None:
    async with closed_shop.serving():
        order = await closed_shop.places("7", notes="lose every receipt")
        change = order.execute_update("changeItem", {"name": "latte", "item": line("espresso")})
        assert "it is FAILED" in await refusal(change)
        await ends(order)


async def test_an_order_does_not_wait_for_changes_after_a_cancellation(shop: CoffeeShop) -> None:
    order = await shop.places("7", change_window=3_600)
    await becomes(order, "PAID")
    await order.signal("cancelOrder", "no time")
    assert (await ends(order))["status"] == "CANCELLED"
    assert shop.money() == 0


async def test_a_change_is_refused_while_a_compensation_runs(closed_shop: CoffeeShop) -> None:
    async with closed_shop.serving():
        order = await closed_shop.places("7", notes="jam the till", change_window=60)
        await becomes(order, "PAID")
        await order.signal("cancelOrder")
        change = order.execute_update("changeItem", {"name": "latte", "item": line("espresso")})
        assert "it is being cancelled" in await asyncio.wait_for(refusal(change), PATIENCE_SECONDS)
        await order.terminate()


async def test_an_order_completes_although_a_change_failed_and_was_undone(
    shop: CoffeeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = Store.take_payment

    def take_but_lose_receipts_of_changes(*args: Any) -> Payment:
        payment = take(*args)
        if payment.amount != 420:
            raise ConnectionError("The receipt was lost")
        return payment

    monkeypatch.setattr(Store, "take_payment", take_but_lose_receipts_of_changes)
    order = await shop.places("7", change_window=10)
    change = order.execute_update("changeItem", {"name": "latte", "item": line("latte", 3)})
    assert "Cannot change the order; The receipt was lost" in await refusal(change)
    report = await ends(order)
    assert (report["status"], report["total"], report["paid"]) == ("COMPLETED", 420, 420)
    assert shop.check_books()["money"] == 420


async def test_a_change_needs_no_payment_if_the_price_stays_the_same(shop: CoffeeShop) -> None:
    order = await shop.places("7", ("flat white", 1), change_window=CHANGE_WINDOW)
    report = await order.execute_update("changeItem", {"name": "flat white", "item": line("cookie", 5)})
    assert (report["items"][0]["name"], report["paid"]) == ("cookie", 450)
    assert (await ends(order))["status"] == "COMPLETED"
    assert await scheduled(order) == ["processPayment", "prepareBeverage", "updateInventory", "earnPoints"]
