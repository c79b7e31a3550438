"""A wrong try at an exercise in `growth.py` gets a fitting hint, and a later correct try passes."""

from __future__ import annotations

from typing import Any

import pytest

from loyalty.lab import settled
from tests.support.customer_tries import HUGE, Make, closed, opened, send, signalled, terminated, updated, wrong_starts
from tests.support.helpers import Handle, Shop, status
from tests.support.tries import LEAN, PHOENIX, Right, WrongTry, check_hint_and_right_try, titled

pytestmark = pytest.mark.slow

# ---- lean purchases ------------------------------------------------------------------------------------------


def lean(*arguments: list[Any], **fields: Any) -> Make:
    async def make(shop: Shop) -> Handle:
        customer = await shop.opens("lean", **fields)
        await send(customer, *arguments)
        return customer

    return titled(make, f"{len(arguments)} purchases of {arguments[0]} {fields}")


async def one_by_one(shop: Shop) -> None:
    customer = await shop.opens("lean")
    for _ in range(200):
        await customer.signal("addPoints", 1)
        await status(customer)


async def by_updates(shop: Shop) -> None:
    customer = await shop.opens("lean")
    for _ in range(20):
        await customer.execute_update("addLoyaltyPoint", 1)


FOUND_NONE = "found 0 purchases by the signal addPoints, expected at least 200"
LEANS = [
    WrongTry(LEAN, opened("lean"), f"{FOUND_NONE}. Send more purchases at once, with `asyncio.gather`"),
    WrongTry(LEAN, lean(*[[1]] * 20), "found 20 purchases by the signal addPoints, expected at least 200"),
    WrongTry(
        LEAN, one_by_one, "Signals that arrive together share the events of one Workflow Task. Send more purchases"
    ),
    WrongTry(LEAN, by_updates, FOUND_NONE),
    WrongTry(LEAN, lean(*[["1"]] * 200), "(Cannot use '1' as points"),
    WrongTry(LEAN, lean(*[[-1]] * 200, points=200), FOUND_NONE),
    WrongTry(LEAN, lean(*[[0]] * 200), "(Cannot use 0 as points"),
    WrongTry(LEAN, lean(*[[1, None, "same"]] * 200), "found 1 purchase by the signal addPoints, expected at least"),
    WrongTry(LEAN, lean(*[[HUGE]] * 50), "(Cannot use 1000000000000 as points"),
    WrongTry(LEAN, closed(opened("lean", 1)), "and customer-lean has ended (COMPLETED). Start the next try"),
]

# ---- four runs -----------------------------------------------------------------------------------------------


def phoenix(bursts: int, *arguments: Any, threshold: Any = 20) -> Make:
    async def make(shop: Shop) -> Handle:
        customer = await shop.opens("phoenix", settings={"history_threshold": threshold})
        for _ in range(bursts):
            await send(customer, *[list(arguments or (1,))] * 50)
            await settled(customer)
        return customer

    return titled(make, f"{bursts} bursts of {arguments or 1} with threshold {threshold}")


THRESHOLD = "CustomerInput(...) takes history_threshold=..., and a lower threshold makes more runs"
PHOENIXES = [
    WrongTry(PHOENIX, opened("phoenix"), "found 0 purchases by the signal addPoints in 1 run, expected at least 400"),
    WrongTry(PHOENIX, phoenix(8, threshold=10_000), THRESHOLD),
    WrongTry(PHOENIX, phoenix(8, threshold=None), THRESHOLD),
    WrongTry(PHOENIX, phoenix(5), "found 250 purchases by the signal addPoints over "),
    WrongTry(PHOENIX, phoenix(8, "1"), "found 0 purchases by the signal addPoints"),
    WrongTry(PHOENIX, phoenix(1, threshold=10_000), "in 1 run, expected at least 400 in 4"),
    WrongTry(
        PHOENIX,
        opened("phoenix", settings={"history_threshold": "50"}),
        "the workflow failed: Cannot use '50' as history_t",
    ),
    WrongTry(
        PHOENIX, opened("phoenix", settings={"history_threshold": 0}), "the workflow failed: Cannot use 0 as history_t"
    ),
    WrongTry(
        PHOENIX,
        signalled(phoenix(8), "addPoints", -1),
        "and customer-phoenix has 399: some points were returned or spent",
    ),
    WrongTry(PHOENIX, updated(phoenix(8), "redeemReward", "coffee"), "has 300: some points were returned or spent"),
    WrongTry(PHOENIX, closed(phoenix(1)), "and customer-phoenix has ended (COMPLETED). Start the next try"),
    WrongTry(PHOENIX, terminated(phoenix(1, threshold=10_000)), "and customer-phoenix has ended (TERMINATED)"),
]


# ---- right tries ---------------------------------------------------------------------------------------------


async def right_lean(shop: Shop, name: str) -> None:
    customer = await shop.opens(name)
    for _ in range(4):
        await send(customer, *[[1]] * 50)
        await settled(customer)


async def right_phoenix(shop: Shop, name: str) -> None:
    customer = await shop.opens(name, settings={"history_threshold": 20})
    for _ in range(4):
        await send(customer, *[[1]] * 100)
        await settled(customer)


RIGHT: dict[str, Right[Shop]] = {LEAN: right_lean, PHOENIX: right_phoenix}
WRONG = [*LEANS, *PHOENIXES, *wrong_starts(LEAN), *wrong_starts(PHOENIX)]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_wrong_solution_of_a_growth_exercise_gets_a_hint(exercise_shop: Shop, wrong: WrongTry[Shop]) -> None:
    await check_hint_and_right_try(exercise_shop, wrong, RIGHT[wrong.exercise])
