"""A customer continues as new at the threshold. No message and no query is lost during that time."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.worker import Worker

from loyalty.config import SENDER_RETRIES
from loyalty.tiers import TIERS
from loyalty.workflow import CustomerLoyaltyWorkflow
from tests.support.helpers import (
    Handle,
    Shop,
    at_once,
    comes_to,
    continue_as_new,
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


async def test_each_run_ends_near_the_history_threshold(shop: Shop) -> None:
    ada = await shop.opens("ada", settings=SHORT)
    for number in range(1, 31):
        await ada.signal("addPoints", 1)
        assert await points(ada) == number
    lengths = [len(await events(run)) for run in await runs(ada, shop.client)]
    assert len(lengths) > 3
    assert all(30 <= length <= 40 for length in lengths[:-1]), f"Runs with a threshold of 30 have {lengths} events"


async def test_all_concurrent_signals_are_counted_across_several_runs(shop: Shop) -> None:
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


async def test_all_concurrent_updates_are_answered_across_several_runs(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA, settings=SHORT)

    async def asker() -> list[str]:
        return [await ada.execute_update("addLoyaltyPoint", 1) for _ in range(15)]

    answers = await asyncio.gather(*(asker() for _ in range(4)))
    assert answers == [["Thanks for being a loyal customer!"] * 15] * 4
    assert await points(ada) == 60
    lengths = [len(await events(run)) for run in await runs(ada, shop.client)]
    assert len(lengths) > 3
    assert max(lengths) < 120, f"Concurrent updates made a run too long: {lengths} events"


async def test_all_updates_are_answered_during_a_stream_of_signals(shop: Shop) -> None:
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


async def test_worker_without_a_cache_processes_updates_after_a_refused_update(shop: Shop) -> None:
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


async def test_all_updates_are_answered_even_if_the_threshold_is_one_event(shop: Shop) -> None:
    ada = await shop.opens("ada", settings={"history_threshold": 1})
    answers = [await ada.execute_update("addLoyaltyPoint", 1) for _ in range(5)]
    assert answers == ["Thanks for being a loyal customer!"] * 5
    assert await points(ada) == 5


async def test_each_run_processes_one_message_if_the_threshold_is_one_event(shop: Shop) -> None:
    mailbox = [{"kind": "addPoints", "points": number} for number in (1, 10, 100, 1_000)]
    ada = await shop.opens("ada", settings={"history_threshold": 1, "mailbox": mailbox})
    await comes_to(ada, 1_111)
    await eventually(
        lambda: runs(ada, shop.client),
        lambda seen: len(seen) == 5,
        waiting_for="five runs: one run for each message and one idle run",
    )


async def test_customer_without_a_threshold_continues_as_new_when_the_server_suggests_it() -> None:
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


async def test_queries_include_waiting_messages_before_a_run_ends(shop: Shop) -> None:
    """Before a run ends, the run waits up to two seconds for a started e-mail.

    During this wait, the run processes no messages.
    """
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
async def test_query_returns_the_same_points_after_a_worker_restart(closed_shop: Shop, email: str) -> None:
    """During a query's replay the SDK reports one event too many. So the run seems to have reached the threshold.

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


async def test_no_new_run_starts_if_the_account_is_closed_at_the_threshold(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA, settings={"history_threshold": 1, "is_new": False})
    await ada.signal("cancelAccount")
    await ends(ada)
    assert shop.mails.to(ADA) == ["Goodbye"]
    assert len(await runs(ada, shop.client)) == 1


async def test_cancellation_reaches_the_newest_run(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA, settings=SHORT)
    await continue_as_new(ada)
    await ada.cancel()
    await eventually(
        lambda: ada.describe(),
        lambda seen: seen.status == WorkflowExecutionStatus.CANCELED,
        waiting_for="the status CANCELED of the newest run",
    )
    assert shop.mails.to(ADA)[-1] == "Your account has been canceled"


async def test_workflow_can_be_canceled_during_continue_as_new(shop: Shop) -> None:
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
        waiting_for="the status CANCELED of the newest run",
    )
    assert shop.mails.to(ADA)[-1] == "Your account has been canceled"
