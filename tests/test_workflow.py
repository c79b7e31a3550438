"""One customer on a real server: start, queries and e-mails."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WithStartWorkflowOperation, WorkflowQueryFailedError
from temporalio.common import WorkflowIDConflictPolicy

from loyalty.messages import WORKFLOW_TYPE
from tests.support.helpers import Shop, count, ends, events, points, status

pytestmark = pytest.mark.slow

WELCOME = "Welcome to the loyalty program"
ADA = "ada@example.org"


# ---- start ---------------------------------------------------------------------------------------------------


async def test_customer_can_be_started_with_only_an_id(shop: Shop) -> None:
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


async def test_new_customer_receives_a_welcome_email(shop: Shop) -> None:
    await shop.opens("ada", name="Ada", email=ADA)
    await shop.mails.arrive(ADA, WELCOME)


async def test_existing_customer_receives_no_welcome_email(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA, settings={"is_new": False})
    await ada.signal("addPoints", 1)
    await shop.mails.arrive(ADA, "You now have 1 points")


async def test_customer_started_with_1000_points_has_gold_status(shop: Shop) -> None:
    ada = await shop.opens("ada", points=1_000)
    answer = await status(ada)
    assert (answer["status"]["name"], answer["lifetime_points"]) == ("Gold", 1_000)


async def test_workflow_completes_at_once_if_its_start_input_contains_a_closed_account(shop: Shop) -> None:
    ada = await shop.opens("ada", account_active=False)
    assert await ends(ada) is None


async def test_client_can_reach_a_customer_by_workflow_id(shop: Shop) -> None:
    await shop.opens("ada", points=7)
    assert await points(shop.client.get_workflow_handle("customer-ada")) == 7


async def test_signal_that_starts_a_customer_adds_the_points(shop: Shop) -> None:
    ada = await shop.client.start_workflow(
        WORKFLOW_TYPE,
        {"customer": {"customer_id": "ada", "points": 20}},
        id="customer-ada",
        task_queue=shop.task_queue,
        start_signal="addPoints",
        start_signal_args=[100],
    )
    assert await points(ada) == 120


async def test_signals_are_counted_even_if_they_arrive_before_the_first_worker_starts(closed_shop: Shop) -> None:
    ada = await closed_shop.opens("ada", points=20)
    for _ in range(5):
        await ada.signal("addPoints", 100)
    async with closed_shop.serving():
        assert await points(ada) == 520


async def test_update_that_starts_a_customer_returns_an_answer(shop: Shop) -> None:
    start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        WORKFLOW_TYPE,
        {"customer": {"customer_id": "ada", "points": 499}},
        id="customer-ada",
        task_queue=shop.task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
    )
    answer = await shop.client.execute_update_with_start_workflow("addLoyaltyPoint", 1, start_workflow_operation=start)
    assert answer == "Welcome to Silver Status!"


# ---- queries -------------------------------------------------------------------------------------------------


async def test_loyalty_message_contains_the_new_tier_until_the_next_purchase(shop: Shop) -> None:
    ada = await shop.opens("ada", points=499)
    assert await ada.query("getLoyaltyMessage") == "Thanks for being a loyal customer!"
    await ada.signal("addPoints", 1)
    assert await ada.query("getLoyaltyMessage") == "Welcome to Silver Status!"
    await ada.signal("addPoints", 1)
    assert await ada.query("getLoyaltyMessage") == "Thanks for being a loyal customer!"


async def test_query_for_rewards_shows_which_rewards_are_unlocked(shop: Shop) -> None:
    ada = await shop.opens("ada", points=500)
    assert await ada.query("getRewards") == [
        {"name": "coffee", "points": 100, "tier": "Member", "unlocked": True},
        {"name": "tote bag", "points": 400, "tier": "Silver", "unlocked": True},
        {"name": "concert ticket", "points": 900, "tier": "Gold", "unlocked": False},
        {"name": "weekend trip", "points": 4_500, "tier": "Platinum", "unlocked": False},
    ]


async def test_query_for_guests_returns_all_guests(shop: Shop) -> None:
    ada = await shop.opens("ada", guests=["grace", "joan"])
    assert await ada.query("getGuests") == ["grace", "joan"]


async def test_queries_record_no_events(shop: Shop) -> None:
    ada = await shop.opens("ada")
    await points(ada)
    length = len(await events(ada))
    for query in ("getStatus", "getGuests", "getLoyaltyMessage", "getRewards"):
        await ada.query(query)
    assert len(await events(ada)) == length


async def test_unknown_query_raises_an_error_only_for_the_sender(shop: Shop) -> None:
    ada = await shop.opens("ada", points=7)
    with pytest.raises(WorkflowQueryFailedError):
        await ada.query("noSuchQuery")
    assert await points(ada) == 7


async def test_customer_with_a_closed_account_answers_queries(shop: Shop) -> None:
    ada = await shop.opens("ada", points=7)
    await ada.signal("cancelAccount")
    await ends(ada)
    assert (await status(ada))["points"] == 7


# ---- e-mails -------------------------------------------------------------------------------------------------


async def test_customer_without_an_email_address_schedules_no_activity(shop: Shop) -> None:
    ada = await shop.opens("ada")
    await ada.signal("addPoints", 5_000)
    await ada.signal("cancelAccount")
    await ends(ada)
    assert await count(ada, EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) == 0
    assert shop.mails.attempts == []


async def test_customer_processes_messages_while_the_mail_server_is_down(shop: Shop) -> None:
    shop.mails.down = True
    ada = await shop.opens("ada", email=ADA)
    for _ in range(10):
        await ada.signal("addPoints", 10)
    assert await ada.execute_update("addLoyaltyPoint", 1) == "Thanks for being a loyal customer!"
    assert await points(ada) == 101
    shop.mails.down = False
