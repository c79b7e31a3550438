"""A household starts its members as child workflows.

The parent-close policy decides whether members keep running after a run of the household ends.
"""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus

from loyalty.actor import values
from loyalty.actor.refusals import Refused
from loyalty.household import parsing
from loyalty.household.messages import WORKFLOW_TYPE, AddMember, GiveToAll, household_workflow_id
from loyalty.household.parsing import MOST_MEMBERS
from loyalty.messages import GuestInvitation
from tests.support.helpers import (
    Handle,
    Shop,
    comes_to,
    count,
    ends,
    events,
    eventually,
    failure_of,
    points,
    runs,
    status,
)

pytestmark = pytest.mark.slow

WELCOME = "Welcome to the loyalty program"
FATES = {
    "abandon": WorkflowExecutionStatus.RUNNING,
    "terminate": WorkflowExecutionStatus.TERMINATED,
    "requestCancel": WorkflowExecutionStatus.CANCELED,
}
"""The status of the children for each parent-close policy, after the household closes or continues as new."""


async def opens(shop: Shop, *members: str, joined: tuple[str, ...] = (), **settings: Any) -> Handle:
    """Start a household. The members `joined` are in the start input; signals add the other `members`."""
    start = {"household": {"household_id": "lovelace", "members": list(joined)}, **settings}
    household = await shop.client.start_workflow(
        WORKFLOW_TYPE, start, id=household_workflow_id("lovelace"), task_queue=shop.task_queue
    )
    for member in members:
        await household.signal("addMember", person(member))
    await has_members(household, *joined, *members)
    return household


def person(customer_id: str) -> dict[str, str]:
    return {"customer_id": customer_id, "name": customer_id.title(), "email": f"{customer_id}@example.org"}


async def has_members(household: Handle, *expected: str) -> None:
    await eventually(
        lambda: household.query("getMembers"),
        lambda members: members == list(expected),
        waiting_for=f"the members {list(expected)} of {household.id}",
    )


async def continue_as_new(household: Handle) -> None:
    """Let the household continue as new, and wait for the new run."""
    before = (await household.describe()).run_id
    await household.signal("continueAsNew")
    await eventually(
        lambda: household.describe(),
        lambda now: now.run_id != before,
        waiting_for=f"a new run of {household.id}",
    )


async def fate(customer: Handle, expected: WorkflowExecutionStatus) -> None:
    await eventually(
        lambda: customer.describe(),
        lambda seen: seen.status == expected,
        waiting_for=f"the status {expected.name} of {customer.id}",
    )


# ---- parents and children -------------------------------------------------------------------------------------


async def test_household_can_be_started_with_only_an_id(shop: Shop) -> None:
    household = await shop.client.start_workflow(
        WORKFLOW_TYPE, {"household": {"household_id": "x"}}, id="household-x", task_queue=shop.task_queue
    )
    assert await household.query("getMembers") == []


async def test_household_starts_new_members_as_child_workflows(shop: Shop) -> None:
    household = await opens(shop, "ada", "byron")
    kinds = [event.event_type for event in await events(household)]
    assert kinds.count(EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED) == 2
    assert kinds.count(EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED) == 2
    await shop.mails.arrive("ada@example.org", WELCOME)
    assert (await status(shop.customer("ada")))["name"] == "Ada"


async def test_a_customer_has_a_parent_only_if_the_household_started_the_customer(shop: Shop) -> None:
    await opens(shop, "ada")
    await shop.opens("grace")
    assert (await status(shop.customer("ada")))["parent"] == "household-lovelace"
    assert (await status(shop.customer("grace")))["parent"] is None


async def test_a_child_keeps_its_parent_in_later_runs(shop: Shop) -> None:
    await opens(shop, "ada", history_threshold=30)
    ada = shop.customer("ada")
    for _ in range(12):
        await ada.execute_update("addLoyaltyPoint")
    assert len(await runs(ada, shop.client)) > 1, "The child did not inherit the household's threshold"
    assert (await status(ada))["parent"] == "household-lovelace"


async def test_each_member_receives_the_points_of_a_gift_to_all_members(shop: Shop) -> None:
    household = await opens(shop, "ada", "byron")
    await household.signal("giveToAll", 500)
    for member in ("ada", "byron"):
        await comes_to(shop.customer(member), 500)


async def test_the_members_in_the_start_input_are_not_children_of_the_household(shop: Shop) -> None:
    grace = await shop.opens("grace")
    household = await opens(shop, joined=("grace",))
    await household.signal("giveToAll", 7)
    await comes_to(grace, 7)
    assert (await status(grace))["parent"] is None


