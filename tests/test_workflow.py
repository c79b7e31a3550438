"""One customer on a real server: what each message does, and what nobody can do to it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.client import (
    RPCError,
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateStage,
)
from temporalio.common import RawValue, WorkflowIDConflictPolicy
from temporalio.exceptions import CancelledError
from temporalio.service import RPCStatusCode

from loyalty.messages import WORKFLOW_TYPE
from tests.support.helpers import (
    Gate,
    Handle,
    Shop,
    comes_to,
    count,
    ends,
    events,
    eventually,
    failure_of,
    points,
    refusal,
    rests,
    status,
)

pytestmark = pytest.mark.slow

WELCOME = "Welcome to the loyalty program"
ADA = "ada@example.org"


async def has_closed(customer: Handle, how: WorkflowExecutionStatus) -> None:
    assert (await customer.describe()).status == how, f"{customer.id} has another status than {how.name}"


async def accepted(customer: Handle, update: str, argument: object) -> Any:
    """Send an update, and return its handle after the workflow has accepted the update."""
    return await customer.start_update(update, argument, wait_for_stage=WorkflowUpdateStage.ACCEPTED)


# ---- starting -------------------------------------------------------------------------------------------------


async def test_customer_starts_with_only_an_id(shop: Shop) -> None:
    ada = await shop.client.start_workflow(
        "CustomerLoyaltyWorkflow", {"customer": {"customer_id": "ada"}}, id="customer-ada", task_queue=shop.task_queue
    )
    assert await status(ada) == {
        "customer_id": "ada",
        "name": "",
        "points": 0,
        "lifetime_points": 0,
        "status": {"name": "Member", "level": 0, "minimum_points": 0, "guests_allowed": 0},
        "account_active": True,
        "gold_star": False,
        "friends": {},
        "parent": None,
    }


async def test_new_customer_receives_welcome_email(shop: Shop) -> None:
    await shop.opens("ada", name="Ada", email=ADA)
    await shop.mails.arrive(ADA, WELCOME)


async def test_customer_with_is_new_false_receives_no_welcome_email(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA, settings={"is_new": False})
    await ada.signal("addPoints", 1)
    await shop.mails.arrive(ADA, "You now have 1 points")


async def test_customer_started_with_1000_points_has_gold_status(shop: Shop) -> None:
    ada = await shop.opens("ada", points=1_000)
    answer = await status(ada)
    assert (answer["status"]["name"], answer["lifetime_points"]) == ("Gold", 1_000)


async def test_customer_started_with_closed_account_completes_at_once(shop: Shop) -> None:
    ada = await shop.opens("ada", account_active=False)
    assert await ends(ada) is None


async def test_client_reaches_customer_by_workflow_id(shop: Shop) -> None:
    await shop.opens("ada", points=7)
    assert await points(shop.client.get_workflow_handle("customer-ada")) == 7


async def test_signal_with_start_adds_to_start_points(shop: Shop) -> None:
    ada = await shop.client.start_workflow(
        WORKFLOW_TYPE,
        {"customer": {"customer_id": "ada", "points": 20}},
        id="customer-ada",
        task_queue=shop.task_queue,
        start_signal="addPoints",
        start_signal_args=[100],
    )
    assert await points(ada) == 120


async def test_signals_sent_before_first_worker_are_all_counted(closed_shop: Shop) -> None:
    ada = await closed_shop.opens("ada", points=20)
    for _ in range(5):
        await ada.signal("addPoints", 100)
    async with closed_shop.serving():
        assert await points(ada) == 520


async def test_update_with_start_returns_answer(shop: Shop) -> None:
    start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        WORKFLOW_TYPE,
        {"customer": {"customer_id": "ada", "points": 499}},
        id="customer-ada",
        task_queue=shop.task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
    )
    answer = await shop.client.execute_update_with_start_workflow("addLoyaltyPoint", 1, start_workflow_operation=start)
    assert answer == "Welcome to Silver Status!"


# ---- tells ----------------------------------------------------------------------------------------------------


async def test_add_points_adds_points_and_sends_email(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA)
    await ada.signal("addPoints", 1_234)
    answer = await status(ada)
    assert (answer["points"], answer["lifetime_points"]) == (1_234, 1_234)
    await shop.mails.arrive(ADA, WELCOME, "You now have 1,234 points", "Welcome to Gold Status!")


async def test_returned_purchase_can_demote_customer(shop: Shop) -> None:
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


async def test_million_lifetime_points_earn_gold_star(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA, points=5_000, lifetime_points=999_999)
    await ada.signal("addPoints", 1)
    assert (await status(ada))["gold_star"]
    await shop.mails.arrive(ADA, WELCOME, "You now have 5,001 points", "A gold star for you")


async def test_sender_of_points_is_notified_of_promotion(shop: Shop) -> None:
    grace = await shop.opens("grace", email="grace@example.org")
    ada = await shop.opens("ada", points=499)
    await ada.signal("addPoints", args=[1, "grace"])
    await eventually(
        lambda: status(grace),
        lambda answer: answer["friends"] == {"ada": "Silver"},
        waiting_for="Silver as Ada's status in Grace's list of friends",
    )
    await shop.mails.arrive("grace@example.org", WELCOME, "ada now has Silver status")


async def test_sender_of_points_is_not_notified_without_promotion(shop: Shop) -> None:
    await shop.opens("grace")
    ada = await shop.opens("ada")
    await ada.signal("addPoints", args=[1, "grace"])
    assert await points(ada) == 1
    assert await count(ada, EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED) == 0


@pytest.mark.parametrize("sender", ["nobody", "ada"])
async def test_points_from_unreachable_sender_are_added(shop: Shop, sender: str) -> None:
    ada = await shop.opens("ada")
    await ada.signal("addPoints", args=[1_000, sender])
    assert await ada.execute_update("addLoyaltyPoint", 1) == "Thanks for being a loyal customer!"
    assert await points(ada) == 1_001


async def test_ensure_minimum_status_never_lowers_points(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA)
    await ada.signal("ensureMinimumStatus", 2)
    assert await points(ada) == 1_000
    await ada.signal("ensureMinimumStatus", 1)
    assert await points(ada) == 1_000
    await shop.mails.arrive(ADA, WELCOME, "You now have 1,000 points", "Welcome to Gold Status!")


async def test_new_status_of_friend_is_stored_and_emailed(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA)
    for level in ("Silver", "Gold"):
        await ada.signal("notifyNewStatus", {"customer_id": "grace", "status": level})
    assert (await status(ada))["friends"] == {"grace": "Gold"}
    await shop.mails.arrive(ADA, WELCOME, "grace now has Silver status", "grace now has Gold status")


async def test_cancel_account_sends_goodbye_email_and_completes_workflow(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA, points=70)
    await ada.signal("cancelAccount")
    assert await ends(ada) is None
    await has_closed(ada, WorkflowExecutionStatus.COMPLETED)
    assert shop.mails.to(ADA) == [WELCOME, "Goodbye"]
    answer = await status(ada)
    assert (answer["account_active"], answer["points"]) == (False, 70)


async def test_signals_after_cancel_account_change_only_points(closed_shop: Shop) -> None:
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
    """Reading JSON and printing its value reach Python's recursion limit at different depths."""
    ada = await shop.opens("ada", points=7)
    for depth in range(900, 1_000, 2):
        await ada.signal("addPoints", RawValue(Payload(metadata={"encoding": b"json/plain"}, data=nested(depth))))
    assert await points(ada) == 7


