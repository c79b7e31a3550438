"""The wire contract: names, ids and the shape of everything that is sent. Knows no logic.

Other languages, the `temporal` command line and the Web UI use these names; changing one breaks them.
Every dataclass here travels as a JSON object with the field names that stand here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from loyalty.actor.messages import EndByOperator, Mail

TASK_QUEUE = "customer-loyalty"
WORKFLOW_TYPE = "CustomerLoyaltyWorkflow"
START_GUEST = "startGuest"

DEFAULT_HISTORY_THRESHOLD = 10_000
"""Events after which a run continues as new: 20 % of the server's limit of 51,200."""

THANKS = "Thanks for being a loyal customer!"


def workflow_id(customer_id: str) -> str:
    """Return the id of the customer's actor; `customer-ada` for `ada`."""
    return f"customer-{customer_id}"


# ---- arguments of signals and updates -------------------------------------------------------------------------


@dataclass
class GuestInvitation:
    """Argument of `inviteGuest`. An empty `email` means that the guest gets no mail."""

    customer_id: str
    name: str = ""
    email: str = ""


@dataclass
class NewStatus:
    """Argument of `notifyNewStatus`: the friend `customer_id` now has the status (tier name) `status`."""

    customer_id: str
    status: str


@dataclass
class Gift:
    """Argument of `giftPoints`: `points` (more than 0) for the guest `guest_id`."""

    guest_id: str
    points: int


# ---- the mailbox: one type per message; `kind` tells them apart when they travel to the next run --------------


@dataclass
class AddPoints:
    """`addPoints` and `addLoyaltyPoint`. Negative points are a returned purchase; `sender_id` asked for them.

    A sender who cannot know whether the message arrived sends it again with the same `transaction_id`: it counts once.
    """

    points: int
    sender_id: str | None = None
    transaction_id: str | None = None
    kind: Literal["addPoints"] = "addPoints"


@dataclass
class InviteGuest:
    """`inviteGuest`."""

    guest: GuestInvitation
    kind: Literal["inviteGuest"] = "inviteGuest"


@dataclass
class EnsureMinimumStatus:
    """`ensureMinimumStatus`: `level` is a tier level, not a number of points."""

    level: int
    kind: Literal["ensureMinimumStatus"] = "ensureMinimumStatus"


@dataclass
class NotifyNewStatus:
    """`notifyNewStatus`."""

    news: NewStatus
    kind: Literal["notifyNewStatus"] = "notifyNewStatus"


@dataclass
class CancelAccount:
    """`cancelAccount`: the customer's wish, not the server's cancellation request."""

    kind: Literal["cancelAccount"] = "cancelAccount"


@dataclass
class RedeemReward:
    """`redeemReward`."""

    reward: str


@dataclass
class GiftPoints:
    """`giftPoints`."""

    gift: Gift


Tell: TypeAlias = AddPoints | InviteGuest | EnsureMinimumStatus | NotifyNewStatus | CancelAccount
"""What may be waiting in a mailbox without a reply slot, and so may travel to the next run."""

Stay: TypeAlias = RedeemReward | GiftPoints | EndByOperator
"""What is served in the run in which it arrived."""

Message: TypeAlias = Tell | Stay


# ---- state and input ------------------------------------------------------------------------------------------


@dataclass
class Transaction:
    """A purchase that named a transaction id, and the answer that it got.

    A list of these, and not an object by id: the SDK sorts the fields of what travels, and with them the oldest one.
    """

    transaction_id: str
    answer: str


@dataclass
class Customer:
    """The actor's whole state; only `customer_id` is required.

    `points` are current points; `lifetime_points` never fall. `guests` holds customer ids. `friends` holds the
    newest status of each customer that sent one, oldest news first. `loyalty_message` answers `getLoyaltyMessage`.
    `transactions` holds the last purchases that named a transaction id, oldest first.
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
    """Input of the workflow, and of every run that continues it.

    `is_new` sends the welcome mail. `history_threshold` counts events; None follows the server's own suggestion.
    `mailbox` and `outbox` are what travels from run to run, and are left out by whoever starts a customer.
    """

    customer: Customer
    is_new: bool = True
    history_threshold: int | None = DEFAULT_HISTORY_THRESHOLD
    mailbox: list[Tell] = field(default_factory=list)
    outbox: list[Mail] = field(default_factory=list)


@dataclass
class GuestStart:
    """Argument of the activity that brings a guest to life: who, and the tier level it starts with at least."""

    guest: GuestInvitation
    minimum_level: int
    history_threshold: int | None = DEFAULT_HISTORY_THRESHOLD


# ---- answers --------------------------------------------------------------------------------------------------


@dataclass
class Status:
    """A tier as `getStatus` answers it; see `loyalty.tiers.Tier`."""

    name: str
    level: int
    minimum_points: int
    guests_allowed: int


@dataclass
class CustomerStatus:
    """Answer of `getStatus`. `friends` maps a friend's customer id to the status last heard of.

    `parent` is the id of the workflow that opened the account as its child; None where a client opened it.
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
    """One row of `getRewards`: costs `points`; `unlocked` once the tier `tier` is reached, affordable or not."""

    name: str
    points: int
    tier: str
    unlocked: bool


@dataclass
class Receipt:
    """Answer of `redeemReward`: `points_spent` went, `points` are left."""

    reward: str
    points_spent: int
    points: int