# ---- continue as new ------------------------------------------------------------------------------------------


async def test_all_members_receive_a_gift_from_a_later_run_of_the_household(shop: Shop) -> None:
    household = await opens(shop, "ada")
    await continue_as_new(household)
    await household.signal("addMember", person("byron"))
    await has_members(household, "ada", "byron")
    await continue_as_new(household)
    await household.signal("giveToAll", 7)
    for member in ("ada", "byron"):
        await comes_to(shop.customer(member), 7)
    assert len(await runs(household, shop.client)) == 3


async def test_waiting_messages_are_passed_to_the_next_run_of_the_household(closed_shop: Shop) -> None:
    household = await closed_shop.client.start_workflow(
        WORKFLOW_TYPE,
        {"household": {"household_id": "lovelace"}},
        id=household_workflow_id("lovelace"),
        task_queue=closed_shop.task_queue,
    )
    await household.signal("continueAsNew")
    await household.signal("addMember", person("ada"))
    await household.signal("giveToAll", 7)
    async with closed_shop.serving():
        await has_members(household, "ada")
        await comes_to(closed_shop.customer("ada"), 7)
        thread = await runs(household, closed_shop.client)
        opened = [await count(run, EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED) for run in thread]
    assert opened == [0, 1], "The second run must start the child, not the first run"


async def test_household_continues_as_new_at_its_threshold(shop: Shop) -> None:
    household = await opens(shop, "ada", history_threshold=30)
    for number in range(1, 9):
        await household.signal("giveToAll", 1)
        await comes_to(shop.customer("ada"), number)
    assert len(await runs(household, shop.client)) > 1
    await has_members(household, "ada")


@pytest.mark.parametrize("policy", FATES)
async def test_the_parent_close_policy_applies_when_the_household_continues_as_new(shop: Shop, policy: str) -> None:
    household = await opens(shop, "ada", parent_close_policy=policy)
    await continue_as_new(household)
    await fate(shop.customer("ada"), FATES[policy])
    await has_members(household, "ada")
    await household.signal("giveToAll", 7)
    if policy == "abandon":
        await comes_to(shop.customer("ada"), 7)
    else:
        await has_members(household)


@pytest.mark.parametrize("policy", FATES)
async def test_the_parent_close_policy_applies_when_the_household_closes(shop: Shop, policy: str) -> None:
    household = await opens(shop, "ada", parent_close_policy=policy)
    await household.signal("closeHousehold")
    await ends(household)
    await fate(shop.customer("ada"), FATES[policy])


@pytest.mark.parametrize("policy", FATES)
async def test_the_parent_close_policy_applies_when_the_household_is_canceled(shop: Shop, policy: str) -> None:
    household = await opens(shop, "ada", parent_close_policy=policy)
    await household.cancel()
    await failure_of(household)
    await fate(household, WorkflowExecutionStatus.CANCELED)
    await fate(shop.customer("ada"), FATES[policy])


async def test_a_canceled_child_sends_a_goodbye_email(shop: Shop) -> None:
    household = await opens(shop, "ada", parent_close_policy="requestCancel")
    await shop.mails.arrive("ada@example.org", WELCOME)
    await continue_as_new(household)
    await shop.mails.arrive("ada@example.org", WELCOME, "Your account has been canceled")


async def test_the_parent_close_policy_applies_only_to_children_of_the_household(shop: Shop) -> None:
    household = await opens(shop, "ada", joined=("grace",), parent_close_policy="terminate")
    grace = await shop.opens("grace")
    await continue_as_new(household)
    await fate(shop.customer("ada"), WorkflowExecutionStatus.TERMINATED)
    assert await points(grace) == 0, "Grace was started by a client, so she is no child workflow"


# ---- refused and removed members ------------------------------------------------------------------------------


