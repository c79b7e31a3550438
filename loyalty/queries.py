"""The answers to the queries of a customer. Pure; changes no state."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import asdict

from loyalty import account
from loyalty.messages import (
    AddPoints,
    Customer,
    CustomerStatus,
    RewardOffer,
    Status,
    Tell,
)
from loyalty.tiers import REWARDS, TIERS, tier_of


def foresee(customer: Customer, waiting: Iterable[Tell]) -> Customer:
    """Return a copy of `customer` with the changes from the waiting signals. Invitations are left out."""
    foreseen = deepcopy(customer)
    for tell in waiting:
        if foreseen.account_active or isinstance(tell, AddPoints):  # a closed account accepts only points
            account.apply(foreseen, tell)
    return foreseen


def describe(customer: Customer, parent: str | None = None) -> CustomerStatus:
    """Return the answer to `getStatus`; `parent` is the id of the parent workflow, or None."""
    return CustomerStatus(
        customer_id=customer.customer_id,
        name=customer.name,
        points=customer.points,
        lifetime_points=customer.lifetime_points,
        status=Status(**asdict(tier_of(customer.points))),
        account_active=customer.account_active,
        gold_star=account.has_gold_star(customer),
        friends={friend.customer_id: friend.status for friend in customer.friends},
        parent=parent,
    )


def offers(customer: Customer) -> list[RewardOffer]:
    """Return the answer to `getRewards`: all rewards, cheapest first."""
    level = tier_of(customer.points).level
    return [
        RewardOffer(reward.name, reward.points, TIERS[reward.tier_level].name, reward.tier_level <= level)
        for reward in REWARDS
    ]
