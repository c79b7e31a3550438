"""A wrong try at an exercise in `status.py` gets a fitting hint, and a later correct try passes."""

from __future__ import annotations

import pytest

from tests.support.customer_tries import HUGE, cancelled, closed, opened, signalled, terminated, updated, wrong_starts
from tests.support.helpers import Shop
from tests.support.tries import GRACE, LINUS, Right, WrongTry, check_hint_and_right_try

pytestmark = pytest.mark.slow

# ---- Grace starts as Silver ----------------------------------------------------------------------------------

GRACES = [
    WrongTry(GRACE, opened("grace"), "event 1 starts customer-grace with 0 points, as Member. Silver begins at 500"),
    WrongTry(GRACE, opened("grace", points=50), "starts customer-grace with 50 points, as Member"),
    WrongTry(GRACE, opened("grace", points=1_000), "starts customer-grace with 1,000 points, as Gold"),
    WrongTry(GRACE, opened("grace", lifetime_points=500), "with 0 points, as Member. Silver begins at 500 points"),
    WrongTry(GRACE, opened("grace", points="500"), "shows why the workflow failed: Cannot use '500' as points"),
    WrongTry(GRACE, opened("grace", points=-500), "shows why the workflow failed: Cannot use -500 as points"),
    WrongTry(GRACE, opened("grace", points=500.5), "shows why the workflow failed: Cannot use 500.5 as points"),
    WrongTry(GRACE, opened("grace", points=None), "shows why the workflow failed: Cannot use None as points"),
    WrongTry(GRACE, opened("grace", points=HUGE), "shows why the workflow failed: Cannot use 1000000000000 as points"),
    WrongTry(
        GRACE, opened("grace", points=500, email="x@y, z@w"), "shows why the workflow failed: Cannot use 'x@y, z@w'"
    ),
    WrongTry(GRACE, opened("grace", 500), "found 1 signal, expected 0: event 3 of customer-grace is the signal addPo"),
    WrongTry(GRACE, opened("grace", 1, points=500), "is the signal addPoints; her start with 500 points was enough"),
    WrongTry(GRACE, updated(opened("grace"), "addLoyaltyPoint", 500), "event 1 starts customer-grace with 0 points"),
    WrongTry(GRACE, terminated(opened("grace")), "as Member. Silver begins at 500 points, and Customer(...) takes"),
    WrongTry(GRACE, terminated(opened("grace", 500)), "and customer-grace has ended (TERMINATED). Start the next try"),
    WrongTry(GRACE, cancelled(opened("grace")), "and customer-grace has ended (CANCELED). Start the next try"),
    WrongTry(GRACE, closed(opened("grace", points=5)), "and customer-grace has ended (COMPLETED). Start the next try"),
]

# ---- Linus becomes Silver and a Member again -----------------------------------------------------------------

NEVER = "never made linus Silver, which begins at 500 points"
CLOSED = "and customer-linus has ended (COMPLETED). Start the next try with the customer id 'linus-2'"


async def another_customers_handle(shop: Shop) -> None:
    await shop.opens("linus")
    ada = await shop.opens("ada")
    await ada.signal("addPoints", 600)
    await ada.signal("addPoints", -200)


LINUSES = [
    WrongTry(LINUS, opened("linus"), "found no signal that gives customer-linus points. Send points with `await"),
    WrongTry(LINUS, another_customers_handle, "found no signal that gives customer-linus points"),
    WrongTry(LINUS, opened("linus", 100), "the signals [100] never made customer-linus Silver, which begins at 500"),
    WrongTry(LINUS, opened("linus", -200), "the signals [-200] never made customer-linus Silver"),
    WrongTry(LINUS, opened("linus", "-200"), "(Cannot use '-200' as points"),
    WrongTry(
        LINUS, opened("linus", "-200", 600), "has 600 points after the signals [600], and is still Silver; the cust"
    ),
    WrongTry(LINUS, opened("linus", None), "(Cannot use None as points"),
    WrongTry(LINUS, opened("linus", ()), "(Cannot use 0 as points"),
    WrongTry(LINUS, opened("linus", 600.5), "(Cannot use 600.5 as points"),
    WrongTry(LINUS, opened("linus", True), "(Cannot use True as points"),
    WrongTry(LINUS, opened("linus", HUGE), "(Cannot use 1000000000000 as points"),
    WrongTry(LINUS, opened("linus", [600, -200]), "(Cannot use [600, -200] as points"),
    WrongTry(LINUS, opened("linus", (600, -200)), "(Cannot use -200 as a customer id"),
    WrongTry(LINUS, opened("linus", b"600"), "(Cannot use b'600' as points"),
    WrongTry(
        LINUS, opened("linus", 600), "has 600 points after the signals [600], and is still Silver. Send a returned"
    ),
    WrongTry(LINUS, opened("linus", 600, -50), "has 550 points after the signals [600, -50], and is still Silver"),
    WrongTry(LINUS, opened("linus", -200, 600), "has 600 points after the signals [-200, 600], and is still Silver"),
    WrongTry(
        LINUS, opened("linus", 600, -200, 600), "has 1,000 points after the signals [600, -200, 600], and is still"
    ),
    WrongTry(
        LINUS, opened("linus", (600, None, "t"), (-200, None, "t")), "repeats a transaction id, so it counts once"
    ),
    WrongTry(LINUS, opened("linus", -200, points=600), "starts customer-linus with 600 points, so no signal made him"),
    WrongTry(LINUS, updated(opened("linus"), "addLoyaltyPoint", 600), "customer-linus points; event 8 is an update"),
    WrongTry(
        LINUS, updated(opened("linus", 600), "redeemReward", "tote bag"), "is a Member again, but not by a signal; "
    ),
    WrongTry(LINUS, signalled(opened("linus"), "addPoint", 600), "found no signal that gives customer-linus points"),
    WrongTry(
        LINUS, signalled(opened("linus"), "ensureMinimumStatus", 1), "has 500 points after the signals [500], and"
    ),
    WrongTry(
        LINUS, closed(opened("linus", 600)), f"has 600 points after the signals [600], and is still Silver, {CLOSED}"
    ),
    WrongTry(LINUS, closed(opened("linus", 600, -200)), f"but his account is not open any more, {CLOSED}"),
    WrongTry(LINUS, terminated(opened("linus", 600, -200)), "and customer-linus has ended (TERMINATED). Start the n"),
    WrongTry(LINUS, cancelled(opened("linus")), "and customer-linus has ended (CANCELED). Start the next try"),
]


# ---- right tries ---------------------------------------------------------------------------------------------


async def right_grace(shop: Shop, name: str) -> None:
    await shop.opens(name, points=500)


async def right_linus(shop: Shop, name: str) -> None:
    linus = await shop.opens(name)
    await linus.signal("addPoints", 600)
    await linus.signal("addPoints", -200)


RIGHT: dict[str, Right[Shop]] = {GRACE: right_grace, LINUS: right_linus}
WRONG = [*GRACES, *LINUSES, *wrong_starts(GRACE), *wrong_starts(LINUS)]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_wrong_solution_of_a_status_exercise_gets_a_hint(exercise_shop: Shop, wrong: WrongTry[Shop]) -> None:
    await check_hint_and_right_try(exercise_shop, wrong, RIGHT[wrong.exercise])
