"""A model of the loyalty program in plain Python, written from the wire contract and not from the program.

The model receives one message at a time: a name and JSON arguments. The model returns the answer and computes the
results of all queries. The model states the numbers of the contract again, because a mistake in imported numbers would
not be noticed. The model has no runs, no workers and no clock. So restarted workers and new runs must not change any
answer.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

TIERS = (("Member", 0, 0), ("Silver", 500, 0), ("Gold", 1_000, 2), ("Platinum", 5_000, 5))
"""Name, minimum points, guests allowed; the level is the position."""

REWARDS = (("coffee", 100, 0), ("tote bag", 400, 1), ("concert ticket", 900, 2), ("weekend trip", 4_500, 3))
"""Name, price in points, level that unlocks it."""

MOST_POINTS = 1_000_000_000
GOLD_STAR = 1_000_000
THANKS = "Thanks for being a loyal customer!"
POINTS_MAIL = "You now have "

BAD = ("Cannot ", "; ")
"""Parts of every refusal of a bad message. The request follows the first part, the possible values the second."""


class Refusal(Exception):
    """A message that changes nothing. The refusal must contain all texts in `gist`."""

    def __init__(self, *gist: str) -> None:
        super().__init__(*gist)
        self.gist = gist


def level_of(points: int) -> int:
    """Return the level of the tier for this number of points."""
    return max(level for level, (_, minimum, _) in enumerate(TIERS) if points >= minimum)


@dataclass
class Account:
    """One customer of the contract. `friends` and `transactions` are sorted from oldest to newest."""

    customer_id: str
    name: str = ""
    email: str = ""
    points: int = 0
    lifetime_points: int = 0
    guests: list[str] = field(default_factory=list)
    friends: list[tuple[str, str]] = field(default_factory=list)
    transactions: list[tuple[str, str]] = field(default_factory=list)
    message: str = THANKS
    is_open: bool = True
    mails: list[str] = field(default_factory=list)
    """Subjects of all e-mails. Of the e-mails about points, only the last one is sure to arrive."""

    @property
    def called(self) -> str:
        """The customer's name in refusals and e-mails."""
        return self.name or self.customer_id

    @property
    def level(self) -> int:
        """The tier's level."""
        return level_of(self.points)

    def writes(self, subject: str) -> None:
        """Add an e-mail if the customer has an address and the account is open."""
        if self.email and self.is_open:
            self.mails.append(subject)

    def moves_to(self, points: int, earned: int = 0) -> bool:
        """Set the points, and add the e-mails about the change. Return whether the customer was promoted."""
        before, had, had_star = self.level, self.points, self.lifetime_points >= GOLD_STAR
        self.points, self.lifetime_points = points, self.lifetime_points + earned
        if self.points != had:
            self.writes(f"{POINTS_MAIL}{points:,} points")
        if self.level > before:
            self.writes(f"Welcome to {TIERS[self.level][0]} Status!")
        if self.level < before:
            self.writes(f"Your status is now {TIERS[self.level][0]}")
        if self.lifetime_points >= GOLD_STAR and not had_star:
            self.writes("A gold star for you")
        return self.level > before

    def view(self) -> dict[str, Any]:
        """Return a dict of the four queries: name of the query, answer."""
        name, minimum, guests_allowed = TIERS[self.level]
        return {
            "getStatus": {
                "customer_id": self.customer_id,
                "name": self.name,
                "points": self.points,
                "lifetime_points": self.lifetime_points,
                "status": {
                    "name": name,
                    "level": self.level,
                    "minimum_points": minimum,
                    "guests_allowed": guests_allowed,
                },
                "account_active": self.is_open,
                "gold_star": self.lifetime_points >= GOLD_STAR,
                "friends": dict(self.friends),
                "parent": None,
            },
            "getGuests": list(self.guests),
            "getLoyaltyMessage": self.message,
            "getRewards": [
                {"name": reward, "points": price, "tier": TIERS[level][0], "unlocked": level <= self.level}
                for reward, price, level in REWARDS
            ],
        }


