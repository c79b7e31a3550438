"""Repeated signals and updates with a transaction id count once."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.helpers import Shop, ends, points, refusal, status

pytestmark = pytest.mark.slow

WELCOME = "Welcome to the loyalty program"
ADA = "ada@example.org"


async def test_repeated_signal_with_points_is_counted_once(shop: Shop) -> None:
    ada = await shop.opens("ada")
    for _ in range(3):
        await ada.signal("addPoints", args=[100, None, "receipt-1"])
    await ada.signal("addPoints", args=[100, None, "receipt-2"])
    answer = await status(ada)
    assert (answer["points"], answer["lifetime_points"]) == (200, 200)


async def test_repeated_update_returns_the_first_answer(shop: Shop) -> None:
    ada = await shop.opens("ada", points=999)
    answers = [await ada.execute_update("addLoyaltyPoint", args=[1, None, "receipt-1"])]
    await ada.signal("addPoints", 1)
    answers += [await ada.execute_update("addLoyaltyPoint", args=[1, None, "receipt-1"]) for _ in range(2)]
    assert answers == ["Welcome to Gold Status!"] * 3
    assert await points(ada) == 1_001
    assert await ada.query("getLoyaltyMessage") == "Thanks for being a loyal customer!", (
        "A repeated update changed the loyalty message"
    )


async def test_concurrent_repeated_updates_return_the_same_answer(shop: Shop) -> None:
    ada = await shop.opens("ada", points=499)
    asking = (ada.execute_update("addLoyaltyPoint", args=[1, None, "receipt-1"]) for _ in range(8))
    assert await asyncio.gather(*asking) == ["Welcome to Silver Status!"] * 8
    assert await points(ada) == 500


async def test_transaction_is_counted_once_if_sent_both_as_signal_and_update(shop: Shop) -> None:
    ada = await shop.opens("ada", points=499)
    await ada.signal("addPoints", args=[1, None, "told first"])
    assert await ada.execute_update("addLoyaltyPoint", args=[1, None, "told first"]) == "Welcome to Silver Status!"
    await ada.execute_update("addLoyaltyPoint", args=[1, None, "asked first"])
    await ada.signal("addPoints", args=[1, None, "asked first"])
    assert await points(ada) == 501


async def test_only_the_first_purchase_with_the_same_transaction_id_is_counted(shop: Shop) -> None:
    grace = await shop.opens("grace")
    ada = await shop.opens("ada")
    await ada.signal("addPoints", args=[100, None, "receipt-1"])
    answer = await ada.execute_update("addLoyaltyPoint", args=[5_000, "grace", "receipt-1"])
    assert answer == "Thanks for being a loyal customer!"
    assert await points(ada) == 100
    assert (await status(grace))["friends"] == {}, "The sender was notified, although there was no promotion"


async def test_two_customers_can_use_the_same_transaction_id(shop: Shop) -> None:
    ada, grace = await shop.opens("ada"), await shop.opens("grace")
    for customer in (ada, grace):
        await customer.execute_update("addLoyaltyPoint", args=[100, None, "receipt-1"])
    assert [await points(ada), await points(grace)] == [100, 100]


async def test_refused_transaction_can_be_sent_again(shop: Shop) -> None:
    ada = await shop.opens("ada")
    await refusal(ada.execute_update("addLoyaltyPoint", args=[0, None, "receipt-1"]))
    await ada.execute_update("addLoyaltyPoint", args=[100, None, "receipt-1"])
    assert await points(ada) == 100


async def test_closed_account_refuses_a_repeated_update(shop: Shop) -> None:
    ada = await shop.opens("ada", name="Ada", email=ADA)
    await shop.mails.arrive(ADA, WELCOME)
    await ada.execute_update("addLoyaltyPoint", args=[100, None, "receipt-1"])
    await shop.mails.arrive(ADA, WELCOME, "You now have 100 points")
    shop.mails.down = True
    await ada.signal("cancelAccount")
    for transaction_id in ("receipt-1", "receipt-2", "receipt-2"):
        await ada.signal("addPoints", args=[100, None, transaction_id])
    assert not (await status(ada))["account_active"]
    sentence = await refusal(ada.execute_update("addLoyaltyPoint", args=[100, None, "receipt-1"]))
    assert sentence == "Cannot do this for Ada; the account is closed"
    shop.mails.down = False
    await ends(ada)
    assert await points(ada) == 200, "A purchase sent during the goodbye e-mail must count exactly once"
