"""Texts of the coffee shop's e-mails."""

from __future__ import annotations

import pytest

from loyalty.coffee import emails, menu
from loyalty.coffee.messages import Order, OrderStatus

ORDER = Order("7", "ada", [menu.item("latte", 2), menu.item("cookie")], email="ada@example.org")


def test_email_about_a_ready_order_contains_the_items_and_the_price() -> None:
    mail = emails.about(ORDER, OrderStatus.READY, "")
    assert (mail.to, mail.subject) == ("ada@example.org", "Your order 7 is ready")
    assert mail.body == "Dear ada,\n\n2 x latte, 1 x cookie for 9.30 wait for you at the counter.\n"


@pytest.mark.parametrize(
    ("status", "subject"),
    [
        (OrderStatus.FAILED, "Your order 7 did not work out"),
        (OrderStatus.REFUNDED, "Your order 7 was refunded"),
        (OrderStatus.CANCELLED, "Your order 7 was cancelled"),
    ],
)
def test_email_about_a_failed_order_contains_the_reason(status: OrderStatus, subject: str) -> None:
    mail = emails.about(ORDER, status, "the milk was spilled")
    assert mail.subject == subject
    assert "The reason: the milk was spilled." in mail.body
    assert "no money was kept" in mail.body
