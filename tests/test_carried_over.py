"""State, messages and e-mails are carried over to the next run."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowUpdateStage

from loyalty.actor.mailbox import CARRY_LIMIT
from tests.support.helpers import (
    Gate,
    Handle,
    Shop,
    comes_to,
    continue_as_new,
    count,
    ends,
    events,
    eventually,
    points,
    runs,
    status,
)

pytestmark = pytest.mark.slow

WELCOME = "Welcome to the loyalty program"

ADA = "ada@example.org"

SHORT = {"history_threshold": 30}
"""Each run continues as new after about 30 events."""


async def test_state_is_carried_over_to_the_next_run(shop: Shop) -> None:
    ada = await shop.opens("ada", name="Ada", email=ADA, points=1_000, settings=SHORT)
    await ada.signal("inviteGuest", {"customer_id": "grace"})
    await ada.signal("notifyNewStatus", {"customer_id": "joan", "status": "Gold"})
    await shop.mails.arrive(ADA, WELCOME, "grace is your guest", "joan now has Gold status")
    await continue_as_new(ada, times=3)
    answer = await status(ada)
    bought = answer["points"] - 1_000
    assert bought > 3, "A run processed no purchase"
    assert answer["lifetime_points"] == answer["points"]
    assert (answer["name"], answer["friends"]) == ("Ada", {"joan": "Gold"})
    assert await ada.query("getGuests") == ["grace"]
    assert await ada.query("getLoyaltyMessage") == "Thanks for being a loyal customer!"
    assert await ada.execute_update("giftPoints", {"guest_id": "grace", "points": 1}) == "grace receives 1 points"


async def test_next_run_recognizes_a_repeated_transaction(shop: Shop) -> None:
    ada = await shop.opens("ada", points=999, settings=SHORT)
    assert await ada.execute_update("addLoyaltyPoint", args=[1, None, "receipt-1"]) == "Welcome to Gold Status!"
    await continue_as_new(ada, times=3)
    before = await points(ada)
    await ada.signal("addPoints", args=[1, None, "receipt-1"])
    assert await ada.execute_update("addLoyaltyPoint", args=[1, None, "receipt-1"]) == "Welcome to Gold Status!"
    assert await points(ada) == before


async def test_next_run_counts_a_repeated_purchase_only_once(shop: Shop) -> None:
    purchase = {"kind": "addPoints", "points": 100, "transaction_id": "receipt-1"}
    ada = await shop.opens("ada", settings={"history_threshold": 1, "mailbox": [purchase] * 3})
    await comes_to(ada, 100)
    assert await ada.execute_update("addLoyaltyPoint", args=[100, None, "receipt-1"]) == (
        "Thanks for being a loyal customer!"
    )
    assert await points(ada) == 100


async def test_next_run_drops_only_the_oldest_transaction(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loyalty.account.TRANSACTIONS_REMEMBERED", 3)
    ada = await shop.opens("ada", settings={"history_threshold": 1})
    for transaction_id in ("z", "y", "a", "m"):
        await ada.execute_update("addLoyaltyPoint", args=[1, None, transaction_id])
    for transaction_id in ("y", "a", "m"):
        await ada.execute_update("addLoyaltyPoint", args=[1, None, transaction_id])
    assert await points(ada) == 4, "One of the last three transactions was counted again"
    await ada.execute_update("addLoyaltyPoint", args=[1, None, "z"])
    assert await points(ada) == 5, "The fourth-last transaction is still stored"


async def test_only_the_first_run_sends_a_welcome_email(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA, settings=SHORT)
    await continue_as_new(ada, times=3)
    await ada.signal("cancelAccount")
    await ends(ada)
    assert shop.mails.to(ADA).count(WELCOME) == 1
    assert shop.mails.to(ADA)[-1] == "Goodbye"


async def start_input(run: Handle, shop: Shop) -> dict[str, Any]:
    """Return the input with which a run was started."""
    payloads = (await events(run))[0].workflow_execution_started_event_attributes.input.payloads
    (start,) = await shop.client.data_converter.decode(payloads)
    assert isinstance(start, dict)
    return start


async def test_each_run_answers_waiting_updates_and_carries_over_waiting_signals(closed_shop: Shop) -> None:
    gate = Gate()
    async with closed_shop.serving(gate=gate):
        ada = await closed_shop.opens("ada", points=1_000, settings={"history_threshold": 5})
        await ada.signal("inviteGuest", {"customer_id": "grace"})
        await gate.reached.wait()
        await ada.signal("addPoints", 10)
        asked = await ada.start_update("addLoyaltyPoint", 4_000, wait_for_stage=WorkflowUpdateStage.ACCEPTED)
        await ada.signal("addPoints", 20)
        await ada.signal("addPoints", 30)
        gate.open.set()
        assert await asked.result() == "Welcome to Platinum Status!"
        await comes_to(ada, 5_060)
        first, second, *_ = await runs(ada, closed_shop.client)
        assert await count(first, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED) == 1
        carried = await start_input(second, closed_shop)
        assert [tell["points"] for tell in carried["mailbox"]] == [20, 30], (
            "The signals after the last update were not carried over"
        )


async def test_each_run_processes_messages_that_it_cannot_carry_over(closed_shop: Shop) -> None:
    waiting = 2 * CARRY_LIMIT + 50
    ada = await closed_shop.opens("ada", settings={"history_threshold": waiting})
    await asyncio.gather(*(ada.signal("addPoints", 1) for _ in range(waiting)))
    async with closed_shop.serving():
        await comes_to(ada, waiting)
        _, second = await runs(ada, closed_shop.client)
        carried = await start_input(second, closed_shop)
    assert len(carried["mailbox"]) == CARRY_LIMIT
    assert carried["customer"]["points"] == waiting - CARRY_LIMIT


async def test_every_type_of_message_can_be_carried_over(shop: Shop) -> None:
    start = {
        "is_new": False,
        "mailbox": [
            {"kind": "addPoints", "points": 100, "sender_id": None},
            {"kind": "ensureMinimumStatus", "level": 2},
            {"kind": "inviteGuest", "guest": {"customer_id": "grace", "name": "Grace", "email": ""}},
            {"kind": "notifyNewStatus", "news": {"customer_id": "joan", "status": "Gold"}},
            {"kind": "addPoints", "points": 10, "sender_id": "joan"},
            {"kind": "cancelAccount"},
        ],
        "outbox": [{"to": ADA, "subject": "From another run", "body": "", "topic": "status"}],
    }
    ada = await shop.opens("ada", email=ADA, settings=start)
    await ends(ada)
    answer = await status(ada)
    assert (answer["points"], answer["friends"]) == (1_010, {"joan": "Gold"})
    assert await ada.query("getGuests") == ["grace"]
    told = shop.mails.to(ADA)
    assert (told[0], told[-1]) == ("From another run", "Goodbye")
    assert {"Welcome to Gold Status!", "Grace is your guest", "joan now has Gold status"} < set(told)


async def test_unsent_email_is_carried_over_and_sent_later(shop: Shop) -> None:
    shop.mails.down = True
    ada = await shop.opens("ada", email=ADA, settings={"history_threshold": 15})
    await ada.signal("notifyNewStatus", {"customer_id": "grace", "status": "Gold"})
    before = (await ada.describe()).run_id
    for _ in range(4):
        await ada.execute_update("addLoyaltyPoint", 1)
    await eventually(
        lambda: ada.describe(),
        lambda seen: seen.run_id != before,
        waiting_for="a new run although the mail server is down",
    )
    assert not shop.mails.received
    shop.mails.down = False
    await shop.mails.arrive(ADA, WELCOME, "grace now has Gold status", "You now have 4 points")


async def test_guest_continues_as_new_at_the_same_threshold_as_the_inviter(shop: Shop) -> None:
    ada = await shop.opens("ada", points=1_000, settings=SHORT)
    await ada.signal("inviteGuest", {"customer_id": "grace"})
    await eventually(lambda: ada.query("getGuests"), waiting_for="a guest in the list of guests")
    grace = shop.customer("grace")
    await continue_as_new(grace)
    assert (await status(grace))["status"]["name"] == "Silver"


async def test_invitation_cannot_reopen_an_account_that_a_later_run_closed(shop: Shop) -> None:
    grace = await shop.opens("grace", settings=SHORT)
    await continue_as_new(grace)
    await grace.signal("cancelAccount")
    await ends(grace)
    ada = await shop.opens("ada", email=ADA, points=1_000)
    await ada.signal("inviteGuest", {"customer_id": "grace"})
    await shop.mails.arrive(ADA, WELCOME, "grace has already canceled")


async def test_gift_reaches_the_guest_after_both_customers_have_continued_as_new(shop: Shop) -> None:
    ada = await shop.opens("ada", points=1_000, settings=SHORT)
    await ada.signal("inviteGuest", {"customer_id": "grace"})
    await eventually(lambda: ada.query("getGuests"), waiting_for="a guest in the list of guests")
    await continue_as_new(ada)
    await continue_as_new(shop.customer("grace"))
    before = await points(shop.customer("grace"))
    await ada.execute_update("giftPoints", {"guest_id": "grace", "points": 100})
    await comes_to(shop.customer("grace"), before + 100)
