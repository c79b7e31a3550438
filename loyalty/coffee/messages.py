"""The coffee shop's wire contract: names, ids and the shape of everything that is sent. Knows no logic.

Money is in integer cents everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

TASK_QUEUE = "coffee-shop"
WORKFLOW_TYPE = "CoffeeOrderWorkflow"

PROCESS_PAYMENT = "processPayment"
PREPARE_BEVERAGE = "prepareBeverage"
UPDATE_INVENTORY = "updateInventory"
EARN_POINTS = "earnPoints"

REFUND_PAYMENT = "refundPayment"
RESTORE_INVENTORY = "restoreInventory"


def order_workflow_id(order_id: str) -> str:
    """Return the id of the order's workflow; `coffee-order-7` for `7`."""
    return f"coffee-order-{order_id}"


class OrderStatus(StrEnum):
    """How far an order has come. The last four are final.

    FAILED: it was never paid. REFUNDED: it failed after payment. CANCELLED: somebody wished so; paid or not, no money
    is kept.
    """

    PENDING = "PENDING"
    PAID = "PAID"
    PREPARING = "PREPARING"
    READY = "READY"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    REFUNDED = "REFUNDED"
    CANCELLED = "CANCELLED"


# ---- input and messages ---------------------------------------------------------------------------------------


@dataclass
class Item:
    """One line of an order: so many of a product, at `unit_price` cents each, which has to be what the menu says."""

    name: str
    quantity: int
    unit_price: int


@dataclass
class Order:
    """Input of the workflow; `order_id`, `customer_id` and `items` are required.

    `total` is checked against the items where the sender states it. `notes` are for the people behind the counter.
    `change_window` is how many seconds after payment the shop waits for a change before it begins to prepare.
    """

    order_id: str
    customer_id: str
    items: list[Item]
    notes: str = ""
    customer_name: str = ""
    email: str = ""
    payment_method: str = "card"
    change_window: float = 0
    total: int | None = None


@dataclass
class ItemChange:
    """Argument of the update `changeItem`: the line that is named `name` becomes `item`."""

    name: str
    item: Item


# ---- arguments and results of activities ----------------------------------------------------------------------


@dataclass
class Ticket:
    """An order, and which run of its workflow this is about: the first run id.

    The id of a workflow that has ended may be used again; the books tell one run from another, so that none
    uses, or undoes, what belongs to the other. A reset goes on with the same first run id.
    """

    order: Order
    run: str


@dataclass
class Charge:
    """Take `amount` cents for a part of an order; give them back where it is negative.

    Part 1 is the order as it was placed; each change of it is one more part. What is done for the same order and part
    again is done once.
    """

    order: Order
    run: str
    part: int
    amount: int


@dataclass
class Payment:
    """What was taken: `amount` cents by `method`; the shop's database gave it its `transaction_id`."""

    method: str
    amount: int
    transaction_id: str


@dataclass
class Refund:
    """Undo a part of an order's payment, whether or not it came to it, and let it never be taken after that."""

    order: Order
    run: str
    part: int


# ---- answers --------------------------------------------------------------------------------------------------


@dataclass
class OrderReport:
    """Answer of the query `status` and of the update `changeItem`, and the workflow's result.

    `paid` is what was taken and not given back, in cents. `reason` says why an order did not succeed. `points` is what
    its customer has earned by it.
    """

    order_id: str
    status: OrderStatus
    items: list[Item]
    total: int
    paid: int
    transaction_ids: list[str]
    points: int
    reason: str


@dataclass
class OrderProgress:
    """Answer of the query `progress`: names of activities, in the order in which they were done, and undone.

    `doing` or `undoing` is the one under way, if any; `reason` says why the order did not succeed. How far the barista
    is the server knows from heartbeats: the pending activity in the workflow's description holds the newest one.
    """

    status: OrderStatus
    done: list[str] = field(default_factory=list)
    doing: str | None = None
    undone: list[str] = field(default_factory=list)
    undoing: str | None = None
    reason: str = ""
