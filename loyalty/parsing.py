"""What arrives, made into messages: raw JSON arguments in, a message out, or a sentence that says what is wrong.

Pure. The SDK's own conversion is not used for messages because it guesses (1.9 arrives as 1, true as 1) and because a
missing or surplus argument would fail the workflow task, which is retried for ever: the actor would look dead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

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

MAX_TEXT = 200
"""Characters of an id, a name, an e-mail address or a reward. The server allows ids of 1,000."""

MAX_TEXT_BYTES = 600
"""The same as JSON, where a character of another script takes 6 or 12 bytes. What an actor remembers, and what waits
for it, has to fit into the next run's input of 2 MiB, whoever wrote it."""

MAX_TRANSACTION_ID = 64
"""Characters of a transaction id, printable ASCII: long enough for a UUID, short enough to remember many."""

SIGNALS = ("addPoints", "inviteGuest", "ensureMinimumStatus", "notifyNewStatus", "cancelAccount")

READABLE_ADDRESS = re.compile(r"""[^@\s,;:<>()"\\]+@[^@\s,;:<>()"\\]+""")
"""What earlier releases took for one recipient, and what the histories of their customers hold."""

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
ONE_ADDRESS = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
"""One recipient in ASCII: a dot-atom of RFC 5322 and a host name. Other scripts need a mail server with SMTPUTF8."""

SHOWN = 60
"""Characters of a bad value that a refusal repeats: sentences stay readable, logs stay small."""


class Refused(Exception):
    """A message that is not obeyed; its text states what was asked and what is possible."""


def shown(value: object) -> str:
    """Return a bad value as a refusal repeats it."""
    try:
        words = repr(value)
    except RecursionError:  # JSON that is nested only just less deeply than what the SDK cannot read either
        return f"a deeply nested {type(value).__name__}"
    return words if len(words) <= SHOWN else f"{words[:SHOWN]}... ({len(words):,} characters)"


def size(value: object) -> int:
    """Return about how many characters a JSON value has; 0 for a value that is nested too deeply."""
    try:
        return len(repr(value))
    except RecursionError:
        return 0


def no_surplus(message: str, surplus: tuple[object, ...], takes: str) -> None:
    """Raise Refused where arguments are left over."""
    if surplus:
        raise Refused(f"Cannot read {message} with {shown(list(surplus))} at its end; it takes {takes}")


def whole_points(points: object, lowest: int) -> int:
    """Return `points` where they are a whole number from `lowest` to MAX_POINTS, and not 0; otherwise raise Refused."""
    if isinstance(points, bool) or not isinstance(points, int) or not lowest <= points <= MAX_POINTS or points == 0:
        possible = "not 0" if lowest < 0 else "at least 1"
        raise Refused(
            f"Cannot use {shown(points)} as points; possible is a whole number, {possible}, "
            f"{f'from {lowest:,} to' if lowest < 0 else 'up to'} {MAX_POINTS:,}"
        )
    return points


def text(value: object, what: str, *, required: bool = True) -> str:
    """Return `value` where it is printable text that is not too long; otherwise raise Refused."""
    if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable() or value != value.strip():
        raise Refused(
            f"Cannot use {shown(value)} as {what}; possible is text of at most {MAX_TEXT} printable characters"
        )
    size = len(json.dumps(value)) - 2
    if size > MAX_TEXT_BYTES:
        raise Refused(f"Cannot use {shown(value)} as {what}; possible are {MAX_TEXT_BYTES} bytes as JSON, not {size:,}")
    if required and not value:
        raise Refused(f"Cannot use an empty text as {what}; possible are 1 to {MAX_TEXT} printable characters")
    return value


def customer_id(value: object) -> str:
    """Return `value` where it can be a customer's id; otherwise raise Refused."""
    return text(value, "a customer id")


def fields(value: object, shape: type, *optional: str) -> dict[str, Any]:
    """Return the fields of the JSON object `value` that `shape` knows; unknown ones are ignored."""
    names = list(shape.__annotations__)
    required = [name for name in names if name not in optional]
    if not isinstance(value, Mapping) or any(name not in value for name in required):
        raise Refused(f"Cannot read {shown(value)}; possible is an object with the fields {', '.join(names)}")
    return {name: value[name] for name in names if name in value}


def person(value: object) -> GuestInvitation:
    """Return who is to have an account: an object with a customer id and, optionally, a name and an e-mail address."""
    raw = fields(value, GuestInvitation, "name", "email")
    address = email(raw.get("email", ""))
    name = text(raw.get("name", ""), "a name", required=False)
    return GuestInvitation(customer_id(raw["customer_id"]), name, address)


def email(value: object) -> str:
    """Return `value` where earlier releases accepted it as an e-mail address; otherwise raise Refused.

    Workflows read by this rule, so that old histories replay; `loyalty.addresses` then refuses the rest.
    """
    address = text(value, "an e-mail address", required=False)
    if address and not READABLE_ADDRESS.fullmatch(address):
        raise _no_address(address)
    return address


def exact_email(value: object) -> str:
    """Return `value` where mail to exactly that address can be sent, or where it is empty; otherwise raise Refused."""
    address = email(value)
    if address and (not ONE_ADDRESS.fullmatch(address) or "=?" in address):
        raise _no_address(address)
    return address


def _no_address(address: str) -> Refused:
    return Refused(f"Cannot use {shown(address)} as an e-mail address; possible is none at all, or name@host in ASCII")


def transaction_id(value: object) -> str:
    """Return `value` where it can be a transaction's id; otherwise raise Refused."""
    if not (
        isinstance(value, str) and value.isascii() and value.isprintable() and 0 < len(value.strip()) == len(value)
    ):
        raise Refused(
            f"Cannot use {shown(value)} as a transaction id; possible is printable ASCII text, such as a UUID"
        )
    if len(value) > MAX_TRANSACTION_ID:
        raise Refused(
            f"Cannot use {shown(value)} as a transaction id; possible are up to {MAX_TRANSACTION_ID} characters"
        )
    return value


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


def unknown_signal(name: str, signals: Sequence[str] = SIGNALS) -> NoReturn:
    """Refuse a signal that is not among `signals`, the contract."""
    raise Refused(f"Cannot understand the signal {shown(name)}; possible are {', '.join(signals)}")


def redeem_reward(reward: object = None, *surplus: object) -> RedeemReward:
    """Parse `redeemReward`; whether the reward exists is the account's business."""
    no_surplus("a reward", surplus, "one name")
    return RedeemReward(text(reward, "a reward's name"))


def gift_points(gift: object = None, *surplus: object) -> GiftPoints:
    """Parse `giftPoints`."""
    no_surplus("a gift", surplus, "one object")
    raw = fields(gift, Gift)
    return GiftPoints(Gift(customer_id(raw["guest_id"]), whole_points(raw["points"], 1)))
