"""The wire contract of a customer: names, ids, and the fields of all messages. Contains no logic.

Clients in other languages, the `temporal` command line and the Web UI use these names. Do not change the names.
The SDK sends each dataclass of this module as a JSON object with the same field names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from loyalty.actor.messages import EndByOperator, Mail

TASK_QUEUE = "customer-loyalty"
WORKFLOW_TYPE = "CustomerLoyaltyWorkflow"
START_GUEST = "startGuest"

DEFAULT_HISTORY_THRESHOLD = 10_000
"""A run continues as new after this number of events: 20 % of the server's limit of 51,200."""

THANKS = "Thanks for being a loyal customer!"


def workflow_id(customer_id: str) -> str:
    """Return the workflow id of a customer, for example `customer-ada` for the customer `ada`."""
    return f"customer-{customer_id}"


# ---- arguments of signals and updates -------------------------------------------------------------------------


@dataclass
class GuestInvitation:
    """Argument of `inviteGuest`. If `email` is empty, the guest receives no e-mail."""

    customer_id: str
    name: str = ""
    email: str = ""


@dataclass
class NewStatus:
    """Argument of `notifyNewStatus`: the friend's `customer_id`, and the name of the friend's new tier."""

    customer_id: str
    status: str


@dataclass
class Gift:
    """Argument of `giftPoints`: the guest's customer id, and a number of points above 0."""

    guest_id: str
    points: int


# ---- the mailbox: one type per message; `kind` names the type in the next run's input --------------------------


@dataclass
class AddPoints:
    """Message of `addPoints` and `addLoyaltyPoint`. For a returned purchase, `points` is negative.

    The field `sender_id` is the sender's customer id. If the status rises, the sender receives the signal
    `notifyNewStatus`. A repeated message with the same `transaction_id` adds no points.
    """

    points: int
    sender_id: str | None = None
    transaction_id: str | None = None
    kind: Literal["addPoints"] = "addPoints"


@dataclass
class InviteGuest:
    """Message of `inviteGuest`."""

    guest: GuestInvitation
    kind: Literal["inviteGuest"] = "inviteGuest"


@dataclass
class EnsureMinimumStatus:
    """Message of `ensureMinimumStatus`. The field `level` is the level of a tier, not a number of points."""

    level: int
    kind: Literal["ensureMinimumStatus"] = "ensureMinimumStatus"


@dataclass
class NotifyNewStatus:
    """Message of `notifyNewStatus`."""

    news: NewStatus
    kind: Literal["notifyNewStatus"] = "notifyNewStatus"


@dataclass
class CancelAccount:
    """Message of the signal `cancelAccount`. A cancellation request from the server becomes `EndByOperator`."""

    kind: Literal["cancelAccount"] = "cancelAccount"


@dataclass
class RedeemReward:
    """Message of `redeemReward`; `reward` is a name from the catalogue."""

    reward: str


@dataclass
class GiftPoints:
    """Message of `giftPoints`."""

    gift: Gift


Tell: TypeAlias = AddPoints | InviteGuest | EnsureMinimumStatus | NotifyNewStatus | CancelAccount
"""The messages of signals. A message of these types may wait in the next run's input."""

Stay: TypeAlias = RedeemReward | GiftPoints | EndByOperator
"""The messages that are processed in the run in which they arrived."""

Message: TypeAlias = Tell | Stay


# ---- state and input ------------------------------------------------------------------------------------------


@dataclass
class Transaction:
    """The transaction id of a purchase, and the customer's answer.

    A customer keeps transactions in a list. A dict would lose the order of the transactions, because the SDK sorts the
    keys.
    """

    transaction_id: str
    answer: str


@dataclass
class Customer:
    """The complete state of a customer. Only `customer_id` is required.

    The field `points` contains the current points; `lifetime_points` never decreases. The field `guests` is a list of
    customer ids. The list `friends` contains the current status of each friend; the newest change is at the end. The
    field `loyalty_message` is the answer to `getLoyaltyMessage`. The list `transactions` contains recent purchases with
    a transaction id; the newest purchase is at the end.
    """

    customer_id: str
    name: str = ""
    email: str = ""
    points: int = 0
    lifetime_points: int = 0
    guests: list[str] = field(default_factory=list)
    account_active: bool = True
    friends: list[NewStatus] = field(default_factory=list)
    loyalty_message: str = THANKS
    transactions: list[Transaction] = field(default_factory=list)


@dataclass
class CustomerInput:
    """Input of each run of a customer's workflow.

    If `is_new` is true, the run sends the welcome e-mail. The field `history_threshold` is a number of events. If
    `history_threshold` is None, the server suggests when to continue as new. A run fills `mailbox` and `outbox` for the
    next run; a client omits these two fields.
    """

    customer: Customer
    is_new: bool = True
    history_threshold: int | None = DEFAULT_HISTORY_THRESHOLD
    mailbox: list[Tell] = field(default_factory=list)
    outbox: list[Mail] = field(default_factory=list)


@dataclass
class GuestStart:
    """Argument of the activity `startGuest`. The level of the guest's tier is at least `minimum_level`."""

    guest: GuestInvitation
    minimum_level: int
    history_threshold: int | None = DEFAULT_HISTORY_THRESHOLD


# ---- answers --------------------------------------------------------------------------------------------------


@dataclass
class Status:
    """A tier in the answer to `getStatus`. The class has the fields of `loyalty.tiers.Tier`."""

    name: str
    level: int
    minimum_points: int
    guests_allowed: int


@dataclass
class CustomerStatus:
    """Answer of `getStatus`. The field `friends` maps the customer id of each friend to the friend's newest status.

    The field `parent` is the id of the parent workflow, or None if a client started the workflow.
    """

    customer_id: str
    name: str
    points: int
    lifetime_points: int
    status: Status
    account_active: bool
    gold_star: bool
    friends: dict[str, str]
    parent: str | None


@dataclass
class RewardOffer:
    """One reward in the answer to `getRewards`. `points` is its price.

    The field `unlocked` is true if the customer's tier is at least the tier of the reward. The field `unlocked` does
    not depend on the price.
    """

    name: str
    points: int
    tier: str
    unlocked: bool


@dataclass
class Receipt:
    """Answer of `redeemReward`. The field `points` contains the customer's points after the purchase of the reward."""

    reward: str
    points_spent: int
    points: int
