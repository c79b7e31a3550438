"""Products and prices of the coffee shop. All functions are pure, and all prices are integer cents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from loyalty.actor.refusals import Refused
from loyalty.coffee.messages import Item, ItemChange

CENTS = 100
"""Cents per currency unit. Each full currency unit earns one point."""


@dataclass(frozen=True)
class Product:
    """One product of the menu. The `price` is in cents."""

    name: str
    price: int


MENU = (
    Product("espresso", 250),
    Product("cappuccino", 390),
    Product("latte", 420),
    Product("flat white", 450),
    Product("croissant", 320),
    Product("cookie", 90),
)


def product_named(name: str) -> Product:
    """Return the product with this name; raise Refused if the menu does not contain the product."""
    product = next((product for product in MENU if product.name == name), None)
    if product is None:
        raise Refused(f"Cannot sell {name!r}; expected {', '.join(product.name for product in MENU)}")
    return product


def item(name: str, quantity: int = 1) -> Item:
    """Return an order line with the price from the menu."""
    return Item(name, quantity, product_named(name).price)


def total(items: Sequence[Item]) -> int:
    """Return the price of all items, in cents."""
    return sum(item.quantity * item.unit_price for item in items)


def points_for(amount: int) -> int:
    """Return the points for `amount` cents: one point per full currency unit."""
    return amount // CENTS


def changed(items: Sequence[Item], change: ItemChange) -> list[Item]:
    """Return the changed items.

    Raise Refused if the order does not contain the old line, or already has another line for the new product.
    """
    others = [one for one in items if one.name != change.name]
    if len(others) == len(items):
        ordered = ", ".join(one.name for one in items)
        raise Refused(f"Cannot change {change.name!r}; the order has {ordered}")
    if any(one.name == change.item.name for one in others):
        raise Refused(
            f"Cannot change {change.name!r} into {change.item.name!r}; the order already has a line of that name"
        )
    return [replace(change.item) if one.name == change.name else one for one in items]


def price_in_words(cents: int) -> str:
    """Return an amount as text, for example `4.20` for 420 cents."""
    return f"{cents / CENTS:,.2f}"