class Model:
    """All customers, and the signals between them."""

    def __init__(self, *, friends_remembered: int = 100, transactions_remembered: int = 500) -> None:
        self.accounts: dict[str, Account] = {}
        self.touched: set[str] = set()
        """Customers that may have changed. The test clears this set after it has compared them."""
        self._friends_remembered = friends_remembered
        self._transactions_remembered = transactions_remembered
        self._post: deque[tuple[str, str, tuple[Any, ...]]] = deque()

    def opens(self, customer_id: str, *, name: str = "", email: str = "", points: int = 0) -> None:
        """Open an account."""
        account = Account(customer_id, name, email, points, lifetime_points=points)
        self.accounts[customer_id] = account
        self.touched.add(customer_id)
        account.writes("Welcome to the loyalty program")

    def is_open(self, customer_id: str) -> bool:
        """Return whether the customer exists and the account is open."""
        return customer_id in self.accounts and self.accounts[customer_id].is_open

    def receives(self, customer_id: str, name: str, arguments: tuple[Any, ...]) -> Any:
        """Process a message and all signals that follow from it; return the answer or the Refusal."""
        try:
            answer = self._serve(self.accounts[customer_id], name, arguments)
        except Refusal as refusal:
            answer = refusal
        while self._post:
            to, message, words = self._post.popleft()
            if self.is_open(to):
                self.receives(to, message, words)
        return answer

    def _serve(self, account: Account, name: str, arguments: tuple[Any, ...]) -> Any:
        self.touched.add(account.customer_id)
        match name:
            case "addPoints":
                return self._buys(account, *_purchase(arguments))
            case "addLoyaltyPoint":
                purchase = _purchase(arguments or (1,))
                _is_open(account)
                return self._buys(account, *purchase)
            case "inviteGuest":
                guest = _person(arguments)
                _is_open(account)
                return self._invites(account, **guest)
            case "ensureMinimumStatus":
                (level,) = _exactly(1, arguments)
                _good(type(level) is int and 0 <= level < len(TIERS))
                _is_open(account)
                missing = max(0, TIERS[level][1] - account.points)
                account.moves_to(account.points + missing, earned=missing)
            case "notifyNewStatus":
                friend, status = _object(arguments, "customer_id", "status")
                _good(_is_text(friend) and status in [tier for tier, _, _ in TIERS])
                _is_open(account)
                others = [known for known in account.friends if known[0] != friend]
                account.friends = [*others, (friend, status)][-self._friends_remembered :]
                account.writes(f"{friend} now has {status} status")
            case "cancelAccount":
                _exactly(0, arguments)
                _is_open(account)
                account.writes("Goodbye")
                account.is_open = False
            case "redeemReward":
                (reward,) = _exactly(1, arguments)
                _good(_is_text(reward))
                _is_open(account)
                return _redeems(account, reward)
            case "giftPoints":
                guest_id, points = _object(arguments, "guest_id", "points")
                _good(_is_text(guest_id) and _is_points(points, 1))
                _is_open(account)
                return self._gives(account, guest_id, points)
            case _:
                raise Refusal(*BAD)
        return None

    def _buys(self, account: Account, points: int, sender_id: str | None, transaction_id: str | None) -> str:
        for known, answer in account.transactions:
            if known == transaction_id:
                return answer
        rose = account.moves_to(max(0, account.points + points), earned=max(0, points))
        status = TIERS[account.level][0]
        account.message = f"Welcome to {status} Status!" if rose else THANKS
        if transaction_id is not None:
            account.transactions.append((transaction_id, account.message))
            account.transactions = account.transactions[-self._transactions_remembered :]
        if rose and sender_id not in (None, account.customer_id):
            heard = {"customer_id": account.customer_id, "status": status}
            self._post.append((str(sender_id), "notifyNewStatus", (heard,)))
        return account.message

    def _invites(self, account: Account, customer_id: str, name: str, email: str) -> None:
        called = name or customer_id
        if customer_id == account.customer_id:
            raise Refusal("Cannot invite oneself")
        if len({*account.guests} - {customer_id}) >= TIERS[account.level][2]:
            account.writes(f"Not enough points to invite {called}")
            return
        if customer_id not in self.accounts:
            self.opens(customer_id, name=name, email=email)
        if not self.is_open(customer_id):
            account.guests = [guest for guest in account.guests if guest != customer_id]
            account.writes(f"{called} has already canceled")
            return
        self._post.append((customer_id, "ensureMinimumStatus", (account.level - 1,)))
        if customer_id not in account.guests:
            account.guests.append(customer_id)
        account.writes(f"{called} is your guest")

    def _gives(self, account: Account, guest_id: str, points: int) -> str:
        if guest_id not in account.guests:
            raise Refusal(f"Cannot gift points to {guest_id!r}", *(account.guests or ["nobody"]))
        if points > account.points:
            raise Refusal(f"Cannot gift {points:,} points", f"{account.called} has {account.points:,}")
        if not self.is_open(guest_id):
            account.writes(f"Your gift of {points:,} points came back")
            raise Refusal(f"Cannot gift {points:,} points", "they are back", f"{account.called} has {account.points:,}")
        account.moves_to(account.points - points)
        self._post.append((guest_id, "addPoints", (points, account.customer_id)))
        return f"{guest_id} receives {points:,} points"


