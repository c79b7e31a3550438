"""The rules of one customer's account: what a message changes, and what it refuses. Pure; knows nothing of Temporal.

Every function changes the `Customer` that it is given, or raises Refused and leaves it as it was.
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
"""Friends whose status is kept, newest last. Anybody may send one, and the state must fit into the next run's input."""


TRANSACTIONS_REMEMBERED = 500
"""Purchases whose transaction id is kept, newest last. A purchase that is repeated after 500 further ones with ids of
their own counts twice: retries come within minutes, and every run's input carries this memory."""


@dataclass(frozen=True)
class Change:
    """What a change of points did to the status; `moved` is the difference in points."""

    moved: int
    before: Tier
    after: Tier
    star_earned: bool

    @property
    def rose(self) -> bool:
        """Whether the status is higher than before."""
        return self.after.level > self.before.level

    @property
    def fell(self) -> bool:
        """Whether the status is lower than before."""
        return self.after.level < self.before.level


def display_name(customer: Customer | GuestInvitation) -> str:
    """Return what to call somebody: the name, or the id where no name is known."""
    return customer.name or customer.customer_id


def normalize(customer: Customer) -> Customer:
    """Return `customer` with the sums that a hand-written start input may leave out or contradict set right."""
    customer.points = max(0, customer.points)
    customer.lifetime_points = max(customer.points, customer.lifetime_points)
    return customer


def apply(customer: Customer, tell: Tell) -> Change | None:
    """Change the account as a tell asks; return what that did to the points, or None if it cannot change them.

    A transaction that was counted before changes nothing, and returns None, too.
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
            pass  # whether the guest becomes one, only the guest's actor decides
        case _:
            assert_never(tell)
    return None


def add_points(customer: Customer, points: int) -> Change:
    """Add `points`, or take them where negative; never below 0. Remembers the message that the change deserves."""
    change = _set_points(customer, max(0, customer.points + points), earned=max(0, points))
    customer.loyalty_message = f"Welcome to {change.after.name} Status!" if change.rose else THANKS
    return change


def raise_to_level(customer: Customer, level: int) -> Change:
    """Raise the points to the minimum of the tier with that level; change nothing where they cover it already."""
    missing = max(0, TIERS[level].minimum_points - customer.points)
    return _set_points(customer, customer.points + missing, earned=missing)


def spend(customer: Customer, points: int) -> Change:
    """Take `points` that a refusal has found to be covered."""
    return _set_points(customer, customer.points - points, earned=0)


def put_back(customer: Customer, points: int) -> Change:
    """Give back what a gift took; it was earned once, so the lifetime points stay."""
    return _set_points(customer, customer.points + points, earned=0)


def _set_points(customer: Customer, points: int, earned: int) -> Change:
    moved, before, had_star = points - customer.points, tier_of(customer.points), has_gold_star(customer)
    customer.points = points
    customer.lifetime_points += earned
    return Change(moved, before, tier_of(points), star_earned=has_gold_star(customer) and not had_star)


def has_gold_star(customer: Customer) -> bool:
    """Return whether the lifetime points have earned the gold star."""
    return customer.lifetime_points >= GOLD_STAR_LIFETIME_POINTS


def remember_friend(customer: Customer, news: NewStatus) -> None:
    """Keep the newest status of a friend; the oldest news goes when more than FRIENDS_REMEMBERED are known."""
    others = [known for known in customer.friends if known.customer_id != news.customer_id]
    customer.friends = [*others, news][-FRIENDS_REMEMBERED:]


def answer_given(customer: Customer, transaction_id: str | None) -> str | None:
    """Return the answer that this transaction got when it was counted, or None where it is not remembered."""
    if transaction_id is None:
        return None
    known = (one.answer for one in customer.transactions if one.transaction_id == transaction_id)
    return next(known, None)


def remember_transaction(customer: Customer, transaction_id: str | None) -> None:
    """Keep the transaction just counted, with its answer; the oldest goes beyond TRANSACTIONS_REMEMBERED."""
    if transaction_id is not None:
        customer.transactions.append(Transaction(transaction_id, customer.loyalty_message))
        del customer.transactions[:-TRANSACTIONS_REMEMBERED]


def welcome_guest(customer: Customer, guest_id: str) -> None:
    """Count an invited customer among the guests, once."""
    if guest_id not in customer.guests:
        customer.guests.append(guest_id)


def forget_guest(customer: Customer, guest_id: str) -> None:
    """Take a customer who closed the account off the guests, so that somebody else can have the place."""
    if guest_id in customer.guests:
        customer.guests.remove(guest_id)


def refuse_if_closed(customer: Customer) -> None:
    """Raise Refused where the account is closed, or about to be."""
    if not customer.account_active:
        raise Refused(f"Cannot do this for {display_name(customer)}; the account is closed")


def refuse_impossible(customer: Customer, message: Message) -> None:
    """Raise Refused where `message` asks for what the account, as it stands now, does not allow."""
    refuse_if_closed(customer)
    match message:
        case RedeemReward(reward):
            _affordable_reward(customer, reward)
        case GiftPoints(gift):
            _refuse_gift(customer, gift)
        case InviteGuest(guest):
            _refuse_invitation(customer, guest)


def redeem(customer: Customer, name: str) -> tuple[Receipt, Change]:
    """Spend points on the reward of that name; raise Refused where it is unknown, locked or too dear."""
    reward = _affordable_reward(customer, name)
    change = spend(customer, reward.points)
    return Receipt(reward.name, reward.points, customer.points), change


def _affordable_reward(customer: Customer, name: str) -> Reward:
    reward = reward_named(name)
    if reward is None:
        raise Refused(f"Cannot redeem {name!r}; possible are {', '.join(known.name for known in REWARDS)}")
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
    """Return whether the tier allows this guest; one who is a guest already needs no further place."""
    others = [guest for guest in customer.guests if guest != guest_id]
    return len(others) < tier_of(customer.points).guests_allowed
