"""The mailbox: what waits together is served together, and a storm is divided into short runs."""

from __future__ import annotations

from temporalio.api.enums.v1 import EventType

from loyalty.lab.traffic import storm
from loyalty.limits import MOST_SIGNALS_IN_A_STORM
from tests.helpers import Handle, Shop, comes_to, count, events, points, runs

ADA = "ada@example.com"
WELCOME = "Welcome to the loyalty program"


async def markers(customer: Handle) -> int:
    return await count(customer, EventType.EVENT_TYPE_MARKER_RECORDED)


async def test_purchases_that_wait_together_are_told_of_in_one_mail(closed_shop: Shop) -> None:
    ada = await closed_shop.opens("ada", email=ADA)
    for _ in range(20):
        await ada.signal("addPoints", 10)
    async with closed_shop.serving():
        await closed_shop.mails.arrive(ADA, WELCOME, "You now have 200 points")


async def test_that_they_wait_together_is_marked_once(closed_shop: Shop) -> None:
    ada = await closed_shop.opens("ada")
    for expected in (50, 100):
        for _ in range(5):
            await ada.signal("addPoints", 10)
        async with closed_shop.serving():
            await comes_to(ada, expected)
    assert await markers(ada) == 1


async def test_purchases_one_by_one_leave_no_mark(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA)
    for bought in range(1, 6):
        await ada.signal("addPoints", 10)
        await comes_to(ada, 10 * bought)
    assert await markers(ada) == 0


async def test_a_storm_is_divided_into_runs_that_are_soon_replayed(closed_shop: Shop) -> None:
    ada = await closed_shop.opens("ada")
    torrent = await storm(ada, purchases=MOST_SIGNALS_IN_A_STORM + 100)
    assert torrent.accepted == MOST_SIGNALS_IN_A_STORM + 100
    assert len(await events(ada)) < 3_000, "far from the threshold of 10,000 events"
    async with closed_shop.serving():
        await comes_to(ada, torrent.accepted)
        first, *later = await runs(ada, closed_shop.client)
        assert later, "the run ended because of its signals"
        assert await markers(first) == 1
        assert await points(later[-1]) == torrent.accepted