# ---- asks -----------------------------------------------------------------------------------------------------


async def test_add_loyalty_point_adds_one_point_by_default(shop: Shop) -> None:
    ada = await shop.opens("ada")
    assert await ada.execute_update("addLoyaltyPoint") == "Thanks for being a loyal customer!"
    assert await points(ada) == 1


async def test_add_loyalty_point_returns_new_tier(shop: Shop) -> None:
    ada = await shop.opens("ada", points=999)
    assert await ada.execute_update("addLoyaltyPoint", 1) == "Welcome to Gold Status!"
    assert await ada.execute_update("addLoyaltyPoint", 1) == "Thanks for being a loyal customer!"


async def test_redeem_reward_returns_receipt(shop: Shop) -> None:
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
            "Cannot use 0 as points; possible is a whole number, not 0, from -1,000,000,000 to 1,000,000,000",
        ),
        (
            "addLoyaltyPoint",
            [1.9],
            "Cannot use 1.9 as points; possible is a whole number, not 0, from -1,000,000,000 to 1,000,000,000",
        ),
        (
            "addLoyaltyPoint",
            [True],
            "Cannot use True as points; possible is a whole number, not 0, from -1,000,000,000 to 1,000,000,000",
        ),
        (
            "addLoyaltyPoint",
            [1, "grace", 2],
            "Cannot use 2 as a transaction id; possible is printable ASCII text, such as a UUID",
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
            "Cannot redeem 'castle'; possible are coffee, tote bag, concert ticket, weekend trip",
        ),
        ("redeemReward", ["tote bag"], "Cannot redeem 'tote bag'; it needs Silver status, Ada has Member"),
        (
            "redeemReward",
            [],
            "Cannot use None as a reward's name; possible is text of at most 200 printable characters",
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
            "Cannot use -1 as points; possible is a whole number, at least 1, up to 1,000,000,000",
        ),
        (
            "giftPoints",
            ["grace", 300],
            "Cannot read a gift with [300] at its end; it takes one object",
        ),
    ],
)
async def test_impossible_update_is_refused_without_an_event(
    shop: Shop, update: str, arguments: list[object], sentence: str
) -> None:
    ada = await shop.opens("ada", name="Ada", points=120, guests=["grace"])
    before, length = await status(ada), len(await events(ada))
    assert await refusal(ada.execute_update(update, args=arguments)) == sentence
    assert await status(ada) == before
    assert len(await events(ada)) == length, "The refusal recorded an event"


