"""What arrives, made into messages: raw JSON arguments in, a message out, or a sentence that says what is wrong.

Pure. The SDK's own conversion is not used for messages because it guesses (1.9 arrives as 1, true as 1) and because a
missing or surplus argument would fail the Workflow Task, which is retried for ever: the actor would look dead.
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
"""Points, up or down, that one message may move."""


SIGNALS = ("addPoints", "inviteGuest", "ensureMinimumStatus", "notifyNewStatus", "cancelAccount")


def whole_points(points: object, lowest: int) -> int:
    """Return `points` where they are a whole number from `lowest` to MAX_POINTS, and not 0; otherwise raise Refused."""
    if isinstance(points, bool) or not isinstance(points, int) or not lowest <= points <= MAX_POINTS or points == 0:
        possible = "not 0" if lowest < 0 else "at least 1"
        raise Refused(
            f"Cannot use {shown(points)} as points; possible is a whole number, {possible}, "
            f"{f'from {lowest:,} to' if lowest < 0 else 'up to'} {MAX_POINTS:,}"
        )
    return points


def customer_id(value: object) -> str:
    """Return `value` where it can be a customer's id; otherwise raise Refused."""
    return text(value, "a customer id")


def person(value: object) -> GuestInvitation:
    """Return who is to have an account: an object with a customer id and, optionally, a name and an e-mail address."""
    raw = fields(value, GuestInvitation, "name", "email")
    address = email(raw.get("email", ""))
    name = text(raw.get("name", ""), "a name", required=False)
    return GuestInvitation(customer_id(raw["customer_id"]), name, address)


def add_points(points: object, sender_id: object = None, transaction: object = None, *surplus: object) -> AddPoints:
    """Parse `addPoints` and `addLoyaltyPoint`."""
    no_surplus("a purchase", surplus, "points and, optionally, a sender id and a transaction id")
    return AddPoints(
        whole_points(points, -MAX_POINTS),
        None if sender_id is None else customer_id(sender_id),
        None if transaction is None else transaction_id(transaction),
    )


def invite_guest(guest: object = None, *surplus: object) -> InviteGuest:
    """Parse `inviteGuest`; whether the guest is the host itself only the host can tell."""
    no_surplus("an invitation", surplus, "one object")
    return InviteGuest(person(guest))


def ensure_minimum_status(level: object = None, *surplus: object) -> EnsureMinimumStatus:
    """Parse `ensureMinimumStatus`."""
    no_surplus("a minimum status", surplus, "one tier level")
    if isinstance(level, bool) or not isinstance(level, int) or not 0 <= level < len(TIERS):
        possible = ", ".join(f"{tier.level} ({tier.name})" for tier in TIERS)
        raise Refused(f"Cannot use {shown(level)} as a tier level; possible are {possible}")
    return EnsureMinimumStatus(level)


def notify_new_status(news: object = None, *surplus: object) -> NotifyNewStatus:
    """Parse `notifyNewStatus`."""
    no_surplus("a new status", surplus, "one object")
    raw = fields(news, NewStatus)
    if raw["status"] not in [tier.name for tier in TIERS]:
        possible = ", ".join(tier.name for tier in TIERS)
        raise Refused(f"Cannot use {shown(raw['status'])} as a status; possible are {possible}")
    return NotifyNewStatus(NewStatus(customer_id(raw["customer_id"]), raw["status"]))


def cancel_account(*surplus: object) -> CancelAccount:
    """Parse `cancelAccount`."""
    no_surplus("a cancellation", surplus, "nothing")
    return CancelAccount()


def redeem_reward(reward: object = None, *surplus: object) -> RedeemReward:
    """Parse `redeemReward`; whether the reward exists is the account's business."""
    no_surplus("a reward", surplus, "one name")
    return RedeemReward(text(reward, "a reward's name"))


def gift_points(gift: object = None, *surplus: object) -> GiftPoints:
    """Parse `giftPoints`."""
    no_surplus("a gift", surplus, "one object")
    raw = fields(gift, Gift)
    return GiftPoints(Gift(customer_id(raw["guest_id"]), whole_points(raw["points"], 1)))
