"""What the shop sells and what it costs. Pure; money is in integer cents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from loyalty.actor.refusals import Refused
from loyalty.coffee.messages import Item, ItemChange

CENTS = 100
"""In one currency unit; each full one earns a point."""


@dataclass(frozen=True)
class Product:
    """What can be ordered, at `price` cents."""

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
    """Return the product of that name; raise Refused where the menu has none."""
    product = next((product for product in MENU if product.name == name), None)
    if product is None:
        raise Refused(f"Cannot sell {name!r}; possible are {', '.join(product.name for product in MENU)}")
    return product


def item(name: str, quantity: int = 1) -> Item:
    """Return a line of an order at the menu's price."""
    return Item(name, quantity, product_named(name).price)


def total(items: Sequence[Item]) -> int:
    """Return what the items cost together, in cents."""
    return sum(item.quantity * item.unit_price for item in items)


def points_for(amount: int) -> int:
    """Return what `amount` cents earn: one point per full currency unit."""
    return amount // CENTS


def changed(items: Sequence[Item], change: ItemChange) -> list[Item]:
    """Return the items after `change`; raise Refused where no line, or more than one, could be meant."""
    others = [one for one in items if one.name != change.name]
    if len(others) == len(items):
        ordered = ", ".join(one.name for one in items)
        raise Refused(f"Cannot change {change.name!r}; the order has {ordered}")
    if any(one.name == change.item.name for one in others):
        raise Refused(f"Cannot make {change.name!r} {change.item.name!r}; the order has a line of that name already")
    return [replace(change.item) if one.name == change.name else one for one in items]


def price_in_words(cents: int) -> str:
    """Return an amount as people write it; `4.20` for 420."""
    return f"{cents / CENTS:,.2f}"
