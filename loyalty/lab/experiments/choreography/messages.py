"""Names of the four services and of their events. This module contains no logic."""

from __future__ import annotations

from dataclasses import dataclass, field

from loyalty.coffee.messages import Order

TASK_QUEUE = "coffee-choreography"

PAYMENTS = "service-payments"
BARISTAS = "service-baristas"
STOCK = "service-stock"
COUNTER = "service-counter"
SERVICES = (PAYMENTS, BARISTAS, STOCK, COUNTER)
"""Workflow ids. Each service processes all orders."""

# Events of an order that succeeds
ORDER_PLACED = "orderPlaced"
ORDER_PAID = "orderPaid"
BEVERAGE_READY = "beverageReady"
STOCK_TAKEN = "stockTaken"

# Events of an order that is undone
STOCK_FAILED = "stockFailed"
PREPARATION_FAILED = "preparationFailed"
ORDER_UNDONE = "orderUndone"

CANCEL_ORDER = "cancelOrder"


@dataclass
class Told:
    """Argument of the signal `told`: an event, its order, and the reason of a failure."""

    event: str
    order: Order
    reason: str = ""


@dataclass
class ServiceInput:
    """Input of a service's run: the waiting messages and the ids of cancelled orders.

    The field `history_threshold` is a number of events.
    """

    waiting: list[Told] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    history_threshold: int = 10_000
