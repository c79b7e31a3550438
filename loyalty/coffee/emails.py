"""Texts of the coffee shop's e-mails."""

from __future__ import annotations

from loyalty.actor.messages import Mail
from loyalty.coffee import menu
from loyalty.coffee.messages import Order, OrderStatus

SUBJECTS = {
    OrderStatus.READY: "Your order {} is ready",
    OrderStatus.FAILED: "Your order {} did not work out",
    OrderStatus.REFUNDED: "Your order {} was refunded",
    OrderStatus.CANCELLED: "Your order {} was cancelled",
}
TOPIC = "order"


def about(order: Order, status: OrderStatus, reason: str) -> Mail:
    """Return the e-mail about the order's status. An e-mail about a failure contains the `reason`."""
    items = ", ".join(f"{one.quantity} x {one.name}" for one in order.items)
    greeting = f"Dear {order.customer_name or order.customer_id},"
    if status is OrderStatus.READY:
        news = f"{items} for {menu.price_in_words(menu.total(order.items))} wait for you at the counter."
    else:
        news = f"{items}: no money was kept. The reason: {reason}."
    return Mail(order.email, SUBJECTS[status].format(order.order_id), f"{greeting}\n\n{news}\n", TOPIC)
