"""A wrong try at an exercise in `emails.py` gets a fitting hint, and a later correct try passes."""

from __future__ import annotations

from typing import Any

import pytest

from loyalty.lab import settled
from tests.support.customer_tries import Make, closed, opened, then, wrong_starts
from tests.support.helpers import Shop, eventually
from tests.support.tries import RADIA, Right, WrongTry, check_hint_and_right_try

pytestmark = pytest.mark.slow

ADDRESS = "radia@example.com"
NO_PURCHASE = "found no e-mail about a purchase in the history of customer-radia"
OUTAGE = "Stop the inbox, send a purchase, and start the inbox after the first attempt has failed"


def bought(*purchases: Any, email: str = ADDRESS) -> Make:
    return opened("radia", *purchases, email=email)


async def late_welcome(shop: Shop) -> None:
    shop.mails.down = True
    radia = await shop.opens("radia", email=ADDRESS)
    await eventually(lambda: shop.mails.attempts, waiting_for="the first attempt")
    shop.mails.down = False
    await settled(radia)


async def still_down(shop: Shop) -> None:
    radia = await shop.opens("radia", email=ADDRESS)
    await shop.mails.arrive(ADDRESS, "Welcome to the loyalty program")
    shop.mails.down = True
    await radia.signal("addPoints", 10)
    await eventually(lambda: len(shop.mails.attempts) > 1, waiting_for="an attempt")


async def terminated_in_the_outage(shop: Shop) -> None:
    await still_down(shop)
    await shop.customer("radia").terminate()
    shop.mails.down = False


RADIAS = [
    WrongTry(RADIA, opened("radia"), "starts customer-radia without an e-mail address; Customer(...) takes email=...."),
    WrongTry(RADIA, opened("radia", 10), "starts customer-radia without an e-mail address"),
    WrongTry(
        RADIA,
        opened("radia", 10, email="radia"),
        "shows why the workflow failed: Cannot use 'radia' as an e-mail address",
    ),
    WrongTry(RADIA, then(bought(), "settled", settled), f"{NO_PURCHASE}. {OUTAGE}"),
    WrongTry(RADIA, then(bought("10"), "settled", settled), f"{NO_PURCHASE}. {OUTAGE}"),
    WrongTry(RADIA, then(bought(10), "settled", settled), "found 1 e-mail about a purchase, but no second attempt"),
    WrongTry(RADIA, late_welcome, f"{NO_PURCHASE}: event 6 is attempt 2 of the welcome. {OUTAGE}"),
    WrongTry(
        RADIA, still_down, "the worker still tries to send 1 of her 2 e-mails. `lab.inbox.start()` opens the inbox"
    ),
    WrongTry(RADIA, terminated_in_the_outage, "and customer-radia has ended (TERMINATED). Start the next try"),
    WrongTry(RADIA, closed(bought(10)), "and customer-radia has ended (COMPLETED). Start the next try"),
]


async def right_radia(shop: Shop, name: str) -> None:
    shop.mails.down = False
    radia = await shop.opens(name, email=f"{name}@example.com")
    await settled(radia)
    shop.mails.down, tried = True, len(shop.mails.attempts)
    await radia.signal("addPoints", 10)
    await eventually(lambda: len(shop.mails.attempts) > tried, waiting_for="the first attempt")
    shop.mails.down = False
    await settled(radia)


RIGHT: dict[str, Right[Shop]] = {RADIA: right_radia}
WRONG = [*RADIAS, *wrong_starts(RADIA)]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_wrong_solution_of_the_email_exercise_gets_a_hint(exercise_shop: Shop, wrong: WrongTry[Shop]) -> None:
    await check_hint_and_right_try(exercise_shop, wrong, RIGHT[wrong.exercise])
