"""Each update to a customer on a real server, and the order of updates and signals."""

from __future__ import annotations

import pytest
from temporalio.client import RPCError, WorkflowUpdateFailedError
from temporalio.service import RPCStatusCode

from tests.support.helpers import Gate, Shop, accepted, ends, events, points, refusal, status

pytestmark = pytest.mark.slow

WELCOME = "Welcome to the loyalty program"
ADA = "ada@example.org"


async def test_update_adds_one_loyalty_point_by_default(shop: Shop) -> None:
    ada = await shop.opens("ada")
    assert await ada.execute_update("addLoyaltyPoint") == "Thanks for being a loyal customer!"
    assert await points(ada) == 1


async def test_update_that_adds_loyalty_points_returns_the_new_tier(shop: Shop) -> None:
    ada = await shop.opens("ada", points=999)
    assert await ada.execute_update("addLoyaltyPoint", 1) == "Welcome to Gold Status!"
    assert await ada.execute_update("addLoyaltyPoint", 1) == "Thanks for being a loyal customer!"


async def test_redeeming_a_reward_returns_a_receipt(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA, points=520)
    receipt = await ada.execute_update("redeemReward", "coffee")
    assert receipt == {"reward": "coffee", "points_spent": 100, "points": 420}
    answer = await status(ada)
    assert (answer["points"], answer["lifetime_points"]) == (420, 520)
    await shop.mails.arrive(ADA, WELCOME, "You now have 420 points", "Your status is now Member")


@pytest.mark.parametrize(
    ("update", "arguments", "sentence"),
    [
        (
            "addLoyaltyPoint",
            [0],
            "Cannot use 0 as points; expected a whole number, not 0, from -1,000,000,000 to 1,000,000,000",
        ),
        (
            "addLoyaltyPoint",
            [1.9],
            "Cannot use 1.9 as points; expected a whole number, not 0, from -1,000,000,000 to 1,000,000,000",
        ),
        (
            "addLoyaltyPoint",
            [True],
            "Cannot use True as points; expected a whole number, not 0, from -1,000,000,000 to 1,000,000,000",
        ),
        (
            "addLoyaltyPoint",
            [1, "grace", 2],
            "Cannot use 2 as a transaction id; expected printable ASCII text, such as a UUID",
        ),
        (
            "addLoyaltyPoint",
            [1, "grace", "receipt-1", 2],
            "Cannot read a purchase with [2] at its end; "
            "it takes points and, optionally, a sender id and a transaction id",
        ),
        (
            "redeemReward",
            ["castle"],
            "Cannot redeem 'castle'; expected coffee, tote bag, concert ticket, weekend trip",
        ),
        ("redeemReward", ["tote bag"], "Cannot redeem 'tote bag'; it needs Silver status, Ada has Member"),
        (
            "redeemReward",
            [],
            "Cannot use None as a reward's name; expected text of at most 200 printable characters",
        ),
        ("redeemReward", ["coffee", "tea"], "Cannot read a reward with ['tea'] at its end; it takes one name"),
        ("giftPoints", [{"guest_id": "grace", "points": 300}], "Cannot gift 300 points; Ada has 120"),
        (
            "giftPoints",
            [{"guest_id": "eve", "points": 1}],
            "Cannot gift points to 'eve'; guests of Ada: grace",
        ),
        (
            "giftPoints",
            [{"guest_id": "grace", "points": -1}],
            "Cannot use -1 as points; expected a whole number, at least 1, up to 1,000,000,000",
        ),
        (
            "giftPoints",
            ["grace", 300],
            "Cannot read a gift with [300] at its end; it takes one object",
        ),
    ],
)
async def test_refused_update_changes_nothing_and_records_no_event(
    shop: Shop, update: str, arguments: list[object], sentence: str
) -> None:
    ada = await shop.opens("ada", name="Ada", points=120, guests=["grace"])
    before, length = await status(ada), len(await events(ada))
    assert await refusal(ada.execute_update(update, args=arguments)) == sentence
    assert await status(ada) == before
    assert len(await events(ada)) == length, "The refusal recorded an event"


