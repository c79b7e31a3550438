"""What a number of points means: tiers, rewards and the gold star. Pure; knows nothing of Temporal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tier:
    """One step of the ladder; the status follows the current points, up and down.

    `level` counts from 0, `minimum_points` are current (not lifetime) points, and `guests_allowed` is how many
    guests a customer of this tier may have, not how many may be invited at once.
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
"""Lifetime points: everything ever credited; spending, gifts and returned purchases do not lower them."""


@dataclass(frozen=True)
class Reward:
    """Something that `points` current points buy, for customers of tier `tier_level` and above."""

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
    """Return the highest tier whose minimum is covered by `points` current points."""
    return next(tier for tier in reversed(TIERS) if points >= tier.minimum_points or tier.level == 0)


def reward_named(name: str) -> Reward | None:
    """Return the reward of that name, or None where the catalogue has none."""
    return next((reward for reward in REWARDS if reward.name == name), None)
