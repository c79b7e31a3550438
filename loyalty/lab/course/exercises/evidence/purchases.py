"""Compute a customer's points from the signals in the history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from temporalio.api.history.v1 import HistoryEvent

from loyalty import account, parsing
from loyalty.actor import refusals
from loyalty.lab.course.exercises.evidence import payloads
from loyalty.lab.course.exercises.evidence.tries import Try
from loyalty.messages import AddPoints, Customer
from loyalty.tiers import TIERS


@dataclass(frozen=True)
class Change:
    """The effect of one signal on a customer's points.

    `before` and `after` are the customer's points before and after the signal; these points are never below 0.
    `points` is the argument of the signal; it is negative for a returned purchase.
    """

    event_id: int
    points: int
    before: int
    after: int


@dataclass(frozen=True)
class Ledger:
    """All changes of a customer's points, oldest first.

    `ignored` is a text about the first ignored signal.
    `deliveries` contains the number of deliveries per transaction id.
    """

    changes: Sequence[Change]
    ignored: str
    deliveries: Counter[str] = field(default_factory=Counter)

    @property
    def asked(self) -> list[int]:
        """The points of the first ten purchases, for a hint."""
        return [change.points for change in self.changes][:10]

    @property
    def bought(self) -> list[Change]:
        """The purchases with a positive number of points."""
        return [change for change in self.changes if change.points > 0]


async def customer_at_start(tried: Try) -> dict[str, Any]:
    """Return the customer from the start input, or an empty dictionary if the input has no customer."""
    customer = (await tried.input()).get("customer")
    return customer if isinstance(customer, dict) else {}


async def points_at_start(tried: Try) -> int:
    """Return the customer's points from the start input."""
    points = (await customer_at_start(tried)).get("points", 0)
    return points if isinstance(points, int) else 0


async def points_now(tried: Try) -> int:
    """Return the points from the query `getStatus`; raise NotYet if no worker answers."""
    return int((await tried.query("getStatus"))["points"])


async def ledger_of(tried: Try) -> Ledger:
    """Return a ledger with the signals from all runs."""
    return ledger(await tried.signals(), await points_at_start(tried))


def ledger(signals: Sequence[HistoryEvent], points: int = 0) -> Ledger:
    """Compute a ledger from `signals`. `points` is the number of points that the customer had at first.

    Purchases with the same transaction id count once, as in the workflow.
    """
    customer, changes, ignored = Customer("", points=points), list[Change](), ""
    deliveries: Counter[str] = Counter()
    for event in signals:
        signaled = event.workflow_execution_signaled_event_attributes
        arguments, before = payloads.values(signaled.input), customer.points
        try:
            if signaled.signal_name == "ensureMinimumStatus":
                level = parsing.ensure_minimum_status(*arguments).level
                account.raise_to_level(customer, level)
                asked = TIERS[level].minimum_points
            elif signaled.signal_name == "addPoints":
                purchase = parsing.add_points(*(arguments or [0]))
                asked = purchase.points
                if purchase.transaction_id is not None:
                    deliveries[purchase.transaction_id] += 1
                if not _count(customer, purchase):
                    ignored = ignored or f"; event {event.event_id} repeats a transaction id, so it counts once"
                    continue
            else:
                continue
        except refusals.Refused as refusal:
            ignored = ignored or f"; the customer ignored event {event.event_id} ({refusal})"
            continue
        changes.append(Change(event.event_id, asked, before, customer.points))
    return Ledger(changes, ignored, deliveries)


def _count(customer: Customer, purchase: AddPoints) -> bool:
    if account.answer_given(customer, purchase.transaction_id) is not None:
        return False
    account.add_points(customer, purchase.points)
    account.remember_transaction(customer, purchase.transaction_id)
    return True
