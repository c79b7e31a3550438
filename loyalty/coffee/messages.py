"""The coffee shop's wire contract: names, ids and dataclasses. This module contains no logic.

All amounts of money are integer cents.
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
    """Return the workflow id of an order, for example `coffee-order-7` for the order `7`."""
    return f"coffee-order-{order_id}"


class OrderStatus(StrEnum):
    """Status of an order. COMPLETED, FAILED, REFUNDED and CANCELLED are final.

    A FAILED order was never paid. A REFUNDED order failed after its payment. A CANCELLED order was cancelled by a
    signal or by a cancellation request. The shop keeps no money for a failed, refunded or cancelled order.
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
    """One line of an order. The field `unit_price` is in cents and must equal the price on the menu."""

    name: str
    quantity: int
    unit_price: int


@dataclass
class Order:
    """Input of the workflow. The fields `order_id`, `customer_id` and `items` are required.

    The field `notes` contains text for the staff. After the payment, the shop waits `change_window` seconds for
    changes, and then prepares the order. The field `total` is optional. If an order has a total, the total must equal
    the price of all items.
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
    """Argument of the update `changeItem`.

    The update replaces the order line for the product `name` with the new line `item`.
    """

    name: str
    item: Item


# ---- arguments and results of activities ----------------------------------------------------------------------


@dataclass
class Ticket:
    """An order, with the id of the workflow's first run.

    A workflow id can be used again after the workflow has ended. The database stores the run id with each row, so a
    second workflow cannot use or undo the rows of the first workflow. A reset of the workflow does not change the first
    run id.
    """

    order: Order
    run: str


@dataclass
class Charge:
    """Argument of `processPayment`.

    The customer pays `amount` cents. If `amount` is negative, the shop pays the customer.

    Part 1 is the original order, and each change of the order adds one part. The database records the payment of each
    part only once.
    """

    order: Order
    run: str
    part: int
    amount: int


@dataclass
class Payment:
    """Result of `processPayment`. The shop's database creates the `transaction_id`."""

    method: str
    amount: int
    transaction_id: str


@dataclass
class Refund:
    """Argument of `refundPayment`. After the refund, the customer cannot pay for the part."""

    order: Order
    run: str
    part: int


# ---- answers --------------------------------------------------------------------------------------------------


@dataclass
class OrderReport:
    """Result of the workflow, and the answer to the query `status` and to the update `changeItem`.

    The field `paid` contains the customer's payments minus the refunds, in cents. The field `reason` explains why an
    order did not succeed. The field `points` is the number of points that the customer has earned with the order.
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
    """Answer to the query `progress`.

    The fields `done` and `undone` contain the names of finished activities, oldest first. The field `doing` is the name
    of the running step. The field `undoing` is the name of the running compensation. The field `reason` explains why an
    order did not succeed. The answer does not contain the barista's progress. The newest heartbeat of the activity
    contains the number of finished steps.
    """

    status: OrderStatus
    done: list[str] = field(default_factory=list)
    doing: str | None = None
    undone: list[str] = field(default_factory=list)
    undoing: str | None = None
    reason: str = ""
