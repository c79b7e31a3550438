"""The rules of a customer's account. Each message has a function that changes the account or raises Refused.

The module is pure and does not import Temporal. A function that raises Refused does not change the `Customer`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from loyalty.actor.refusals import Refused
from loyalty.messages import (
    THANKS,
    AddPoints,
    CancelAccount,
    Customer,
    EnsureMinimumStatus,
    Gift,
    GiftPoints,
    GuestInvitation,
    InviteGuest,
    Message,
    NewStatus,
    NotifyNewStatus,
    Receipt,
    RedeemReward,
    Tell,
    Transaction,
)
from loyalty.tiers import GOLD_STAR_LIFETIME_POINTS, REWARDS, TIERS, Reward, Tier, reward_named, tier_of

FRIENDS_REMEMBERED = 100
"""The number of friends whose status a customer keeps. Any sender may add a friend, so a customer could have too many
friends for the next run's input.
"""


TRANSACTIONS_REMEMBERED = 500
"""The number of transaction ids that a customer keeps. The next run's input contains all of them.

A purchase that is repeated after 500 other purchases with a transaction id counts twice. A sender
retries within minutes."""


@dataclass(frozen=True)
class Change:
    """A change of a customer's points.

    The field `moved` is the number of added or removed points; `before` and `after` are tiers.
    """

    moved: int
    before: Tier
    after: Tier
    star_earned: bool

    @property
    def rose(self) -> bool:
        """Return whether the change has raised the tier."""
        return self.after.level > self.before.level

    @property
    def fell(self) -> bool:
        """Return whether the change has lowered the tier."""
        return self.after.level < self.before.level


def display_name(customer: Customer | GuestInvitation) -> str:
    """Return the customer's name, or the customer id if the name is empty."""
    return customer.name or customer.customer_id


def normalize(customer: Customer) -> Customer:
    """Set negative points to 0, and raise the lifetime points to at least the current points."""
    customer.points = max(0, customer.points)
    customer.lifetime_points = max(customer.points, customer.lifetime_points)
    return customer


def apply(customer: Customer, tell: Tell) -> Change | None:
    """Apply the message of a signal to the account.

    Return the change of points, or None if the message cannot change points. Change nothing and return None if the
    points of this transaction were already added.
    """
    match tell:
        case AddPoints(points, _, transaction_id):
            if answer_given(customer, transaction_id) is not None:
                return None
            change = add_points(customer, points)
            remember_transaction(customer, transaction_id)
            return change
        case EnsureMinimumStatus(level):
            return raise_to_level(customer, level)
        case NotifyNewStatus(news):
            remember_friend(customer, news)
        case CancelAccount():
            customer.account_active = False
        case InviteGuest():
            pass  # the guest's workflow decides whether the guest accepts
        case _:
            assert_never(tell)
    return None


def add_points(customer: Customer, points: int) -> Change:
    """Add `points` to the account. The number may be negative, but the new total is at least 0.

    Also set the answer to the query `getLoyaltyMessage`.
    """
    change = _set_points(customer, max(0, customer.points + points), earned=max(0, points))
    customer.loyalty_message = f"Welcome to {change.after.name} Status!" if change.rose else THANKS
    return change


def raise_to_level(customer: Customer, level: int) -> Change:
    """Raise the points to the minimum of the tier with the given level.

    Change nothing if the customer already has the minimum.
    """
    missing = max(0, TIERS[level].minimum_points - customer.points)
    return _set_points(customer, customer.points + missing, earned=missing)


def spend(customer: Customer, points: int) -> Change:
    """Subtract `points`. The caller has checked that the customer has enough points."""
    return _set_points(customer, customer.points - points, earned=0)


def put_back(customer: Customer, points: int) -> Change:
    """Add the points of a failed gift to the current points, but not to the lifetime points."""
    return _set_points(customer, customer.points + points, earned=0)


def _set_points(customer: Customer, points: int, earned: int) -> Change:
    moved, before, had_star = points - customer.points, tier_of(customer.points), has_gold_star(customer)
    customer.points = points
    customer.lifetime_points += earned
    return Change(moved, before, tier_of(points), star_earned=has_gold_star(customer) and not had_star)