async def test_unknown_update_raises_error_only_for_its_sender(shop: Shop) -> None:
    ada = await shop.opens("ada", points=7)
    with pytest.raises(WorkflowUpdateFailedError):
        await ada.execute_update("noSuchUpdate")
    assert await points(ada) == 7


async def test_update_to_completed_workflow_raises_not_found(shop: Shop) -> None:
    ada = await shop.opens("ada")
    await ada.signal("cancelAccount")
    await ends(ada)
    with pytest.raises(RPCError) as not_found:
        await ada.execute_update("addLoyaltyPoint", 1)
    assert not_found.value.status == RPCStatusCode.NOT_FOUND


async def test_updates_and_signals_are_processed_in_sending_order(closed_shop: Shop) -> None:
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


async def test_waiting_update_is_checked_again_before_processing(closed_shop: Shop) -> None:
    gate = Gate()
    async with closed_shop.serving(gate=gate):
        ada = await closed_shop.opens("ada", name="Ada", points=1_000)
        await ada.signal("inviteGuest", {"customer_id": "grace"})
        await gate.reached.wait()
        await ada.signal("addPoints", -950)
        coffee = await accepted(ada, "redeemReward", "coffee")
        gate.open.set()
        assert await refusal(coffee.result()) == "Cannot redeem 'coffee' for 100 points; Ada has 50"


async def test_gift_is_accepted_while_its_guest_is_being_started(closed_shop: Shop) -> None:
    gate = Gate()
    async with closed_shop.serving(gate=gate):
        ada = await closed_shop.opens("ada", points=1_000)
        await ada.signal("inviteGuest", {"customer_id": "grace"})
        await gate.reached.wait()
        gift = await accepted(ada, "giftPoints", {"guest_id": "grace", "points": 300})
        gate.open.set()
        assert await gift.result() == "grace receives 300 points"


async def test_update_waiting_behind_cancel_account_is_refused(closed_shop: Shop) -> None:
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


async def test_update_during_goodbye_email_is_refused_at_once(shop: Shop) -> None:
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


# ---- what is sent again ---------------------------------------------------------------------------------------


async def test_repeated_add_points_signal_counts_once(shop: Shop) -> None:
    ada = await shop.opens("ada")
    for _ in range(3):
        await ada.signal("addPoints", args=[100, None, "receipt-1"])
    await ada.signal("addPoints", args=[100, None, "receipt-2"])
    answer = await status(ada)
    assert (answer["points"], answer["lifetime_points"]) == (200, 200)


async def test_repeated_update_returns_first_answer(shop: Shop) -> None:
    ada = await shop.opens("ada", points=999)
    answers = [await ada.execute_update("addLoyaltyPoint", args=[1, None, "receipt-1"])]
    await ada.signal("addPoints", 1)
    answers += [await ada.execute_update("addLoyaltyPoint", args=[1, None, "receipt-1"]) for _ in range(2)]
    assert answers == ["Welcome to Gold Status!"] * 3
    assert await points(ada) == 1_001
    assert await ada.query("getLoyaltyMessage") == "Thanks for being a loyal customer!", (
        "A repeated update changed the loyalty message"
    )


