"""The answers of the queries, with and without waiting messages."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from loyalty import account, queries
from loyalty.messages import (
    AddPoints,
    CancelAccount,
    Customer,
    EnsureMinimumStatus,
    GuestInvitation,
    InviteGuest,
    NewStatus,
    NotifyNewStatus,
    Tell,
)
from loyalty.tiers import REWARDS, TIERS, Tier


def ada(points: int = 0, **fields: Any) -> Customer:
    return account.normalize(Customer("ada", "Ada", points=points, **fields))


# ---- answers --------------------------------------------------------------------------------------------------


def test_status_contains_points_and_tier_and_gold_star_and_friends() -> None:
    answer = queries.describe(ada(1_200, lifetime_points=1_000_000, friends=[NewStatus("grace", "Gold")]))
    assert (answer.points, answer.lifetime_points, answer.account_active) == (1_200, 1_000_000, True)
    assert (answer.status.name, answer.status.level, answer.status.minimum_points, answer.status.guests_allowed) == (
        "Gold",
        2,
        1_000,
        2,
    )
    assert answer.gold_star
    assert answer.friends == {"grace": "Gold"}


@pytest.mark.parametrize("tier", TIERS, ids=lambda tier: tier.name)
def test_each_tier_unlocks_its_own_rewards_and_the_rewards_of_lower_tiers(tier: Tier) -> None:
    unlocked = [offer.name for offer in queries.offers(ada(tier.minimum_points)) if offer.unlocked]
    assert unlocked == [reward.name for reward in REWARDS if reward.tier_level <= tier.level]


# ---- waiting messages -----------------------------------------------------------------------------------------


def test_queries_return_the_current_state_if_no_messages_wait() -> None:
    assert queries.foresee(ada(700), []) == ada(700)


def test_query_counts_each_waiting_transaction_only_once() -> None:
    waiting = [AddPoints(400, None, "t-1"), AddPoints(400, None, "t-1"), AddPoints(100)]
    seen = queries.foresee(ada(), waiting)
    assert (seen.points, seen.lifetime_points) == (500, 500)
    assert seen.loyalty_message == "Welcome to Silver Status!"
    assert [one.transaction_id for one in seen.transactions] == ["t-1"]


def test_queries_include_waiting_messages_about_minimum_status_and_friends() -> None:
    seen = queries.foresee(ada(), [EnsureMinimumStatus(2), NotifyNewStatus(NewStatus("grace", "Gold"))])
    assert seen.points == 1_000
    assert seen.friends == [NewStatus("grace", "Gold")]


def test_signals_after_a_cancellation_change_only_the_points() -> None:
    waiting: list[Tell] = [
        CancelAccount(),
        AddPoints(5),
        EnsureMinimumStatus(3),
        NotifyNewStatus(NewStatus("grace", "Gold")),
    ]
    seen = queries.foresee(ada(), waiting)
    assert not seen.account_active
    assert (seen.points, seen.friends) == (5, [])


def test_queries_do_not_list_a_guest_before_the_invitation_is_processed() -> None:
    assert queries.foresee(ada(1_000), [InviteGuest(GuestInvitation("grace"))]).guests == []


def test_queries_do_not_change_the_customer() -> None:
    customer = ada(700, friends=[NewStatus("joan", "Member")])
    before = copy.deepcopy(customer)
    queries.foresee(
        customer, [AddPoints(400, None, "t-1"), NotifyNewStatus(NewStatus("grace", "Gold")), CancelAccount()]
    )
    assert customer == before