def _redeems(account: Account, name: str) -> dict[str, Any]:
    for reward, price, level in REWARDS:
        if reward != name:
            continue
        if account.level < level:
            raise Refusal(f"Cannot redeem {name!r}", f"needs {TIERS[level][0]}", f"has {TIERS[account.level][0]}")
        if account.points < price:
            raise Refusal(f"Cannot redeem {name!r} for {price:,}", f"has {account.points:,}")
        account.moves_to(account.points - price)
        return {"reward": name, "points_spent": price, "points": account.points}
    raise Refusal(f"Cannot redeem {name!r}", *(reward for reward, _, _ in REWARDS))


# ---- checks of messages ---------------------------------------------------------------------------------------


def _good(condition: bool) -> None:
    if not condition:
        raise Refusal(*BAD)


def _is_open(account: Account) -> None:
    if not account.is_open:
        raise Refusal("account is closed")


def _exactly(number: int, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    _good(len(arguments) == number)
    return arguments


def _is_points(value: Any, lowest: int) -> bool:
    return type(value) is int and value != 0 and lowest <= value <= MOST_POINTS


def _is_text(value: Any) -> bool:
    """Return whether the value is an id: 1 to 200 printable characters, no outer spaces, at most 600 bytes of JSON."""
    return (
        isinstance(value, str)
        and 1 <= len(value) <= 200
        and value.isprintable()
        and value.strip() == value
        and len(json.dumps(value)) - 2 <= 600
    )


def _is_transaction_id(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 64 and value.isascii() and _is_text(value)


def _purchase(arguments: tuple[Any, ...]) -> tuple[int, str | None, str | None]:
    """Return the points, the sender's id and the transaction id. Both ids are optional."""
    _good(1 <= len(arguments) <= 3)
    points, sender_id, transaction_id = (*arguments, None, None)[:3]
    _good(_is_points(points, -MOST_POINTS))
    _good(sender_id is None or _is_text(sender_id))
    _good(transaction_id is None or _is_transaction_id(transaction_id))
    return points, sender_id, transaction_id


def _object(arguments: tuple[Any, ...], *names: str) -> list[Any]:
    (value,) = _exactly(1, arguments)
    _good(isinstance(value, dict) and all(name in value for name in names))
    return [value[name] for name in names]


def _person(arguments: tuple[Any, ...]) -> dict[str, str]:
    (customer_id,) = _object(arguments, "customer_id")
    name, email = arguments[0].get("name", ""), arguments[0].get("email", "")
    _good(_is_text(customer_id) and all(text == "" or _is_text(text) for text in (name, email)))
    user, at, host = email.partition("@")
    _good(email == "" or (bool(user and at and host) and not set('@ ,;:<>()"\\') & set(user + host)))
    return {"customer_id": customer_id, "name": name, "email": email}
