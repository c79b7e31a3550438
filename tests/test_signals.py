"""Each signal to a customer on a real server."""

from __future__ import annotations

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError
from temporalio.common import RawValue

from tests.support.helpers import Shop, count, ends, eventually, has_closed, points, status

pytestmark = pytest.mark.slow

WELCOME = "Welcome to the loyalty program"
ADA = "ada@example.org"


async def test_signal_with_points_adds_points_and_causes_an_email(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA)
    await ada.signal("addPoints", 1_234)
    answer = await status(ada)
    assert (answer["points"], answer["lifetime_points"]) == (1_234, 1_234)
    await shop.mails.arrive(ADA, WELCOME, "You now have 1,234 points", "Welcome to Gold Status!")


async def test_returned_purchase_can_demote_the_customer(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA, points=500)
    await ada.signal("addPoints", -100)
    answer = await status(ada)
    assert (answer["points"], answer["lifetime_points"], answer["status"]["name"]) == (400, 500, "Member")
    await shop.mails.arrive(ADA, WELCOME, "You now have 400 points", "Your status is now Member")


async def test_returned_purchase_never_makes_points_negative(shop: Shop) -> None:
    ada = await shop.opens("ada", points=50)
    await ada.signal("addPoints", -100)
    await ada.signal("addPoints", 1)
    assert await points(ada) == 1


async def test_customer_with_a_million_lifetime_points_receives_the_gold_star(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA, points=5_000, lifetime_points=999_999)
    await ada.signal("addPoints", 1)
    assert (await status(ada))["gold_star"]
    await shop.mails.arrive(ADA, WELCOME, "You now have 5,001 points", "A gold star for you")


async def test_sender_receives_a_signal_if_the_points_cause_a_promotion(shop: Shop) -> None:
    grace = await shop.opens("grace", email="grace@example.org")
    ada = await shop.opens("ada", points=499)
    await ada.signal("addPoints", args=[1, "grace"])
    await eventually(
        lambda: status(grace),
        lambda answer: answer["friends"] == {"ada": "Silver"},
        waiting_for="Silver as Ada's status in Grace's list of friends",
    )
    await shop.mails.arrive("grace@example.org", WELCOME, "ada now has Silver status")


async def test_sender_receives_no_signal_if_the_tier_stays_the_same(shop: Shop) -> None:
    await shop.opens("grace")
    ada = await shop.opens("ada")
    await ada.signal("addPoints", args=[1, "grace"])
    assert await points(ada) == 1
    assert await count(ada, EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED) == 0


@pytest.mark.parametrize("sender", ["nobody", "ada"])
async def test_points_are_added_even_if_their_sender_is_unreachable(shop: Shop, sender: str) -> None:
    ada = await shop.opens("ada")
    await ada.signal("addPoints", args=[1_000, sender])
    assert await ada.execute_update("addLoyaltyPoint", 1) == "Thanks for being a loyal customer!"
    assert await points(ada) == 1_001


async def test_points_are_never_lowered_by_the_signal_for_a_minimum_status(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA)
    await ada.signal("ensureMinimumStatus", 2)
    assert await points(ada) == 1_000
    await ada.signal("ensureMinimumStatus", 1)
    assert await points(ada) == 1_000
    await shop.mails.arrive(ADA, WELCOME, "You now have 1,000 points", "Welcome to Gold Status!")


async def test_new_status_of_a_friend_is_stored_and_sent_by_email(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA)
    for level in ("Silver", "Gold"):
        await ada.signal("notifyNewStatus", {"customer_id": "grace", "status": level})
    assert (await status(ada))["friends"] == {"grace": "Gold"}
    await shop.mails.arrive(ADA, WELCOME, "grace now has Silver status", "grace now has Gold status")


async def test_closing_the_account_sends_a_goodbye_email_and_completes_the_workflow(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA, points=70)
    await ada.signal("cancelAccount")
    assert await ends(ada) is None
    await has_closed(ada, WorkflowExecutionStatus.COMPLETED)
    assert shop.mails.to(ADA) == [WELCOME, "Goodbye"]
    answer = await status(ada)
    assert (answer["account_active"], answer["points"]) == (False, 70)


