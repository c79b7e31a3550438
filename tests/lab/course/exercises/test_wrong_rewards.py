"""A wrong try at an exercise in `rewards.py` gets a fitting hint, and a later correct try passes."""

from __future__ import annotations

import pytest

from tests.support.customer_tries import closed, opened, signalled, terminated, updated, wrong_starts
from tests.support.helpers import Shop
from tests.support.tries import HEDY, Right, WrongTry, check_hint_and_right_try

pytestmark = pytest.mark.slow

TICKET = "concert ticket"
RICH, POOR = opened("hedy", points=1_000), opened("hedy", points=500)
NO_ANSWER = "the history of customer-hedy has no answered update"
ENOUGH = "She has 1,000 points, which is enough. Redeem it with `await hedy.execute_update("
SEND_FIRST = "a concert ticket needs Gold, which begins at 1,000. A refused update leaves no event. Send her points fi"


async def the_ticket_of_another_customer(shop: Shop) -> None:
    await shop.opens("hedy", points=1_000)
    await (await shop.opens("ada", points=1_000)).execute_update("redeemReward", TICKET)


async def only_asked_for_the_catalogue(shop: Shop) -> None:
    await (await shop.opens("hedy", points=1_000)).query("getRewards")


HEDYS = [
    WrongTry(HEDY, RICH, f"{NO_ANSWER}. {ENOUGH}"),
    WrongTry(HEDY, POOR, f"{NO_ANSWER}. She has 500 points, and {SEND_FIRST}"),
    WrongTry(HEDY, updated(POOR, "redeemReward", TICKET), f"{NO_ANSWER}. She has 500 points, and {SEND_FIRST}"),
    WrongTry(
        HEDY,
        signalled(RICH, "redeemReward", TICKET),
        f"is the signal redeemReward, and a signal has no answer. {ENOUGH}",
    ),
    WrongTry(
        HEDY, signalled(POOR, "redeemReward", TICKET), "and a signal has no answer. She has 500 points, and a con"
    ),
    WrongTry(
        HEDY, updated(RICH, "redeemReward", "coffee"), "no receipt for a concert ticket: {'points': 900, 'points_"
    ),
    WrongTry(HEDY, updated(RICH, "redeemReward", "coffee"), f"She has 900 points, and {SEND_FIRST}"),
    WrongTry(HEDY, updated(RICH, "redeemReward", "concert tickets"), f"{NO_ANSWER}. {ENOUGH}"),
    WrongTry(HEDY, updated(RICH, "redeemReward", None), f"{NO_ANSWER}. {ENOUGH}"),
    WrongTry(HEDY, updated(RICH, "redeemReward"), f"{NO_ANSWER}. {ENOUGH}"),
    WrongTry(HEDY, updated(RICH, "redeemReward", 900), f"{NO_ANSWER}. {ENOUGH}"),
    WrongTry(HEDY, updated(RICH, "redeemReward", "x" * 70_000), "no receipt for a concert ticket: Cannot use 'xxxxx"),
    WrongTry(HEDY, updated(RICH, "addLoyaltyPoint", 5), "no receipt for a concert ticket: Thanks for being a loyal"),
    WrongTry(HEDY, the_ticket_of_another_customer, f"{NO_ANSWER}. {ENOUGH}"),
    WrongTry(HEDY, only_asked_for_the_catalogue, f"{NO_ANSWER}. {ENOUGH}"),
    WrongTry(HEDY, closed(RICH), f"{NO_ANSWER}, and customer-hedy has ended (COMPLETED). Start the next try"),
    WrongTry(HEDY, terminated(POOR), f"{NO_ANSWER}, and customer-hedy has ended (TERMINATED). Start the next try"),
]


async def right_hedy(shop: Shop, name: str) -> None:
    await (await shop.opens(name, points=1_000)).execute_update("redeemReward", TICKET)


RIGHT: dict[str, Right[Shop]] = {HEDY: right_hedy}
WRONG = [*HEDYS, *wrong_starts(HEDY)]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_wrong_solution_of_the_reward_exercise_gets_a_hint(exercise_shop: Shop, wrong: WrongTry[Shop]) -> None:
    await check_hint_and_right_try(exercise_shop, wrong, RIGHT[wrong.exercise])
