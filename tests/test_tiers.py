"""Tiers, rewards and the gold star."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.tiers import GOLD_STAR_LIFETIME_POINTS, REWARDS, TIERS, Tier, reward_named, tier_of


@pytest.mark.parametrize(
    ("points", "name", "guests_allowed"),
    [
        (0, "Member", 0),
        (1, "Member", 0),
        (499, "Member", 0),
        (500, "Silver", 0),
        (501, "Silver", 0),
        (999, "Silver", 0),
        (1_000, "Gold", 2),
        (1_001, "Gold", 2),
        (4_999, "Gold", 2),
        (5_000, "Platinum", 5),
        (5_001, "Platinum", 5),
        (1_000_000_000, "Platinum", 5),
    ],
)
def test_points_determine_the_tier(points: int, name: str, guests_allowed: int) -> None:
    tier = tier_of(points)
    assert (tier.name, tier.guests_allowed) == (name, guests_allowed)


def test_customer_with_negative_points_has_the_member_tier() -> None:
    assert tier_of(-1).name == "Member"


def test_tier_levels_start_at_zero() -> None:
    assert [tier.level for tier in TIERS] == [0, 1, 2, 3]


@pytest.mark.parametrize("tier", TIERS, ids=lambda tier: tier.name)
def test_tier_starts_exactly_at_its_minimum_points(tier: Tier) -> None:
    assert tier_of(tier.minimum_points) == tier
    assert tier_of(tier.minimum_points - 1) == TIERS[max(0, tier.level - 1)]


@given(st.integers(), st.integers())
def test_more_points_never_give_a_lower_tier(some: int, others: int) -> None:
    fewer, more = sorted((some, others))
    assert tier_of(fewer).level <= tier_of(more).level, f"{more} points give a lower tier than {fewer}"


@given(st.integers(min_value=0))
def test_customer_has_the_highest_tier_that_the_points_allow(points: int) -> None:
    covered = [tier for tier in TIERS if tier.minimum_points <= points]
    assert tier_of(points) == covered[-1]


@pytest.mark.parametrize(
    ("name", "points", "tier"),
    [
        ("coffee", 100, "Member"),
        ("tote bag", 400, "Silver"),
        ("concert ticket", 900, "Gold"),
        ("weekend trip", 4_500, "Platinum"),
    ],
)
def test_each_reward_has_a_price_and_a_tier(name: str, points: int, tier: str) -> None:
    reward = reward_named(name)
    assert reward is not None
    assert (reward.points, TIERS[reward.tier_level].name) == (points, tier)


def test_search_for_an_unknown_reward_returns_none() -> None:
    assert reward_named("Coffee") is None


def test_minimum_points_of_a_tier_are_enough_for_its_rewards() -> None:
    for reward in REWARDS:
        tier = TIERS[reward.tier_level]
        assert reward.points <= max(tier.minimum_points, 100), f"{tier.name} cannot pay {reward.name}"


def test_gold_star_requires_a_million_lifetime_points() -> None:
    assert GOLD_STAR_LIFETIME_POINTS == 1_000_000