async def test_concurrent_repeated_updates_return_same_answer(shop: Shop) -> None:
    ada = await shop.opens("ada", points=499)
    asking = (ada.execute_update("addLoyaltyPoint", args=[1, None, "receipt-1"]) for _ in range(8))
    assert await asyncio.gather(*asking) == ["Welcome to Silver Status!"] * 8
    assert await points(ada) == 500


async def test_transaction_sent_as_signal_and_update_counts_once(shop: Shop) -> None:
    ada = await shop.opens("ada", points=499)
    await ada.signal("addPoints", args=[1, None, "told first"])
    assert await ada.execute_update("addLoyaltyPoint", args=[1, None, "told first"]) == "Welcome to Silver Status!"
    await ada.execute_update("addLoyaltyPoint", args=[1, None, "asked first"])
    await ada.signal("addPoints", args=[1, None, "asked first"])
    assert await points(ada) == 501


async def test_first_purchase_of_a_transaction_counts(shop: Shop) -> None:
    grace = await shop.opens("grace")
    ada = await shop.opens("ada")
    await ada.signal("addPoints", args=[100, None, "receipt-1"])
    answer = await ada.execute_update("addLoyaltyPoint", args=[5_000, "grace", "receipt-1"])
    assert answer == "Thanks for being a loyal customer!"
    assert await points(ada) == 100
    assert (await status(grace))["friends"] == {}, "The sender was notified, although there was no promotion"


async def test_same_transaction_id_counts_once_for_each_customer(shop: Shop) -> None:
    ada, grace = await shop.opens("ada"), await shop.opens("grace")
    for customer in (ada, grace):
        await customer.execute_update("addLoyaltyPoint", args=[100, None, "receipt-1"])
    assert [await points(ada), await points(grace)] == [100, 100]


async def test_refused_transaction_can_be_sent_again(shop: Shop) -> None:
    ada = await shop.opens("ada")
    await refusal(ada.execute_update("addLoyaltyPoint", args=[0, None, "receipt-1"]))
    await ada.execute_update("addLoyaltyPoint", args=[100, None, "receipt-1"])
    assert await points(ada) == 100


async def test_closed_account_refuses_repeated_update(shop: Shop) -> None:
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


# ---- peeks ----------------------------------------------------------------------------------------------------


async def test_loyalty_message_welcomes_customer_only_right_after_promotion(shop: Shop) -> None:
    ada = await shop.opens("ada", points=499)
    assert await ada.query("getLoyaltyMessage") == "Thanks for being a loyal customer!"
    await ada.signal("addPoints", 1)
    assert await ada.query("getLoyaltyMessage") == "Welcome to Silver Status!"
    await ada.signal("addPoints", 1)
    assert await ada.query("getLoyaltyMessage") == "Thanks for being a loyal customer!"


async def test_get_rewards_marks_unlocked_rewards(shop: Shop) -> None:
    ada = await shop.opens("ada", points=500)
    assert await ada.query("getRewards") == [
        {"name": "coffee", "points": 100, "tier": "Member", "unlocked": True},
        {"name": "tote bag", "points": 400, "tier": "Silver", "unlocked": True},
        {"name": "concert ticket", "points": 900, "tier": "Gold", "unlocked": False},
        {"name": "weekend trip", "points": 4_500, "tier": "Platinum", "unlocked": False},
    ]


async def test_get_guests_lists_guests(shop: Shop) -> None:
    ada = await shop.opens("ada", guests=["grace", "joan"])
    assert await ada.query("getGuests") == ["grace", "joan"]


async def test_queries_record_no_events(shop: Shop) -> None:
    ada = await shop.opens("ada")
    await points(ada)
    length = len(await events(ada))
    for query in ("getStatus", "getGuests", "getLoyaltyMessage", "getRewards"):
        await ada.query(query)
    assert len(await events(ada)) == length


async def test_unknown_query_raises_error_only_for_its_sender(shop: Shop) -> None:
    ada = await shop.opens("ada", points=7)
    with pytest.raises(WorkflowQueryFailedError):
        await ada.query("noSuchQuery")
    assert await points(ada) == 7


async def test_closed_account_answers_queries(shop: Shop) -> None:
    ada = await shop.opens("ada", points=7)
    await ada.signal("cancelAccount")
    await ends(ada)
    assert (await status(ada))["points"] == 7


