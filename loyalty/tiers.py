"""Tiers, rewards and the gold star, as functions of points. The module is pure and does not import Temporal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tier:
    """One tier of the program. A customer's tier rises and falls with the current points.

    `level` counts from 0. The field `minimum_points` is a number of current points, not of lifetime points. The field
    `guests_allowed` is the maximum number of guests for a customer of this tier.
    """

    name: str
    level: int
    minimum_points: int
    guests_allowed: int


TIERS = (
    Tier("Member", 0, 0, 0),
    Tier("Silver", 1, 500, 0),
    Tier("Gold", 2, 1_000, 2),
    Tier("Platinum", 3, 5_000, 5),
)

GOLD_STAR_LIFETIME_POINTS = 1_000_000
"""Lifetime points are the sum of all points earned. Rewards, gifts and returned purchases do not lower them."""


@dataclass(frozen=True)
class Reward:
    """A reward. The field `points` is the price in current points.

    The customer's tier must have at least the level `tier_level`.
    """

    name: str
    points: int
    tier_level: int


REWARDS = (
    Reward("coffee", 100, 0),
    Reward("tote bag", 400, 1),
    Reward("concert ticket", 900, 2),
    Reward("weekend trip", 4_500, 3),
)


def tier_of(points: int) -> Tier:
    """Return the tier for this number of current points."""
    return next(tier for tier in reversed(TIERS) if points >= tier.minimum_points or tier.level == 0)


def reward_named(name: str) -> Reward | None:
    """Return the reward with this name, or None if the catalogue has no such reward."""
    return next((reward for reward in REWARDS if reward.name == name), None)
