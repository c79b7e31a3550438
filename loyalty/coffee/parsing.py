"""What arrives at the coffee shop, made into messages, or a sentence that says what is wrong. Pure.

See loyalty.parsing for why the SDK's own conversion is not used.
"""

from __future__ import annotations

from loyalty import parsing
from loyalty.coffee import menu
from loyalty.coffee.messages import Item, ItemChange, Order, order_workflow_id
from loyalty.parsing import Refused

MAX_ITEMS = 20
"""Lines of one order."""

MAX_QUANTITY = 100
"""Of one product in one order; who needs more talks to the shop."""

MAX_CHANGE_WINDOW = 3_600
"""Seconds."""

PAYMENT_METHODS = ("card", "cash", "gift card")

OPTIONAL = ("notes", "customer_name", "email", "payment_method", "change_window", "total")


def order(order: object = None, *surplus: object, workflow_id: str) -> Order:
    """Parse the workflow's input, and refuse an order that runs under another order's id."""
    parsing.no_surplus("an order", surplus, "one object")
    raw = parsing.fields(order, Order, *OPTIONAL)
    order_id = parsing.transaction_id(raw["order_id"])
    possible = order_workflow_id(order_id)
    if workflow_id != possible:  # its activities would find done what the other order did
        raise Refused(f"Cannot make order {order_id!r} in the workflow {workflow_id!r}; possible is {possible!r}")
    placed = Order(
        order_id,
        parsing.customer_id(raw["customer_id"]),
        _items(raw["items"]),
        parsing.text(raw.get("notes", ""), "notes", required=False),
        parsing.text(raw.get("customer_name", ""), "a name", required=False),
        parsing.email(raw.get("email", "")),
        _payment_method(raw.get("payment_method", PAYMENT_METHODS[0])),
        _change_window(raw.get("change_window", 0)),
    )
    placed.total = menu.total(placed.items)
    stated = raw.get("total")
    if stated is not None and (isinstance(stated, bool) or stated != placed.total):
        raise Refused(f"Cannot take {parsing.shown(stated)} cents; the items cost {placed.total:,}")
    return placed


def item_change(change: object = None, *surplus: object) -> ItemChange:
    """Parse `changeItem`; whether the order has such a line only the order can tell."""
    parsing.no_surplus("a change", surplus, "one object")
    raw = parsing.fields(change, ItemChange)
    return ItemChange(parsing.text(raw["name"], "a product's name"), item(raw["item"]))


def cancellation(reason: object = None, *surplus: object) -> str:
    """Parse `cancelOrder` and return the reason."""
    parsing.no_surplus("a cancellation", surplus, "a reason")
    return "no reason given" if reason is None else parsing.text(reason, "a reason")


def item(value: object) -> Item:
    """Return one line of an order; raise Refused where the menu has no such product at that price."""
    raw = parsing.fields(value, Item)
    product = menu.product_named(parsing.text(raw["name"], "a product's name"))
    quantity, price = raw["quantity"], raw["unit_price"]
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= MAX_QUANTITY:
        raise Refused(
            f"Cannot make {parsing.shown(quantity)} of {product.name}; "
            f"possible is a whole number from 1 to {MAX_QUANTITY}"
        )
    if isinstance(price, bool) or price != product.price:
        raise Refused(f"Cannot sell {product.name} at {parsing.shown(price)} cents; the menu says {product.price}")
    return Item(product.name, quantity, product.price)


def _items(value: object) -> list[Item]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_ITEMS:
        many = f"{len(value)} items" if isinstance(value, list) else parsing.shown(value)
        raise Refused(f"Cannot make an order of {many}; possible is a list of 1 to {MAX_ITEMS} items")
    items = [item(line) for line in value]
    if len({one.name for one in items}) < len(items):
        raise Refused("Cannot read an order with two lines of one product; possible is one line with their quantity")
    return items


def _payment_method(value: object) -> str:
    if value not in PAYMENT_METHODS or not isinstance(value, str):
        raise Refused(f"Cannot be paid by {parsing.shown(value)}; possible are {', '.join(PAYMENT_METHODS)}")
    return value


def _change_window(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MAX_CHANGE_WINDOW:
        raise Refused(f"Cannot wait {parsing.shown(value)} s for changes; possible are 0 to {MAX_CHANGE_WINDOW:,}")
    return value
