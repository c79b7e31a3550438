"""Who tells whom what: the names of the services and of the signals between them. Knows no logic."""

from __future__ import annotations

from dataclasses import dataclass, field

from loyalty.coffee.messages import Order

TASK_QUEUE = "coffee-choreography"

PAYMENTS = "service-payments"
BARISTAS = "service-baristas"
STOCK = "service-stock"
COUNTER = "service-counter"
SERVICES = (PAYMENTS, BARISTAS, STOCK, COUNTER)
"""Workflow ids; one actor each serves all orders."""

# Forwards
ORDER_PLACED = "orderPlaced"
ORDER_PAID = "orderPaid"
BEVERAGE_READY = "beverageReady"
STOCK_TAKEN = "stockTaken"

# Backwards
STOCK_FAILED = "stockFailed"
PREPARATION_FAILED = "preparationFailed"
ORDER_UNDONE = "orderUndone"

CANCEL_ORDER = "cancelOrder"


@dataclass
class Told:
    """What a service is told: what has happened to which order, and, where something failed, why."""

    event: str
    order: Order
    reason: str = ""


@dataclass
class ServiceInput:
    """Input of a service, and of every run that continues it: what it has not taken up yet, and wishes it remembers.

    `history_threshold` counts events.
    """

    waiting: list[Told] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    history_threshold: int = 10_000