async def test_an_existing_customer_is_not_added_to_the_household(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    grace = await shop.opens("grace", points=70)
    household = await opens(shop, "ada")
    for customer_id in ("grace", "ada", "byron"):
        await household.signal("addMember", person(customer_id))
    await has_members(household, "ada", "byron")
    assert await points(grace) == 70
    for customer_id in ("grace", "ada"):
        assert f"Cannot add {customer_id}; this customer has, or had, an account" in caplog.text


async def test_customer_with_a_closed_account_is_not_added_to_the_household(shop: Shop) -> None:
    grace = await shop.opens("grace")
    await grace.signal("cancelAccount")
    await ends(grace)
    household = await opens(shop)
    await household.signal("addMember", person("grace"))
    await household.signal("addMember", person("ada"))
    await has_members(household, "ada")
    await fate(grace, WorkflowExecutionStatus.COMPLETED)


async def test_member_with_a_closed_account_is_removed_at_the_next_gift(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    household = await opens(shop, "ada", "byron")
    await shop.customer("byron").signal("cancelAccount")
    await ends(shop.customer("byron"))
    assert await household.query("getMembers") == ["ada", "byron"]
    await household.signal("giveToAll", 7)
    await has_members(household, "ada")
    await comes_to(shop.customer("ada"), 7)
    assert "Could not give 7 points to byron" in caplog.text


async def test_household_keeps_running_after_a_child_is_terminated(shop: Shop) -> None:
    household = await opens(shop, "ada", "byron")
    await shop.customer("ada").terminate()
    await household.signal("giveToAll", 7)
    await has_members(household, "byron")


async def test_a_full_household_refuses_a_new_member(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    everybody = tuple(f"member-{number}" for number in range(MOST_MEMBERS))
    household = await opens(shop, joined=everybody)
    await household.signal("addMember", person("ada"))
    await has_members(household, *everybody)
    assert "Cannot add ada; a household has at most 100 members" in caplog.text
    await household.signal("giveToAll", 7)
    await has_members(household)


async def test_a_closed_household_refuses_a_new_member(closed_shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    async with closed_shop.serving():
        household = await opens(closed_shop)
    await household.signal("closeHousehold")
    await household.signal("addMember", person("ada"))
    async with closed_shop.serving():
        await ends(household)
    assert await count(household, EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED) == 0
    assert "Cannot do this for lovelace; the household is closed" in caplog.text


# ---- messages -------------------------------------------------------------------------------------------------

BAD_SIGNALS: list[tuple[str, list[object], str]] = [
    ("addMember", [], "Cannot read None; expected an object with the fields customer_id, name, email"),
    ("addMember", ["ada"], "Cannot read 'ada'; expected an object"),
    ("addMember", [{"customer_id": ""}], "Cannot use an empty text as a customer id"),
    ("addMember", [{"customer_id": "ada", "email": "nowhere"}], "Cannot use 'nowhere' as an e-mail address"),
    ("addMember", [{"customer_id": "ada"}, 1], "Cannot read a new member with [1] at its end; it takes one object"),
    ("giveToAll", [], "Cannot use None as points; expected a whole number, at least 1, up to 1,000,000,000"),
    ("giveToAll", [0], "Cannot use 0 as points"),
    ("giveToAll", [-1], "Cannot use -1 as points"),
    ("giveToAll", [1.5], "Cannot use 1.5 as points"),
    ("giveToAll", ["7"], "Cannot use '7' as points"),
    ("giveToAll", [7, 7], "Cannot read a gift to all with [7] at its end; it takes a number of points"),
    ("continueAsNew", [1], "Cannot read a wish to continue as new with [1] at its end; it takes nothing"),
    ("closeHousehold", [1], "Cannot read a closure with [1] at its end; it takes nothing"),
    (
        "addPoints",
        [1],
        "Cannot understand the signal 'addPoints'; expected addMember, giveToAll, continueAsNew, clo",
    ),
]


async def test_household_ignores_and_logs_bad_signals(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    household = await opens(shop, "byron")
    first_run = (await household.describe()).run_id
    for signal, arguments, sentence in BAD_SIGNALS:
        caplog.clear()
        await household.signal(signal, args=arguments)
        assert await household.query("getMembers") == ["byron"], f"{signal}{arguments} changed the members"
        assert f"Ignored a signal: {sentence}" in caplog.text
    now = await household.describe()
    assert (now.run_id, now.status) == (first_run, WorkflowExecutionStatus.RUNNING)
    assert await points(shop.customer("byron")) == 0


async def test_household_continues_as_new_after_many_bad_signals(shop: Shop) -> None:
    household = await opens(shop, joined=("byron",), history_threshold=30)
    for _ in range(60):
        await household.signal("giveToAll", "much")
    await eventually(
        lambda: runs(household, shop.client),
        lambda seen: len(seen) > 1,
        waiting_for="a new run after 60 bad signals, with a threshold of 30 events",
    )
    assert await household.query("getMembers") == ["byron"]


def test_the_parsers_of_the_household_accept_valid_messages() -> None:
    assert parsing.add_member({"customer_id": "ada"}) == AddMember(GuestInvitation("ada"))
    assert parsing.give_to_all(7) == GiveToAll(7)
    with pytest.raises(Refused, match="expected addMember, giveToAll, continueAsNew, closeHousehold"):
        values.unknown_signal("addMembre", parsing.SIGNALS)