def has_gold_star(customer: Customer) -> bool:
    """Return whether the customer has enough lifetime points for the gold star."""
    return customer.lifetime_points >= GOLD_STAR_LIFETIME_POINTS


def remember_friend(customer: Customer, news: NewStatus) -> None:
    """Keep the newest status of a friend. Remove the oldest status if the list exceeds FRIENDS_REMEMBERED."""
    others = [known for known in customer.friends if known.customer_id != news.customer_id]
    customer.friends = [*others, news][-FRIENDS_REMEMBERED:]


def answer_given(customer: Customer, transaction_id: str | None) -> str | None:
    """Return the recorded answer to a transaction, or None if the transaction is unknown."""
    if transaction_id is None:
        return None
    known = (one.answer for one in customer.transactions if one.transaction_id == transaction_id)
    return next(known, None)


def remember_transaction(customer: Customer, transaction_id: str | None) -> None:
    """Keep a transaction and its answer. Remove the oldest transaction if the list exceeds TRANSACTIONS_REMEMBERED."""
    if transaction_id is not None:
        customer.transactions.append(Transaction(transaction_id, customer.loyalty_message))
        del customer.transactions[:-TRANSACTIONS_REMEMBERED]


def welcome_guest(customer: Customer, guest_id: str) -> None:
    """Add the guest's id to the list of guests, unless the list already contains this id."""
    if guest_id not in customer.guests:
        customer.guests.append(guest_id)


def forget_guest(customer: Customer, guest_id: str) -> None:
    """Remove the guest's id from the list of guests, so the inviter can invite another guest."""
    if guest_id in customer.guests:
        customer.guests.remove(guest_id)


def refuse_if_closed(customer: Customer) -> None:
    """Raise Refused if the account is closed."""
    if not customer.account_active:
        raise Refused(f"Cannot do this for {display_name(customer)}; the account is closed")


def refuse_impossible(customer: Customer, message: Message) -> None:
    """Raise Refused if the current state of the account does not allow `message`."""
    refuse_if_closed(customer)
    match message:
        case RedeemReward(reward):
            _affordable_reward(customer, reward)
        case GiftPoints(gift):
            _refuse_gift(customer, gift)
        case InviteGuest(guest):
            _refuse_invitation(customer, guest)


def redeem(customer: Customer, name: str) -> tuple[Receipt, Change]:
    """Spend points on a reward; raise Refused if the reward is unknown, locked or too expensive."""
    reward = _affordable_reward(customer, name)
    change = spend(customer, reward.points)
    return Receipt(reward.name, reward.points, customer.points), change


def _affordable_reward(customer: Customer, name: str) -> Reward:
    reward = reward_named(name)
    if reward is None:
        raise Refused(f"Cannot redeem {name!r}; expected {', '.join(known.name for known in REWARDS)}")
    tier = tier_of(customer.points)
    if tier.level < reward.tier_level:
        raise Refused(
            f"Cannot redeem {name!r}; it needs {TIERS[reward.tier_level].name} status, "
            f"{display_name(customer)} has {tier.name}"
        )
    if customer.points < reward.points:
        raise Refused(
            f"Cannot redeem {name!r} for {reward.points:,} points; {display_name(customer)} has {customer.points:,}"
        )
    return reward


def _refuse_gift(customer: Customer, gift: Gift) -> None:
    if gift.guest_id not in customer.guests:
        guests = ", ".join(customer.guests) or "nobody yet"
        raise Refused(f"Cannot gift points to {gift.guest_id!r}; guests of {display_name(customer)}: {guests}")
    if gift.points > customer.points:
        raise Refused(f"Cannot gift {gift.points:,} points; {display_name(customer)} has {customer.points:,}")


def _refuse_invitation(customer: Customer, guest: GuestInvitation) -> None:
    host = display_name(customer)
    if guest.customer_id == customer.customer_id:
        raise Refused(f"Cannot invite oneself; {host} can invite other customers")


def has_place_for(customer: Customer, guest_id: str) -> bool:
    """Return whether the customer's tier allows an invitation of the guest.

    A second invitation of the same guest is allowed.
    """
    others = [guest for guest in customer.guests if guest != guest_id]
    return len(others) < tier_of(customer.points).guests_allowed
