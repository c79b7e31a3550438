"""The rules of one customer's account."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from loyalty import account
from loyalty.actor.refusals import Refused
from loyalty.messages import (
    THANKS,
    AddPoints,
    CancelAccount,
    Customer,
    EnsureMinimumStatus,
    Gift,
    GiftPoints,
    GuestInvitation,
    InviteGuest,
    Message,
    NewStatus,
    NotifyNewStatus,
    RedeemReward,
)
from loyalty.parsing import MAX_POINTS
from loyalty.tiers import REWARDS, tier_of


def ada(points: int = 0, **fields: Any) -> Customer:
    return account.normalize(Customer("ada", "Ada", points=points, **fields))


def refusal(customer: Customer, message: Message) -> str:
    before = copy.deepcopy(customer)
    with pytest.raises(Refused) as refused:
        account.refuse_impossible(customer, message)
    assert customer == before, "The refused message changed the account"
    return str(refused.value)


# ---- points ---------------------------------------------------------------------------------------------------


def test_purchase_adds_points_and_lifetime_points() -> None:
    customer = ada(100)
    account.add_points(customer, 50)
    assert (customer.points, customer.lifetime_points) == (150, 150)


def test_returned_purchase_removes_points_but_keeps_lifetime_points() -> None:
    customer = ada(100)
    account.add_points(customer, -30)
    assert (customer.points, customer.lifetime_points) == (70, 100)


def test_points_never_fall_below_zero() -> None:
    customer = ada(100)
    change = account.add_points(customer, -101)
    assert customer.points == 0
    assert change.moved == -100, "Only the 100 available points can be removed"


def test_promotion_sets_the_loyalty_message() -> None:
    customer = ada(499)
    change = account.add_points(customer, 1)
    assert (change.before.name, change.after.name, change.rose, change.fell) == ("Member", "Silver", True, False)
    assert customer.loyalty_message == "Welcome to Silver Status!"


def test_promotion_to_platinum_sets_the_platinum_message() -> None:
    customer = ada()
    account.add_points(customer, 5_000)
    assert customer.loyalty_message == "Welcome to Platinum Status!"


def test_loyalty_message_says_thanks_after_a_purchase_without_promotion() -> None:
    customer = ada(499)
    account.add_points(customer, 1)
    account.add_points(customer, 1)
    assert customer.loyalty_message == THANKS


def test_loyalty_message_says_thanks_after_a_demotion() -> None:
    customer = ada(1_000)
    change = account.add_points(customer, -1)
    assert (change.rose, change.fell, change.after.name) == (False, True, "Silver")
    assert customer.loyalty_message == THANKS


def test_gold_star_remains_after_points_are_spent() -> None:
    customer = ada(999_999)
    assert account.add_points(customer, 1).star_earned
    account.add_points(customer, -1_000_000)
    assert account.has_gold_star(customer), "The gold star was lost after points were spent"
    assert not account.add_points(customer, 1_000_000).star_earned


def test_points_are_raised_to_the_minimum_points_of_the_requested_tier() -> None:
    customer = ada(120)
    change = account.raise_to_level(customer, 2)
    assert (customer.points, change.moved, change.rose) == (1_000, 880, True)


def test_request_for_a_lower_tier_does_not_lower_the_points() -> None:
    customer = ada(5_000)
    change = account.raise_to_level(customer, 1)
    assert (customer.points, change.moved, change.rose, change.fell) == (5_000, 0, False, False)


def test_returned_gift_adds_no_lifetime_points() -> None:
    customer = ada(500)
    account.spend(customer, 300)
    account.put_back(customer, 300)
    assert (customer.points, customer.lifetime_points) == (500, 500)


def test_points_in_start_input_count_as_lifetime_points() -> None:
    assert ada(700).lifetime_points == 700


def test_negative_points_in_start_input_become_zero() -> None:
    customer = account.normalize(Customer("ada", points=-5, lifetime_points=-5))
    assert (customer.points, customer.lifetime_points) == (0, 0)


def test_start_input_can_set_lifetime_points() -> None:
    assert ada(700, lifetime_points=2_000).lifetime_points == 2_000


# ---- refusals -------------------------------------------------------------------------------------------------


def test_gift_is_refused_if_the_account_has_too_few_points() -> None:
    assert refusal(ada(120, guests=["grace"]), GiftPoints(Gift("grace", 300))) == (
        "Cannot gift 300 points; Ada has 120"
    )


def test_customer_can_gift_all_points() -> None:
    account.refuse_impossible(ada(120, guests=["grace"]), GiftPoints(Gift("grace", 120)))


def test_gift_to_an_unknown_guest_is_refused() -> None:
    assert refusal(ada(1_000), GiftPoints(Gift("eve", 1))) == ("Cannot gift points to 'eve'; guests of Ada: nobody yet")
    assert refusal(ada(1_000, guests=["grace", "joan"]), GiftPoints(Gift("eve", 1))) == (
        "Cannot gift points to 'eve'; guests of Ada: grace, joan"
    )


def test_unknown_reward_is_refused() -> None:
    assert refusal(ada(9_999), RedeemReward("castle")) == (
        "Cannot redeem 'castle'; expected coffee, tote bag, concert ticket, weekend trip"
    )


def test_locked_reward_is_refused() -> None:
    assert refusal(ada(450), RedeemReward("tote bag")) == (
        "Cannot redeem 'tote bag'; it needs Silver status, Ada has Member"
    )


def test_reward_is_refused_if_the_customer_has_too_few_points() -> None:
    assert refusal(ada(99), RedeemReward("coffee")) == "Cannot redeem 'coffee' for 100 points; Ada has 99"


def test_refusal_contains_the_customer_id_if_the_customer_has_no_name() -> None:
    assert refusal(Customer("ada", points=99), RedeemReward("coffee")).endswith("ada has 99")


def test_redeeming_a_reward_spends_points_and_returns_a_receipt() -> None:
    customer = ada(1_050)
    receipt, change = account.redeem(customer, "coffee")
    assert (receipt.reward, receipt.points_spent, receipt.points) == ("coffee", 100, 950)
    assert (customer.points, customer.lifetime_points, change.after.name) == (950, 1_050, "Silver")


def test_customers_cannot_invite_themselves() -> None:
    assert refusal(ada(5_000), InviteGuest(GuestInvitation("ada"))) == (
        "Cannot invite oneself; Ada can invite other customers"
    )


@pytest.mark.parametrize(
    "message",
    [
        AddPoints(1),
        InviteGuest(GuestInvitation("grace")),
        EnsureMinimumStatus(1),
        NotifyNewStatus(NewStatus("grace", "Gold")),
        RedeemReward("coffee"),
        GiftPoints(Gift("grace", 1)),
        CancelAccount(),
    ],
    ids=lambda message: type(message).__name__,
)
def test_closed_account_refuses_every_message(message: Message) -> None:
    closed = ada(5_000, guests=["grace"], account_active=False)
    assert refusal(closed, message) == "Cannot do this for Ada; the account is closed"


# ---- guests and friends ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("points", "places"), [(0, 0), (999, 0), (1_000, 2), (4_999, 2), (5_000, 5)])
def test_allowed_number_of_guests_depends_on_the_tier(points: int, places: int) -> None:
    customer = ada(points)
    for number in range(10):
        if account.has_place_for(customer, f"guest-{number}"):
            account.welcome_guest(customer, f"guest-{number}")
    assert len(customer.guests) == places


def test_repeated_invitation_adds_the_guest_only_once() -> None:
    customer = ada(1_000, guests=["grace", "joan"])
    assert account.has_place_for(customer, "grace")
    account.welcome_guest(customer, "grace")
    assert customer.guests == ["grace", "joan"]


def test_customer_can_invite_a_new_guest_after_removing_a_guest() -> None:
    customer = ada(1_000, guests=["grace", "joan"])
    assert not account.has_place_for(customer, "mary")
    account.forget_guest(customer, "grace")
    assert account.has_place_for(customer, "mary")


def test_removing_an_unknown_guest_changes_nothing() -> None:
    customer = ada(1_000, guests=["grace"])
    account.forget_guest(customer, "eve")
    assert customer.guests == ["grace"]


def test_account_keeps_only_the_newest_status_of_each_friend() -> None:
    customer = ada()
    for friend, status in [("grace", "Silver"), ("joan", "Gold"), ("grace", "Platinum")]:
        account.remember_friend(customer, NewStatus(friend, status))
    assert customer.friends == [NewStatus("joan", "Gold"), NewStatus("grace", "Platinum")]


def test_new_friend_replaces_the_oldest_friend_in_a_full_list() -> None:
    customer = ada()
    for number in range(account.FRIENDS_REMEMBERED + 3):
        account.remember_friend(customer, NewStatus(f"friend-{number}", "Gold"))
    assert len(customer.friends) == account.FRIENDS_REMEMBERED
    assert customer.friends[0].customer_id == "friend-3"


# ---- transactions ---------------------------------------------------------------------------------------------


def buy(customer: Customer, points: int, transaction_id: str | None) -> str:
    """Add the points of a purchase once, as the customer does, and return the loyalty message."""
    answer = account.answer_given(customer, transaction_id)
    if answer is None:
        account.add_points(customer, points)
        account.remember_transaction(customer, transaction_id)
        answer = customer.loyalty_message
    return answer


def test_account_stores_one_answer_for_each_transaction_id() -> None:
    customer = ada(999)
    assert buy(customer, 1, "receipt-1") == "Welcome to Gold Status!"
    assert buy(customer, 1, "receipt-2") == THANKS
    assert account.answer_given(customer, "receipt-1") == "Welcome to Gold Status!"
    assert account.answer_given(customer, "receipt-2") == THANKS


def test_purchase_without_a_transaction_id_is_not_stored() -> None:
    customer = ada()
    buy(customer, 1, None)
    buy(customer, 1, None)
    assert customer.points == 2
    assert account.answer_given(customer, None) is None


def test_second_purchase_with_the_same_transaction_id_is_not_counted() -> None:
    customer = ada()
    assert buy(customer, 100, "receipt-1") == buy(customer, 5_000, "receipt-1") == THANKS
    assert (customer.points, customer.lifetime_points) == (100, 100)


def test_new_transaction_replaces_the_oldest_transaction_in_a_full_list() -> None:
    customer = ada()
    for number in range(account.TRANSACTIONS_REMEMBERED + 3):
        buy(customer, 1, f"receipt-{number}")
    assert len(customer.transactions) == account.TRANSACTIONS_REMEMBERED
    known = [number for number in range(5) if account.answer_given(customer, f"receipt-{number}")]
    assert known == [3, 4], f"Of the first five transactions, these are still stored: {known}"


def test_repeated_transaction_keeps_its_position_in_the_list() -> None:
    customer = ada()
    for number in range(account.TRANSACTIONS_REMEMBERED):
        buy(customer, 1, f"receipt-{number}")
    buy(customer, 1, "receipt-0")
    buy(customer, 1, "one more")
    assert account.answer_given(customer, "receipt-0") is None
    assert account.answer_given(customer, "receipt-1") == THANKS


@given(
    st.lists(st.tuples(st.integers(1, 900), st.sampled_from(["a", "b", "c", "d"]) | st.none()), max_size=30),
)
def test_repeated_transactions_are_counted_once_and_return_the_same_answer(
    purchases: list[tuple[int, str | None]],
) -> None:
    customer = ada()
    answers: dict[str, str] = {}
    counted: dict[str, int] = {}
    for points, transaction_id in purchases:
        answer = buy(customer, points, transaction_id)
        if transaction_id is not None:
            counted.setdefault(transaction_id, points)
            before = answers.setdefault(transaction_id, answer)
            assert before == answer, f"{transaction_id} has two answers: {before!r} and {answer!r}"
    anonymous = sum(points for points, transaction_id in purchases if transaction_id is None)
    assert customer.points == anonymous + sum(counted.values())


# ---- properties -----------------------------------------------------------------------------------------------


@given(st.integers(0, MAX_POINTS), st.integers(-MAX_POINTS, MAX_POINTS).filter(bool))
def test_adding_points_returns_the_old_tier_and_the_new_tier(before: int, points: int) -> None:
    customer = ada(before)
    change = account.add_points(customer, points)
    assert change.moved == customer.points - before
    assert (change.before, change.after) == (tier_of(before), tier_of(customer.points))
    assert not (change.rose and change.fell)


class TwoAccounts(RuleBasedStateMachine):
    """Ada earns, spends and gifts points. Grace receives a gift, or the gift is returned to Ada."""

    def __init__(self) -> None:
        super().__init__()
        self.ada, self.grace = ada(guests=["grace"]), Customer("grace")
        self.earned = self.spent = 0
        self.lifetime_before = 0

    @rule(points=st.integers(-6_000, 6_000).filter(bool))
    def buys_or_returns(self, points: int) -> None:
        moved = account.add_points(self.ada, points).moved
        self.earned += max(0, moved)
        self.spent += max(0, -moved)

    @rule(level=st.integers(0, 3))
    def is_raised(self, level: int) -> None:
        self.earned += account.raise_to_level(self.ada, level).moved

    @rule(reward=st.sampled_from([*(reward.name for reward in REWARDS), "castle"]))
    def redeems(self, reward: str) -> None:
        before = copy.deepcopy(self.ada)
        try:
            receipt, _ = account.redeem(self.ada, reward)
        except Refused:
            assert self.ada == before, "The refused reward changed the account"
        else:
            self.spent += receipt.points_spent

    @rule(points=st.integers(1, 2_000), arrives=st.booleans())
    def gives(self, points: int, arrives: bool) -> None:
        try:
            account.refuse_impossible(self.ada, GiftPoints(Gift("grace", points)))
        except Refused:
            assert points > self.ada.points
            return
        account.spend(self.ada, points)
        if arrives:
            account.add_points(self.grace, points)
        else:
            account.put_back(self.ada, points)

    @invariant()
    def points_are_conserved(self) -> None:
        total = self.ada.points + self.grace.points
        assert total == self.earned - self.spent, (
            f"{total} points are not {self.earned} earned minus {self.spent} spent points"
        )

    @invariant()
    def points_are_never_below_zero(self) -> None:
        assert self.ada.points >= 0

    @invariant()
    def lifetime_points_never_fall_and_cover_the_points(self) -> None:
        assert self.ada.lifetime_points >= self.lifetime_before, "The lifetime points decreased"
        assert self.ada.lifetime_points >= self.ada.points
        self.lifetime_before = self.ada.lifetime_points


TestTwoAccounts = TwoAccounts.TestCase