# ---- e-mail ---------------------------------------------------------------------------------------------------


async def test_customer_without_address_schedules_no_activity(shop: Shop) -> None:
    ada = await shop.opens("ada")
    await ada.signal("addPoints", 5_000)
    await ada.signal("cancelAccount")
    await ends(ada)
    assert await count(ada, EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) == 0
    assert shop.mails.attempts == []


async def test_customer_processes_messages_while_mail_server_is_down(shop: Shop) -> None:
    shop.mails.down = True
    ada = await shop.opens("ada", email=ADA)
    for _ in range(10):
        await ada.signal("addPoints", 10)
    assert await ada.execute_update("addLoyaltyPoint", 1) == "Thanks for being a loyal customer!"
    assert await points(ada) == 101
    shop.mails.down = False


# ---- cancellation by the server -------------------------------------------------------------------------------

CANCELED = "Your account has been canceled"


async def is_canceled(customer: Handle) -> None:
    cause = await failure_of(customer)
    assert isinstance(cause, CancelledError), f"{customer.id} was not canceled; it failed with {cause!r}"
    await has_closed(customer, WorkflowExecutionStatus.CANCELED)


async def test_canceled_customer_sends_last_email(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA)
    await shop.mails.arrive(ADA, WELCOME)
    await ada.cancel()
    await is_canceled(ada)
    assert shop.mails.to(ADA) == [WELCOME, CANCELED]


async def test_customer_canceled_before_first_worker_sends_last_email(closed_shop: Shop) -> None:
    ada = await closed_shop.opens("ada", email=ADA)
    await ada.cancel()
    async with closed_shop.serving():
        await is_canceled(ada)
    assert closed_shop.mails.to(ADA)[-1:] == [CANCELED]


async def test_cancellation_while_guest_starts_refuses_waiting_update(closed_shop: Shop) -> None:
    gate = Gate()
    async with closed_shop.serving(gate=gate):
        ada = await closed_shop.opens("ada", name="Ada", email=ADA, points=1_000)
        await closed_shop.mails.arrive(ADA, WELCOME)
        await ada.signal("inviteGuest", {"customer_id": "grace"})
        await gate.reached.wait()
        await ada.signal("addPoints", 1)
        asked = await accepted(ada, "addLoyaltyPoint", 1)
        await ada.cancel()
        gate.open.set()
        assert await refusal(asked.result()) == "Cannot do this for Ada; the account is closed"
        await is_canceled(ada)
    assert closed_shop.mails.to(ADA) == [WELCOME, "grace is your guest", CANCELED]


async def test_cancellation_in_same_task_as_purchase_takes_effect(closed_shop: Shop) -> None:
    async with closed_shop.serving():
        await closed_shop.opens("grace")
        ada = await closed_shop.opens("ada", email=ADA)
        await closed_shop.mails.arrive(ADA, WELCOME)
        await rests(ada)
    await ada.signal("addPoints", args=[1_000, "grace"])
    await ada.cancel()
    async with closed_shop.serving():
        await is_canceled(ada)
    assert closed_shop.mails.to(ADA)[-1] == CANCELED


async def test_cancellation_in_same_task_as_gift_keeps_points(closed_shop: Shop) -> None:
    async with closed_shop.serving():
        grace = await closed_shop.opens("grace")
        ada = await closed_shop.opens("ada", email=ADA, points=1_000, guests=["grace"])
        await closed_shop.mails.arrive(ADA, WELCOME)
        await rests(ada)
        await rests(grace)
    gift = asyncio.create_task(ada.execute_update("giftPoints", {"guest_id": "grace", "points": 300}, id="gift"))
    await ada.cancel()
    async with closed_shop.serving():
        await is_canceled(ada)
        await asyncio.wait([gift])
        given = gift.exception() is None
        await comes_to(grace, 300 if given else 0)
        assert await points(ada) == (700 if given else 1_000)


async def test_cancellation_during_goodbye_email_ends_as_canceled(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA)
    await shop.mails.arrive(ADA, WELCOME)
    shop.mails.down = True
    await ada.signal("cancelAccount")
    assert not (await status(ada))["account_active"]
    await ada.cancel()
    shop.mails.down = False
    await is_canceled(ada)
    assert shop.mails.to(ADA)[:2] == [WELCOME, "Goodbye"]
