"""A customer outlives every run: nothing is lost, forgotten or told twice on the way from one to the next."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowUpdateStage
from temporalio.worker import Worker

from loyalty.actor.mailbox import CARRY_LIMIT
from loyalty.config import SENDER_RETRIES
from loyalty.tiers import TIERS
from loyalty.workflow import CustomerLoyaltyWorkflow
from tests.support.helpers import (
    Gate,
    Handle,
    Shop,
    at_once,
    comes_to,
    count,
    ends,
    events,
    eventually,
    fresh_namespace,
    points,
    refusal,
    runs,
    start_server,
    status,
)

pytestmark = pytest.mark.slow

WELCOME = "Welcome to the loyalty program"
ADA = "ada@example.org"

SHORT = {"history_threshold": 30}
"""Each run continues as new after about 30 events."""


async def start_input(run: Handle, shop: Shop) -> dict[str, Any]:
    """Return the input with which a run was started."""
    payloads = (await events(run))[0].workflow_execution_started_event_attributes.input.payloads
    (start,) = await shop.client.data_converter.decode(payloads)
    assert isinstance(start, dict)
    return start


async def goes_on(customer: Handle, times: int = 1) -> None:
    """Send updates until the customer has continued as new `times` times."""
    for _ in range(times):
        before = (await customer.describe()).run_id
        for _ in range(40):
            await customer.execute_update("addLoyaltyPoint", 1)
            if (await customer.describe()).run_id != before:
                break
        else:
            raise AssertionError(f"{customer.id} has not continued as new after 40 purchases")


async def test_state_is_carried_over_to_next_run(shop: Shop) -> None:
    ada = await shop.opens("ada", name="Ada", email=ADA, points=1_000, settings=SHORT)
    await ada.signal("inviteGuest", {"customer_id": "grace"})
    await ada.signal("notifyNewStatus", {"customer_id": "joan", "status": "Gold"})
    await shop.mails.arrive(ADA, WELCOME, "grace is your guest", "joan now has Gold status")
    await goes_on(ada, times=3)
    answer = await status(ada)
    bought = answer["points"] - 1_000
    assert bought > 3, "A run processed no purchase"
    assert answer["lifetime_points"] == answer["points"]
    assert (answer["name"], answer["friends"]) == ("Ada", {"joan": "Gold"})
    assert await ada.query("getGuests") == ["grace"]
    assert await ada.query("getLoyaltyMessage") == "Thanks for being a loyal customer!"
    assert await ada.execute_update("giftPoints", {"guest_id": "grace", "points": 1}) == "grace receives 1 points"


async def test_next_run_recognizes_repeated_transaction(shop: Shop) -> None:
    ada = await shop.opens("ada", points=999, settings=SHORT)
    assert await ada.execute_update("addLoyaltyPoint", args=[1, None, "receipt-1"]) == "Welcome to Gold Status!"
    await goes_on(ada, times=3)
    before = await points(ada)
    await ada.signal("addPoints", args=[1, None, "receipt-1"])
    assert await ada.execute_update("addLoyaltyPoint", args=[1, None, "receipt-1"]) == "Welcome to Gold Status!"
    assert await points(ada) == before


async def test_repeated_transaction_in_carried_mailbox_counts_once(shop: Shop) -> None:
    purchase = {"kind": "addPoints", "points": 100, "transaction_id": "receipt-1"}
    ada = await shop.opens("ada", settings={"history_threshold": 1, "mailbox": [purchase] * 3})
    await comes_to(ada, 100)
    assert await ada.execute_update("addLoyaltyPoint", args=[100, None, "receipt-1"]) == (
        "Thanks for being a loyal customer!"
    )
    assert await points(ada) == 100


async def test_next_run_forgets_only_the_oldest_transaction(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loyalty.account.TRANSACTIONS_REMEMBERED", 3)
    ada = await shop.opens("ada", settings={"history_threshold": 1})
    for transaction_id in ("z", "y", "a", "m"):
        await ada.execute_update("addLoyaltyPoint", args=[1, None, transaction_id])
    for transaction_id in ("y", "a", "m"):
        await ada.execute_update("addLoyaltyPoint", args=[1, None, transaction_id])
    assert await points(ada) == 4, "One of the last three transactions was counted again"
    await ada.execute_update("addLoyaltyPoint", args=[1, None, "z"])
    assert await points(ada) == 5, "The fourth-last transaction is still stored"


async def test_only_first_run_sends_welcome_email(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA, settings=SHORT)
    await goes_on(ada, times=3)
    await ada.signal("cancelAccount")
    await ends(ada)
    assert shop.mails.to(ADA).count(WELCOME) == 1
    assert shop.mails.to(ADA)[-1] == "Goodbye"


async def test_every_run_ends_near_its_history_threshold(shop: Shop) -> None:
    ada = await shop.opens("ada", settings=SHORT)
    for number in range(1, 31):
        await ada.signal("addPoints", 1)
        assert await points(ada) == number
    lengths = [len(await events(run)) for run in await runs(ada, shop.client)]
    assert len(lengths) > 3
    assert all(30 <= length <= 40 for length in lengths[:-1]), f"Runs with a threshold of 30 have {lengths} events"


async def test_concurrent_signals_are_all_counted_across_runs(shop: Shop) -> None:
    ada = await shop.opens("ada", settings={"history_threshold": 150})
    sent, enough = 0, asyncio.Event()

    async def sender() -> None:
        nonlocal sent
        while not enough.is_set():
            await ada.signal("addPoints", 1)
            sent += 1

    async with at_once() as busy:
        for _ in range(15):
            busy.create_task(sender())
        await eventually(lambda: runs(ada, shop.client), lambda seen: len(seen) > 3, waiting_for="Ada's fourth run")
        enough.set()
    await comes_to(ada, sent)


async def test_concurrent_updates_are_all_answered_across_runs(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA, settings=SHORT)

    async def asker() -> list[str]:
        return [await ada.execute_update("addLoyaltyPoint", 1) for _ in range(15)]

    answers = await asyncio.gather(*(asker() for _ in range(4)))
    assert answers == [["Thanks for being a loyal customer!"] * 15] * 4
    assert await points(ada) == 60
    lengths = [len(await events(run)) for run in await runs(ada, shop.client)]
    assert len(lengths) > 3
    assert max(lengths) < 120, f"Concurrent updates made a run too long: {lengths} events"


async def test_updates_sent_among_signals_are_all_answered(shop: Shop) -> None:
    """The last Workflow Task of a run fails if a signal arrives meanwhile. The failed task must not lose an update."""
    opened = await shop.opens("ada", points=TIERS[-1].minimum_points, settings={"history_threshold": 40})
    senders = await Client.connect(
        shop.client.service_client.config.target_host, namespace=shop.client.namespace, retry_config=SENDER_RETRIES
    )
    ada: Handle = senders.get_workflow_handle(opened.id)
    told, asked = 0, asyncio.Event()

    async def teller() -> None:
        nonlocal told
        while not asked.is_set():
            await ada.signal("addPoints", 1)
            told += 1

    async def asker() -> None:
        for _ in range(40):
            assert await ada.execute_update("addLoyaltyPoint", 1) == "Thanks for being a loyal customer!"
            assert (await refusal(ada.execute_update("redeemReward", "castle"))).startswith("Cannot redeem 'castle'")

    async with at_once() as tellers:
        for _ in range(2):
            tellers.create_task(teller())
        async with at_once() as askers:
            for _ in range(4):
                askers.create_task(asker())
        asked.set()
    histories = [await events(run) for run in await runs(ada, shop.client)]
    bought = sum(is_purchase(event) for history in histories for event in history)
    # If a reply is lost, the SDK sends the message again. The next run counts the message a second time.
    assert bought >= told + 160
    await comes_to(ada, TIERS[-1].minimum_points + bought)
    failed = [
        event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED for history in histories for event in history
    ]
    assert any(failed), "No signal arrived during the last task of a run, so this test shows nothing"


def is_purchase(event: HistoryEvent) -> bool:
    """Return whether an event records a purchase: a signal or a successful update."""
    outcome = event.workflow_execution_update_completed_event_attributes.outcome
    return event.HasField("workflow_execution_signaled_event_attributes") or outcome.HasField("success")


async def test_worker_without_cache_continues_customer_after_refused_update(shop: Shop) -> None:
    """Without a cache the SDK replays the empty first task together with the second task."""
    cold = Shop(shop.client)  # it has a task queue of its own
    async with Worker(
        cold.client, task_queue=cold.task_queue, workflows=[CustomerLoyaltyWorkflow], max_cached_workflows=0
    ):
        for threshold in range(4, 14):
            ada = await cold.opens(f"ada-{threshold}", settings={"history_threshold": threshold})
            await eventually(
                partial(count, ada, EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED),
                waiting_for="the first Workflow Task",
            )
            assert "Cannot gift" in await refusal(ada.execute_update("giftPoints", {"guest_id": "bob", "points": 1}))
            assert await ada.execute_update("addLoyaltyPoint", 1) == "Thanks for being a loyal customer!"
            await ada.signal("addPoints", 1)
            await comes_to(ada, 2)


async def test_waiting_updates_are_answered_and_waiting_signals_are_carried_over(closed_shop: Shop) -> None:
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


async def test_updates_are_answered_with_threshold_of_one_event(shop: Shop) -> None:
    ada = await shop.opens("ada", settings={"history_threshold": 1})
    answers = [await ada.execute_update("addLoyaltyPoint", 1) for _ in range(5)]
    assert answers == ["Thanks for being a loyal customer!"] * 5
    assert await points(ada) == 5


async def test_large_mailbox_is_processed_down_to_carry_limit(closed_shop: Shop) -> None:
    waiting = 2 * CARRY_LIMIT + 50
    ada = await closed_shop.opens("ada", settings={"history_threshold": waiting})
    await asyncio.gather(*(ada.signal("addPoints", 1) for _ in range(waiting)))
    async with closed_shop.serving():
        await comes_to(ada, waiting)
        _, second = await runs(ada, closed_shop.client)
        carried = await start_input(second, closed_shop)
    assert len(carried["mailbox"]) == CARRY_LIMIT
    assert carried["customer"]["points"] == waiting - CARRY_LIMIT


async def test_run_with_threshold_of_one_event_processes_one_message(shop: Shop) -> None:
    mailbox = [{"kind": "addPoints", "points": number} for number in (1, 10, 100, 1_000)]
    ada = await shop.opens("ada", settings={"history_threshold": 1, "mailbox": mailbox})
    await comes_to(ada, 1_111)
    await eventually(
        lambda: runs(ada, shop.client),
        lambda seen: len(seen) == 5,
        waiting_for="five runs: one run for each message and one idle run",
    )


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


async def test_customer_without_threshold_follows_server_suggestion() -> None:
    async with await start_server("limit.historyCount.suggestContinueAsNew=40") as server:
        shop = Shop(await fresh_namespace(server.client))
        async with shop.serving():
            ada = await shop.opens("ada", settings={"history_threshold": None})
            for _ in range(20):
                await ada.execute_update("addLoyaltyPoint", 1)
            assert await points(ada) == 20
            lengths = [len(await events(run)) for run in await runs(ada, shop.client)]
    assert len(lengths) > 1, "The customer ignored the server's suggestion to continue as new"
    assert all(40 <= length <= 55 for length in lengths[:-1]), (
        f"Runs have {lengths} events; the server suggested about 40"
    )


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


async def test_query_includes_waiting_messages_while_run_ends(shop: Shop) -> None:
    """Before a run ends it waits up to two seconds for the e-mail in flight, and processes no messages meanwhile."""
    shop.mails.down = True
    ada = await shop.opens("ada", email=ADA, settings={"history_threshold": 1})
    await eventually(lambda: shop.mails.attempts, waiting_for="an attempt to send the welcome e-mail")
    for _ in range(5):
        await ada.signal("addPoints", 100)
    answer = await status(ada)
    assert (answer["points"], answer["status"]["name"]) == (500, "Silver")
    assert await ada.query("getLoyaltyMessage") == "Welcome to Silver Status!"
    assert (await ada.query("getRewards"))[1]["unlocked"]


@pytest.mark.parametrize("email", ["", ADA], ids=["idle", "with an e-mail in flight"])
async def test_new_worker_returns_same_points_as_previous_worker(closed_shop: Shop, email: str) -> None:
    """During a query's replay the SDK reports one event too many, so the run seems to have reached its threshold.

    The customer must answer the query correctly even then.
    """
    closed_shop.mails.down = True
    thresholds = range(8, 24)
    async with closed_shop.serving():
        town = [
            await closed_shop.opens(f"ada-{threshold}", email=email, settings={"history_threshold": threshold})
            for threshold in thresholds
        ]
        for ada in town:
            await comes_to(ada, 0)
    for purchases, total in ((1, 1), (5, 6)):
        for ada in town:
            for _ in range(purchases):
                await ada.signal("addPoints", 1)
        async with closed_shop.serving():
            for ada in town:
                await comes_to(ada, total)
    async with closed_shop.serving():
        for ada, threshold in zip(town, thresholds, strict=True):
            assert await points(ada) == 6, f"A new worker loses purchases at a threshold of {threshold} events"
        lengths = [len(await events(ada)) for ada in town]
        for ada in town:  # the query must not have ended the run
            await ada.signal("addPoints", 1)
            await comes_to(ada, 7)
    assert any(length == threshold for length, threshold in zip(lengths, thresholds, strict=True)), (
        f"No run is exactly as long as its threshold, so this test shows nothing; lengths: {lengths}"
    )


async def test_guest_inherits_threshold_and_continues_as_new(shop: Shop) -> None:
    ada = await shop.opens("ada", points=1_000, settings=SHORT)
    await ada.signal("inviteGuest", {"customer_id": "grace"})
    await eventually(lambda: ada.query("getGuests"), waiting_for="the guest")
    grace = shop.customer("grace")
    await goes_on(grace)
    assert (await status(grace))["status"]["name"] == "Silver"


async def test_invitation_cannot_reopen_account_closed_in_later_run(shop: Shop) -> None:
    grace = await shop.opens("grace", settings=SHORT)
    await goes_on(grace)
    await grace.signal("cancelAccount")
    await ends(grace)
    ada = await shop.opens("ada", email=ADA, points=1_000)
    await ada.signal("inviteGuest", {"customer_id": "grace"})
    await shop.mails.arrive(ADA, WELCOME, "grace has already canceled")


async def test_gift_reaches_guest_after_both_customers_continued_as_new(shop: Shop) -> None:
    ada = await shop.opens("ada", points=1_000, settings=SHORT)
    await ada.signal("inviteGuest", {"customer_id": "grace"})
    await eventually(lambda: ada.query("getGuests"), waiting_for="the guest")
    await goes_on(ada)
    await goes_on(shop.customer("grace"))
    before = await points(shop.customer("grace"))
    await ada.execute_update("giftPoints", {"guest_id": "grace", "points": 100})
    await comes_to(shop.customer("grace"), before + 100)


async def test_cancel_account_at_threshold_completes_without_new_run(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA, settings={"history_threshold": 1, "is_new": False})
    await ada.signal("cancelAccount")
    await ends(ada)
    assert shop.mails.to(ADA) == ["Goodbye"]
    assert len(await runs(ada, shop.client)) == 1


async def test_cancellation_reaches_the_newest_run(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA, settings=SHORT)
    await goes_on(ada)
    await ada.cancel()
    await eventually(
        lambda: ada.describe(),
        lambda seen: seen.status == WorkflowExecutionStatus.CANCELED,
        waiting_for="the newest run to be canceled",
    )
    assert shop.mails.to(ADA)[-1] == "Your account has been canceled"


async def test_cancellation_during_continue_as_new_takes_effect(shop: Shop) -> None:
    shop.mails.down = True
    ada = await shop.opens("ada", email=ADA, settings={"history_threshold": 1})
    await eventually(lambda: shop.mails.attempts, waiting_for="an attempt to send the welcome e-mail")
    await ada.signal("addPoints", 1)
    assert await points(ada) == 1, "The query does not include the waiting purchase"
    await ada.cancel()
    shop.mails.down = False
    await eventually(
        lambda: ada.describe(),
        lambda seen: seen.status == WorkflowExecutionStatus.CANCELED,
        waiting_for="the newest run to be canceled",
    )
    assert shop.mails.to(ADA)[-1] == "Your account has been canceled"