async def test_unknown_update_raises_an_error_only_for_the_sender(shop: Shop) -> None:
    ada = await shop.opens("ada", points=7)
    with pytest.raises(WorkflowUpdateFailedError):
        await ada.execute_update("noSuchUpdate")
    assert await points(ada) == 7


async def test_update_to_a_completed_workflow_raises_a_not_found_error(shop: Shop) -> None:
    ada = await shop.opens("ada")
    await ada.signal("cancelAccount")
    await ends(ada)
    with pytest.raises(RPCError) as not_found:
        await ada.execute_update("addLoyaltyPoint", 1)
    assert not_found.value.status == RPCStatusCode.NOT_FOUND


async def test_updates_and_signals_are_processed_in_the_order_of_sending(closed_shop: Shop) -> None:
    gate = Gate()
    async with closed_shop.serving(gate=gate):
        ada = await closed_shop.opens("ada", points=4_000)
        await ada.signal("inviteGuest", {"customer_id": "grace"})
        await gate.reached.wait()
        first = await accepted(ada, "addLoyaltyPoint", 1_000)
        await ada.signal("addPoints", -4_600)
        second = await accepted(ada, "addLoyaltyPoint", 100)
        await ada.signal("addPoints", 500)
        third = await accepted(ada, "redeemReward", "concert ticket")
        assert await points(ada) == 4_000, "A message was processed while the guest was being started"
        gate.open.set()
        assert await first.result() == "Welcome to Platinum Status!"
        assert await second.result() == "Welcome to Silver Status!"
        assert await third.result() == {"reward": "concert ticket", "points_spent": 900, "points": 100}


async def test_waiting_update_is_validated_again_before_it_is_processed(closed_shop: Shop) -> None:
    gate = Gate()
    async with closed_shop.serving(gate=gate):
        ada = await closed_shop.opens("ada", name="Ada", points=1_000)
        await ada.signal("inviteGuest", {"customer_id": "grace"})
        await gate.reached.wait()
        await ada.signal("addPoints", -950)
        coffee = await accepted(ada, "redeemReward", "coffee")
        gate.open.set()
        assert await refusal(coffee.result()) == "Cannot redeem 'coffee' for 100 points; Ada has 50"


async def test_gift_is_accepted_while_the_guest_starts(closed_shop: Shop) -> None:
    gate = Gate()
    async with closed_shop.serving(gate=gate):
        ada = await closed_shop.opens("ada", points=1_000)
        await ada.signal("inviteGuest", {"customer_id": "grace"})
        await gate.reached.wait()
        gift = await accepted(ada, "giftPoints", {"guest_id": "grace", "points": 300})
        gate.open.set()
        assert await gift.result() == "grace receives 300 points"


async def test_update_is_refused_after_the_signal_to_close_the_account(closed_shop: Shop) -> None:
    gate = Gate()
    async with closed_shop.serving(gate=gate):
        ada = await closed_shop.opens("ada", name="Ada", points=1_000)
        await ada.signal("inviteGuest", {"customer_id": "grace"})
        await gate.reached.wait()
        await ada.signal("cancelAccount")
        coffee = await accepted(ada, "redeemReward", "coffee")
        gate.open.set()
        assert await refusal(coffee.result()) == "Cannot do this for Ada; the account is closed"
        await ends(ada)


async def test_update_is_refused_immediately_while_the_goodbye_email_is_sent(shop: Shop) -> None:
    ada = await shop.opens("ada", name="Ada", email=ADA, points=120)
    await shop.mails.arrive(ADA, WELCOME)
    shop.mails.down = True
    await ada.signal("cancelAccount")
    await ada.signal("addPoints", 5)
    assert not (await status(ada))["account_active"]
    sentence = await refusal(ada.execute_update("redeemReward", "coffee"))
    assert sentence == "Cannot do this for Ada; the account is closed"
    shop.mails.down = False
    await ends(ada)
    assert await points(ada) == 125, "A purchase sent during the goodbye e-mail was lost"
    assert shop.mails.to(ADA) == [WELCOME, "Goodbye"]
