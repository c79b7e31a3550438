"""Parse the input and the messages of an order. The functions are pure, and raise Refused if an argument is wrong.

The module `loyalty.parsing` explains why the SDK's own conversion is not used.
"""

from __future__ import annotations

from loyalty import parsing
from loyalty.actor import refusals, values
from loyalty.actor.refusals import Refused
from loyalty.coffee import menu
from loyalty.coffee.messages import Item, ItemChange, Order, order_workflow_id

MAX_ITEMS = 20
"""Lines per order."""

MAX_QUANTITY = 100
"""Units of one product per order."""

MAX_CHANGE_WINDOW = 3_600
"""Seconds."""

PAYMENT_METHODS = ("card", "cash", "gift card")

OPTIONAL = ("notes", "customer_name", "email", "payment_method", "change_window", "total")


def order(order: object = None, *surplus: object, workflow_id: str) -> Order:
    """Parse the workflow's input; raise Refused if the workflow id belongs to another order."""
    values.no_surplus("an order", surplus, "one object")
    raw = values.fields(order, Order, *OPTIONAL)
    order_id = values.transaction_id(raw["order_id"])
    possible = order_workflow_id(order_id)
    if workflow_id != possible:  # its activities would find the other order's rows
        raise Refused(f"Cannot make order {order_id!r} in the workflow {workflow_id!r}; expected {possible!r}")
    placed = Order(
        order_id,
        parsing.customer_id(raw["customer_id"]),
        _items(raw["items"]),
        values.text(raw.get("notes", ""), "notes", required=False),
        values.text(raw.get("customer_name", ""), "a name", required=False),
        values.email(raw.get("email", "")),
        _payment_method(raw.get("payment_method", PAYMENT_METHODS[0])),
        _change_window(raw.get("change_window", 0)),
    )
    placed.total = menu.total(placed.items)
    stated = raw.get("total")
    if stated is not None and (isinstance(stated, bool) or stated != placed.total):
        raise Refused(f"Cannot take {refusals.shown(stated)} cents; the items cost {placed.total:,}")
    return placed


def item_change(change: object = None, *surplus: object) -> ItemChange:
    """Parse the argument of `changeItem`. The workflow checks later whether the order contains this line."""
    values.no_surplus("a change", surplus, "one object")
    raw = values.fields(change, ItemChange)
    return ItemChange(values.text(raw["name"], "a product's name"), item(raw["item"]))


def cancellation(reason: object = None, *surplus: object) -> str:
    """Parse the argument of `cancelOrder` and return the reason."""
    values.no_surplus("a cancellation", surplus, "a reason")
    return "no reason given" if reason is None else values.text(reason, "a reason")


def item(value: object) -> Item:
    """Return one order line; raise Refused if the product or its price is not on the menu."""
    raw = values.fields(value, Item)
    product = menu.product_named(values.text(raw["name"], "a product's name"))
    quantity, price = raw["quantity"], raw["unit_price"]
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= MAX_QUANTITY:
        raise Refused(
            f"Cannot make {refusals.shown(quantity)} of {product.name}; "
            f"expected a whole number from 1 to {MAX_QUANTITY}"
        )
    if isinstance(price, bool) or price != product.price:
        raise Refused(f"Cannot sell {product.name} at {refusals.shown(price)} cents; the menu price is {product.price}")
    return Item(product.name, quantity, product.price)


def _items(value: object) -> list[Item]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_ITEMS:
        many = f"{len(value)} items" if isinstance(value, list) else refusals.shown(value)
        raise Refused(f"Cannot make an order of {many}; expected a list of 1 to {MAX_ITEMS} items")
    items = [item(line) for line in value]
    if len({one.name for one in items}) < len(items):
        raise Refused("Cannot read an order with two lines of one product; expected one line with the whole quantity")
    return items


def _payment_method(value: object) -> str:
    if value not in PAYMENT_METHODS or not isinstance(value, str):
        raise Refused(f"Cannot pay by {refusals.shown(value)}; expected {', '.join(PAYMENT_METHODS)}")
    return value


def _change_window(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MAX_CHANGE_WINDOW:
        raise Refused(f"Cannot wait {refusals.shown(value)} s for changes; expected 0 to {MAX_CHANGE_WINDOW:,}")
    return value