async def test_only_signals_with_points_take_effect_after_the_account_is_closed(closed_shop: Shop) -> None:
    ada = await closed_shop.opens("ada", points=70, email="ada@example.org")
    await ada.signal("cancelAccount")
    await ada.signal("addPoints", 100)
    await ada.signal("ensureMinimumStatus", 3)
    async with closed_shop.serving():
        await ends(ada)
        assert await points(ada) == 170, (
            "A gift sent after cancelAccount was lost: its giver has already spent the points"
        )
    assert closed_shop.mails.to("ada@example.org")[-1] == "Goodbye", "The customer sent an e-mail after the goodbye"


@pytest.mark.parametrize(
    ("signal", "arguments"),
    [
        ("addPoints", []),
        ("addPoints", [0]),
        ("addPoints", ["100"]),
        ("addPoints", [True]),
        ("addPoints", [1.9]),
        ("addPoints", [None]),
        ("addPoints", [1_000_000_001]),
        ("addPoints", [-1_000_000_001]),
        ("addPoints", [100, ""]),
        ("addPoints", [100, 7]),
        ("addPoints", [100, "x" * 201]),
        ("addPoints", [100, None, ""]),
        ("addPoints", [100, None, 7]),
        ("addPoints", [100, None, "r" * 65]),
        ("addPoints", [100, None, "réceipt"]),
        ("addPoints", [100, "grace", "receipt-1", "surplus"]),
        ("addPoints", [{"points": 100}]),
        ("inviteGuest", []),
        ("inviteGuest", ["grace"]),
        ("inviteGuest", [{}]),
        ("inviteGuest", [{"customer_id": ""}]),
        ("inviteGuest", [{"customer_id": "x" * 1_000}]),
        ("inviteGuest", [{"customer_id": "ada"}]),
        ("inviteGuest", [{"customer_id": "grace", "email": "nowhere"}]),
        ("inviteGuest", [{"customer_id": "grace"}, "surplus"]),
        ("ensureMinimumStatus", []),
        ("ensureMinimumStatus", [4]),
        ("ensureMinimumStatus", [-1]),
        ("ensureMinimumStatus", ["Gold"]),
        ("ensureMinimumStatus", [3, "surplus"]),
        ("notifyNewStatus", []),
        ("notifyNewStatus", [{"customer_id": "grace"}]),
        ("notifyNewStatus", [{"customer_id": "grace", "status": "Titanium"}]),
        ("notifyNewStatus", [{"customer_id": "grace", "status": "Gold"}, "surplus"]),
        ("cancelAccount", ["surplus"]),
        ("redeemReward", ["coffee"]),
        ("noSuchSignal", [1]),
    ],
    ids=lambda value: repr(value)[:50],
)
async def test_bad_signal_is_ignored(shop: Shop, signal: str, arguments: list[object]) -> None:
    ada = await shop.opens("ada", points=1_000)
    before = await status(ada)
    await ada.signal(signal, args=arguments)
    assert await status(ada) == before
    assert await ada.query("getGuests") == []
    assert await ada.execute_update("addLoyaltyPoint", 1) == "Thanks for being a loyal customer!"


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    "junk",
    [
        RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b"{not json")),
        RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b"9" * 5_000)),
        RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b"NaN")),
        RawValue(Payload(metadata={"encoding": b"binary/plain"}, data=b"\x00\xff")),
        RawValue(Payload(metadata={"encoding": b"klingon"}, data=b"Qapla'")),
        RawValue(Payload(metadata={"encoding": b"json/plain"}, data=nested(100_000))),
        b"\x00\xff",
    ],
    ids=["broken JSON", "a number too long for Python", "NaN", "bytes", "unknown encoding", "nesting", "raw bytes"],
)
async def test_unreadable_payload_changes_nothing(shop: Shop, junk: object) -> None:
    ada = await shop.opens("ada", points=7)
    for signal in ("addPoints", "inviteGuest", "ensureMinimumStatus", "notifyNewStatus", "cancelAccount"):
        await ada.signal(signal, junk)
    for update in ("addLoyaltyPoint", "redeemReward", "giftPoints"):
        with pytest.raises(WorkflowUpdateFailedError):
            await ada.execute_update(update, junk)
    assert await points(ada) == 7


async def test_deeply_nested_json_changes_nothing(shop: Shop) -> None:
    """Python's recursion limit stops the parsing and the printing of nested JSON at different depths."""
    ada = await shop.opens("ada", points=7)
    for depth in range(900, 1_000, 2):
        await ada.signal("addPoints", RawValue(Payload(metadata={"encoding": b"json/plain"}, data=nested(depth))))
    assert await points(ada) == 7
