"""A wrong try at an exercise in `deliveries.py` gets a fitting hint, and a later correct try passes."""

from __future__ import annotations

import pytest

from tests.support.customer_tries import opened, terminated, updated, wrong_starts
from tests.support.helpers import Shop
from tests.support.tries import FRANCES, Right, WrongTry, check_hint_and_right_try

pytestmark = pytest.mark.slow

ONCE = (100, None, "purchase-1")
NO_TRANSACTION = "of customer-frances has no transaction id, so every delivery counts, and she has"
FRANCESES = [
    WrongTry(FRANCES, opened("frances"), "found no signal that gives customer-frances points. Send it with `await fr"),
    WrongTry(FRANCES, opened("frances", 100), f"{NO_TRANSACTION} 100 points"),
    WrongTry(FRANCES, opened("frances", 100, 100, 100), f"{NO_TRANSACTION} 300 points"),
    WrongTry(FRANCES, opened("frances", (100, "purchase-1")), f"{NO_TRANSACTION} 100 points"),
    WrongTry(FRANCES, opened("frances", ONCE, ONCE), "found 2 of 3 deliveries of the transaction 'purchase-1'; event"),
    WrongTry(FRANCES, opened("frances", ONCE, ONCE, ONCE, 100), "2 purchases of customer-frances count, expected 1: "),
    WrongTry(FRANCES, opened("frances", *[(100, None, one) for one in "abc"]), "count, expected 1: [100, 100, 100]"),
    WrongTry(FRANCES, opened("frances", *[(50, None, "t")] * 3), "is a purchase of 50 points, expected 100"),
    WrongTry(FRANCES, opened("frances", *[("100", None, "t")] * 3), "(Cannot use '100' as points"),
    WrongTry(FRANCES, opened("frances", *[(100, None, 7)] * 3), "(Cannot use 7 as a transaction id"),
    WrongTry(FRANCES, opened("frances", (100, None, "t", 3)), "(Cannot read a purchase with [3] at its end"),
    WrongTry(FRANCES, updated(opened("frances", ONCE, ONCE, ONCE), "redeemReward", "coffee"), "has 0 points, 0 more t"),
    WrongTry(FRANCES, updated(opened("frances"), "addLoyaltyPoint", 100), "found no signal that gives customer-franc"),
    WrongTry(FRANCES, terminated(opened("frances", ONCE)), "and customer-frances has ended (TERMINATED). Start the n"),
]


async def right_frances(shop: Shop, name: str) -> None:
    frances = await shop.opens(name)
    for _ in range(3):
        await frances.signal("addPoints", args=list(ONCE))


RIGHT: dict[str, Right[Shop]] = {FRANCES: right_frances}
WRONG = [*FRANCESES, *wrong_starts(FRANCES)]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_wrong_solution_of_the_delivery_exercise_gets_a_hint(exercise_shop: Shop, wrong: WrongTry[Shop]) -> None:
    await check_hint_and_right_try(exercise_shop, wrong, RIGHT[wrong.exercise])
