"""Functions that convert the raw JSON arguments of a signal or an update into a message.

A function raises Refused if an argument is not valid. Pure. The SDK's own conversion is not used here, because it
converts 1.9 and true to 1. With the SDK's conversion, a missing or surplus argument would fail the Workflow Task. The
server would then retry the task without end, and the customer would process no message.
"""

from __future__ import annotations

from loyalty.actor.refusals import Refused, shown
from loyalty.actor.values import email, fields, no_surplus, text, transaction_id
from loyalty.messages import (
    AddPoints,
    CancelAccount,
    EnsureMinimumStatus,
    Gift,
    GiftPoints,
    GuestInvitation,
    InviteGuest,
    NewStatus,
    NotifyNewStatus,
    RedeemReward,
)
from loyalty.tiers import TIERS

MAX_POINTS = 1_000_000_000
"""The largest number of points that one message may add or remove."""


SIGNALS = ("addPoints", "inviteGuest", "ensureMinimumStatus", "notifyNewStatus", "cancelAccount")


def whole_points(points: object, lowest: int) -> int:
    """Return `points`. Raise Refused if `points` is 0 or is not a whole number from `lowest` to MAX_POINTS."""
    if isinstance(points, bool) or not isinstance(points, int) or not lowest <= points <= MAX_POINTS or points == 0:
        possible = "not 0" if lowest < 0 else "at least 1"
        raise Refused(
            f"Cannot use {shown(points)} as points; expected a whole number, {possible}, "
            f"{f'from {lowest:,} to' if lowest < 0 else 'up to'} {MAX_POINTS:,}"
        )
    return points


def customer_id(value: object) -> str:
    """Return `value` if `value` is a valid customer id; otherwise raise Refused."""
    return text(value, "a customer id")


def person(value: object) -> GuestInvitation:
    """Return an invitation from an object with a customer id and, optionally, a name and an e-mail address."""
    raw = fields(value, GuestInvitation, "name", "email")
    address = email(raw.get("email", ""))
    name = text(raw.get("name", ""), "a name", required=False)
    return GuestInvitation(customer_id(raw["customer_id"]), name, address)


def add_points(points: object, sender_id: object = None, transaction: object = None, *surplus: object) -> AddPoints:
    """Parse the arguments of `addPoints` and `addLoyaltyPoint`."""
    no_surplus("a purchase", surplus, "points and, optionally, a sender id and a transaction id")
    return AddPoints(
        whole_points(points, -MAX_POINTS),
        None if sender_id is None else customer_id(sender_id),
        None if transaction is None else transaction_id(transaction),
    )


def invite_guest(guest: object = None, *surplus: object) -> InviteGuest:
    """Parse the argument of `inviteGuest`. The module `loyalty.account` raises Refused if a customer invites itself."""
    no_surplus("an invitation", surplus, "one object")
    return InviteGuest(person(guest))


def ensure_minimum_status(level: object = None, *surplus: object) -> EnsureMinimumStatus:
    """Parse the argument of `ensureMinimumStatus`."""
    no_surplus("a minimum status", surplus, "one tier level")
    if isinstance(level, bool) or not isinstance(level, int) or not 0 <= level < len(TIERS):
        possible = ", ".join(f"{tier.level} ({tier.name})" for tier in TIERS)
        raise Refused(f"Cannot use {shown(level)} as a tier level; expected {possible}")
    return EnsureMinimumStatus(level)


def notify_new_status(news: object = None, *surplus: object) -> NotifyNewStatus:
    """Parse the argument of `notifyNewStatus`."""
    no_surplus("a new status", surplus, "one object")
    raw = fields(news, NewStatus)
    if raw["status"] not in [tier.name for tier in TIERS]:
        possible = ", ".join(tier.name for tier in TIERS)
        raise Refused(f"Cannot use {shown(raw['status'])} as a status; expected {possible}")
    return NotifyNewStatus(NewStatus(customer_id(raw["customer_id"]), raw["status"]))


def cancel_account(*surplus: object) -> CancelAccount:
    """Return the message of `cancelAccount`; raise Refused if there is an argument."""
    no_surplus("a cancellation", surplus, "nothing")
    return CancelAccount()


def redeem_reward(reward: object = None, *surplus: object) -> RedeemReward:
    """Parse the argument of `redeemReward`. The module `loyalty.account` refuses an unknown reward."""
    no_surplus("a reward", surplus, "one name")
    return RedeemReward(text(reward, "a reward's name"))


def gift_points(gift: object = None, *surplus: object) -> GiftPoints:
    """Parse the argument of `giftPoints`."""
    no_surplus("a gift", surplus, "one object")
    raw = fields(gift, Gift)
    return GiftPoints(Gift(customer_id(raw["guest_id"]), whole_points(raw["points"], 1)))
