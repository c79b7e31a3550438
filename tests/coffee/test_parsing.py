"""The refusal of an invalid order contains the request and the possible values."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.actor.refusals import Refused
from loyalty.coffee import menu, parsing
from loyalty.coffee.messages import Item, ItemChange, Order, order_workflow_id

LATTE = {"name": "latte", "quantity": 1, "unit_price": 420}


def placed(order_id: str = "7", **fields: Any) -> dict[str, Any]:
    return {"order_id": order_id, "customer_id": "ada", "items": [LATTE], **fields}


def parse(order: object, *surplus: object) -> Order:
    return parsing.order(order, *surplus, workflow_id=order_workflow_id("7"))


def test_the_optional_fields_of_an_order_may_be_missing() -> None:
    assert parse(placed()) == Order("7", "ada", [menu.item("latte")], total=420)


def test_a_parsed_order_contains_all_optional_fields() -> None:
    stated: dict[str, Any] = {
        "notes": "oat milk",
        "customer_name": "Ada",
        "email": "ada@example.org",
        "payment_method": "cash",
        "change_window": 1.5,
        "total": 420,
    }
    assert parse(placed(**stated)) == Order(items=[menu.item("latte")], order_id="7", customer_id="ada", **stated)


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        (None, "Cannot read None; expected an object with the fields order_id, customer_id, items"),
        ("one latte, please", "Cannot read 'one latte, please'; expected an object"),
        ({"order_id": "7"}, "expected an object with the fields order_id, customer_id, items"),
        (placed(order_id=""), "Cannot use '' as a transaction id"),
        (placed(order_id="8"), "Cannot make order '8' in the workflow 'coffee-order-7'; expected 'coffee-order-8'"),
        (placed(customer_id=""), "Cannot use an empty text as a customer id"),
        (placed(items=[]), "Cannot make an order of 0 items; expected a list of 1 to 20 items"),
        (placed(items=[LATTE] * 21), "Cannot make an order of 21 items"),
        (placed(items="latte"), "Cannot make an order of 'latte'"),
        (placed(items=[LATTE, LATTE]), "two lines of one product; expected one line with the whole quantity"),
        (placed(items=[{**LATTE, "name": "tea"}]), "Cannot sell 'tea'; expected espresso"),
        (placed(items=[{**LATTE, "quantity": 0}]), "Cannot make 0 of latte; expected a whole number from 1 to 100"),
        (placed(items=[{**LATTE, "quantity": -3}]), "Cannot make -3 of latte"),
        (placed(items=[{**LATTE, "quantity": 10**12}]), "Cannot make 1000000000000 of latte"),
        (placed(items=[{**LATTE, "quantity": 1.5}]), "Cannot make 1.5 of latte"),
        (placed(items=[{**LATTE, "quantity": True}]), "Cannot make True of latte"),
        (placed(items=[{**LATTE, "unit_price": 1}]), "Cannot sell latte at 1 cents; the menu price is 420"),
        (placed(items=[{**LATTE, "unit_price": -420}]), "Cannot sell latte at -420 cents"),
        (placed(items=[{"name": "latte"}]), "expected an object with the fields name, quantity, unit_price"),
        (placed(total=1), "Cannot take 1 cents; the items cost 420"),
        (placed(total="420"), "Cannot take '420' cents; the items cost 420"),
        (placed(payment_method="promise"), "Cannot pay by 'promise'; expected card, cash, gift card"),
        (placed(payment_method=["card"]), "Cannot pay by ['card']"),
        (placed(change_window=-1), "Cannot wait -1 s for changes; expected 0 to 3,600"),
        (placed(change_window=float("nan")), "Cannot wait nan s for changes"),
        (placed(email="ada"), "Cannot use 'ada' as an e-mail address"),
        (placed(notes="x" * 201), "expected text of at most 200 printable characters"),
    ],
)
def test_refusal_of_an_invalid_order_contains_the_reason(order: object, sentence: str) -> None:
    with pytest.raises(Refused, match=re.escape(sentence)):
        parse(order)


def test_an_order_with_a_surplus_argument_is_refused() -> None:
    with pytest.raises(Refused, match="Cannot read an order with \\['and a cookie'\\] at its end"):
        parse(placed(), "and a cookie")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
FIELDS = st.sampled_from([*Order.__annotations__, *Item.__annotations__])


@given(st.dictionaries(FIELDS, JSON), st.dictionaries(FIELDS, JSON))
def test_random_input_is_either_parsed_or_refused(fields: dict[str, Any], line: dict[str, Any]) -> None:
    try:
        order = parse({**placed(items=[{**LATTE, **line}]), **fields})
    except Refused:
        return
    assert order.total == menu.total(order.items) > 0


def test_an_invalid_change_of_an_order_is_refused() -> None:
    change = {"name": "latte", "item": {**LATTE, "quantity": 2}}
    assert parsing.item_change(change) == ItemChange("latte", menu.item("latte", 2))
    with pytest.raises(Refused, match="expected an object with the fields name, item"):
        parsing.item_change("two lattes")
    with pytest.raises(Refused, match="Cannot make 0 of latte"):
        parsing.item_change({"name": "latte", "item": {**LATTE, "quantity": 0}})


def test_reason_of_a_cancellation_is_optional() -> None:
    assert parsing.cancellation() == "no reason given"
    assert parsing.cancellation("too slow") == "too slow"
    for bad in (7, "", "x" * 201, ["too slow"]):
        with pytest.raises(Refused, match="as a reason"):
            parsing.cancellation(bad)


def test_largest_quantity_and_longest_change_window_are_accepted() -> None:
    most = {**LATTE, "quantity": parsing.MAX_QUANTITY}
    assert parse(placed(items=[most])).items[0].quantity == parsing.MAX_QUANTITY
    with pytest.raises(Refused, match="Cannot make 101 of latte"):
        parse(placed(items=[{**LATTE, "quantity": parsing.MAX_QUANTITY + 1}]))
    assert parse(placed(change_window=parsing.MAX_CHANGE_WINDOW)).change_window == parsing.MAX_CHANGE_WINDOW


def test_a_change_with_a_surplus_argument_is_refused() -> None:
    with pytest.raises(Refused, match="Cannot read a change with \\['and a cookie'\\] at its end"):
        parsing.item_change({"name": "latte", "item": LATTE}, "and a cookie")
