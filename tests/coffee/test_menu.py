"""Prices, points and changes of an order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.actor.refusals import Refused
from loyalty.coffee import menu
from loyalty.coffee.messages import Item, ItemChange

PRODUCTS = st.sampled_from(menu.MENU)
ITEMS = st.lists(
    st.builds(lambda product, quantity: menu.item(product.name, quantity), PRODUCTS, st.integers(1, 100)), max_size=20
)


@pytest.mark.parametrize(
    ("items", "total", "points"),
    [
        ([], 0, 0),
        ([Item("cookie", 1, 90)], 90, 0),
        ([Item("espresso", 1, 250)], 250, 2),
        ([Item("latte", 5, 420)], 2_100, 21),
        ([Item("latte", 1, 420), Item("croissant", 2, 320)], 1_060, 10),
        ([Item("cookie", 10, 90)], 900, 9),
        ([Item("cookie", 11, 90)], 990, 9),
        ([Item("flat white", 100, 450)], 45_000, 450),
    ],
)
def test_order_earns_one_point_per_full_currency_unit(items: list[Item], total: int, points: int) -> None:
    assert menu.total(items) == total
    assert menu.points_for(total) == points


@pytest.mark.parametrize(
    ("cents", "words"), [(0, "0.00"), (5, "0.05"), (90, "0.90"), (420, "4.20"), (123_456, "1,234.56"), (-50, "-0.50")]
)
def test_a_price_is_shown_with_two_decimal_places(cents: int, words: str) -> None:
    assert menu.price_in_words(cents) == words


@given(ITEMS, ITEMS)
def test_two_small_orders_never_earn_more_points_than_one_large_order(some: list[Item], others: list[Item]) -> None:
    assert menu.total(some + others) == menu.total(some) + menu.total(others)
    apart = menu.points_for(menu.total(some)) + menu.points_for(menu.total(others))
    assert 0 <= menu.points_for(menu.total(some + others)) - apart <= 1


def test_every_product_has_a_unique_name_and_a_price() -> None:
    assert len({product.name for product in menu.MENU}) == len(menu.MENU)
    assert all(product.price > 0 for product in menu.MENU)


def test_error_for_an_unknown_product_contains_the_menu() -> None:
    with pytest.raises(Refused, match="Cannot sell 'tea'; expected espresso, cappuccino, latte"):
        menu.item("tea")


LATTE, COOKIES = menu.item("latte"), menu.item("cookie", 2)


@pytest.mark.parametrize(
    ("change", "items"),
    [
        (ItemChange("latte", menu.item("latte", 3)), [menu.item("latte", 3), COOKIES]),
        (ItemChange("cookie", menu.item("croissant")), [LATTE, menu.item("croissant")]),
    ],
)
def test_a_change_of_an_order_replaces_one_line(change: ItemChange, items: list[Item]) -> None:
    assert menu.changed([LATTE, COOKIES], change) == items


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (ItemChange("espresso", LATTE), "Cannot change 'espresso'; the order has latte, cookie"),
        (
            ItemChange("latte", COOKIES),
            "Cannot change 'latte' into 'cookie'; the order already has a line of that name",
        ),
    ],
)
def test_a_change_is_refused_if_a_line_is_missing_or_a_product_would_occur_twice(
    change: ItemChange, sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        menu.changed([LATTE, COOKIES], change)
