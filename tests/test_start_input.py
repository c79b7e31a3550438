"""Every start input is checked. A run with bad input fails at once with one sentence."""

from __future__ import annotations

import re
from dataclasses import asdict
from functools import partial
from typing import Any

import pytest
from temporalio.client import WithStartWorkflowOperation, WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.worker import Replayer

import loyalty.household.parsing as household
from loyalty import start_input
from loyalty.actor.messages import Mail
from loyalty.actor.refusals import Refused
from loyalty.household.messages import WORKFLOW_TYPE as HOUSEHOLD
from loyalty.messages import (
    WORKFLOW_TYPE,
    AddPoints,
    Customer,
    CustomerInput,
    NewStatus,
    Transaction,
)
from loyalty.workflow import CustomerLoyaltyWorkflow
from tests.support.helpers import Handle, Shop, comes_to, events, failure_of, points, refusal, runs

SENTENCE = re.compile(r"Cannot .+; (expected|it takes) .+")

customer_input = partial(start_input.customer_input, workflow_id="customer-ada")
household_input = partial(household.household_input, workflow_id="household-x")


def of_ada(**fields: Any) -> dict[str, Any]:
    return {"customer": {"customer_id": "ada", **fields}}


def with_settings(**settings: Any) -> dict[str, Any]:
    return {**of_ada(), **settings}


NOT_A_BALANCE = ["100", True, float("nan"), float("inf"), 1.5, 1.0, -1, 10**300, None, [1]]
NOT_A_THRESHOLD = ["1000", 0, -1, True, 1.5, float("nan"), []]
MAIL = {"to": "ada@example.org", "subject": "Hello", "body": "Dear Ada", "topic": "points"}

BAD_CUSTOMERS: list[object] = [
    None, 7, "ada", [], {}, {"customer": None}, {"customer": {}}, {"customer": {"id": "ada"}}, {"customer": []},
    {"customer": {"customer_id": 7}}, {"customer": {"customer_id": ""}}, {"customer": {"customer_id": "grace"}},
    of_ada(name=None), of_ada(name="a\nb"), of_ada(email="x@y, z@w"), of_ada(email="x@=?utf-8?q?evil.example?="),
    *(of_ada(points=value) for value in NOT_A_BALANCE), *(of_ada(lifetime_points=value) for value in NOT_A_BALANCE),
    *(with_settings(history_threshold=value) for value in NOT_A_THRESHOLD),
    of_ada(account_active="yes"), of_ada(account_active=1), with_settings(is_new="no"), with_settings(is_new=None),
    of_ada(guests="grace"), of_ada(guests=[7]), of_ada(guests={"grace": 1}), of_ada(guests=None),
    of_ada(friends={}), of_ada(friends=["grace"]), of_ada(friends=[{"customer_id": "grace", "status": "Diamond"}]),
    of_ada(transactions=["t"]), of_ada(transactions=[{"transaction_id": "t"}]), of_ada(loyalty_message=7),
    with_settings(mailbox={}), with_settings(mailbox=["addPoints"]), with_settings(mailbox=[{"points": 1}]),
    with_settings(mailbox=[{"kind": "steal", "points": 1}]), with_settings(mailbox=[{"kind": [], "points": 1}]),
    with_settings(mailbox=[{"kind": "addPoints", "points": "1"}]),
    with_settings(mailbox=[{"kind": "inviteGuest", "guest": {"customer_id": "g", "email": "a@=?utf-8?q?b?="}}]),
    with_settings(outbox=["mail"]), with_settings(outbox=[{**MAIL, "to": "x@y, z@w"}]),
    with_settings(outbox=[{**MAIL, "to": ""}]), with_settings(outbox=[{**MAIL, "body": None}]),
    with_settings(outbox=[{**MAIL, "subject": "\ud800"}]), with_settings(outbox=[{**MAIL, "mail_id": 7}]),
]  # fmt: skip

BAD_HOUSEHOLDS: list[object] = [
    None, "x", {}, {"household": {}}, {"household": {"household_id": 7}}, {"household": {"household_id": "y"}},
    {"household": {"household_id": "x", "members": "ada"}}, {"household": {"household_id": "x", "members": [7]}},
    {"household": {"household_id": "x", "members": ["a"] * 101}},
    {"household": {"household_id": "x"}, "parent_close_policy": "leave"},
    {"household": {"household_id": "x"}, "parent_close_policy": []},
    {"household": {"household_id": "x"}, "history_threshold": "1000"},
    {"household": {"household_id": "x"}, "mailbox": [{"kind": "addPoints", "points": 1}]},
    {"household": {"household_id": "x"}, "mailbox": [{"kind": "giveToAll", "points": 0}]},
]  # fmt: skip


@pytest.mark.parametrize("start", BAD_CUSTOMERS, ids=repr)
def test_bad_start_input_for_a_customer_is_refused(start: object) -> None:
    with pytest.raises(Refused) as refused:
        customer_input(start)
    assert SENTENCE.fullmatch(str(refused.value)), refused.value


@pytest.mark.parametrize("start", BAD_HOUSEHOLDS, ids=repr)
def test_bad_start_input_for_a_household_is_refused(start: object) -> None:
    with pytest.raises(Refused) as refused:
        household_input(start)
    assert SENTENCE.fullmatch(str(refused.value)), refused.value


def test_start_input_with_surplus_arguments_is_refused() -> None:
    with pytest.raises(Refused, match=r"Cannot read a customer with .* at its end; it takes one object"):
        customer_input(of_ada(), 7)
    with pytest.raises(Refused, match=r"Cannot read a household with .* at its end; it takes one object"):
        household_input({"household": {"household_id": "x"}}, 7)


def test_parser_does_not_change_a_valid_start_input() -> None:
    full = CustomerInput(
        Customer(
            "ada",
            "Ada",
            "ada@example.org",
            points=7,
            lifetime_points=8,
            guests=["grace"],
            friends=[NewStatus("joan", "Gold")],
            transactions=[Transaction("receipt-1", "Thanks")],
        ),
        is_new=False,
        history_threshold=None,
        mailbox=[AddPoints(1, "joan", "receipt-2")],
        outbox=[Mail("ada@example.org", "Hello", "Dear Ada", "points", "mail-1")],
    )
    assert customer_input(asdict(full)) == full
    assert customer_input({**of_ada(shoe_size=38), "colour": "green"}) == CustomerInput(Customer("ada"))


# ---- on a real server -----------------------------------------------------------------------------------------

BAD = of_ada(points="100", email="ada@example.org")
WHY = "Cannot use '100' as points; expected a whole number from 0 to 1,000,000,000"


async def test_workflow_with_bad_input_fails_before_any_activity_starts(closed_shop: Shop) -> None:
    ada = await closed_shop.client.start_workflow(
        WORKFLOW_TYPE,
        BAD,
        id="customer-ada",
        task_queue=closed_shop.task_queue,
        start_signal="inviteGuest",
        start_signal_args=[{"customer_id": "grace"}],
    )
    async with closed_shop.serving():
        cause = await failure_of(ada)
        assert isinstance(cause, ApplicationError)
        assert (cause.type, cause.message, cause.non_retryable) == ("Refused", WHY, True)
        assert (await ada.describe()).status == WorkflowExecutionStatus.FAILED
        for query in ("getStatus", "getGuests", "getLoyaltyMessage", "getRewards"):
            await ada.query(query)
    assert not closed_shop.mails.attempts
    history = await ada.fetch_history()
    assert not [event for event in history.events if event.HasField("activity_task_scheduled_event_attributes")]
    await Replayer(workflows=[CustomerLoyaltyWorkflow]).replay_workflow(history)


async def test_update_is_refused_if_it_starts_a_customer_with_bad_input(shop: Shop) -> None:
    start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        WORKFLOW_TYPE,
        BAD,
        id="customer-ada",
        task_queue=shop.task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    asked = shop.client.execute_update_with_start_workflow("addLoyaltyPoint", 1, start_workflow_operation=start)
    assert await refusal(asked) == WHY


@pytest.mark.parametrize("arguments", [[], [of_ada(), 7], ["ada"]], ids=repr)
async def test_workflow_fails_if_a_start_argument_is_missing_or_surplus(shop: Shop, arguments: list[object]) -> None:
    ada: Handle = await shop.client.start_workflow(
        WORKFLOW_TYPE, args=arguments, id="customer-ada", task_queue=shop.task_queue
    )
    assert SENTENCE.fullmatch(getattr(await failure_of(ada), "message", ""))


async def test_household_with_bad_start_input_fails(shop: Shop) -> None:
    start: dict[str, Any] = {"household": {}}
    lovelace = await shop.client.start_workflow(HOUSEHOLD, start, id="household-x", task_queue=shop.task_queue)
    cause = await failure_of(lovelace)
    assert isinstance(cause, ApplicationError)
    assert cause.message == "Cannot read {}; expected an object with the fields household_id, members"
    assert await lovelace.query("getMembers") == []


@pytest.mark.slow
async def test_workflow_with_input_from_an_earlier_release_can_continue(
    closed_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Start a run with a threshold of 30.0 and an address outside ASCII; an earlier release accepted both."""
    lenient = {**of_ada(email="ä@example.org"), "history_threshold": 30.0}
    with monkeypatch.context() as earlier:
        earlier.setattr(start_input, "customer_input", lambda start, *_, **__: as_before(start))
        async with closed_shop.serving():
            ada = await closed_shop.client.start_workflow(
                WORKFLOW_TYPE, lenient, id="customer-ada", task_queue=closed_shop.task_queue
            )
            await ada.signal("addPoints", 7)
            await comes_to(ada, 7)
    history = await ada.fetch_history()
    assert not [event for event in history.events if event.HasField("marker_recorded_event_attributes")]
    await Replayer(workflows=[CustomerLoyaltyWorkflow]).replay_workflow(history)
    async with closed_shop.serving():
        for _ in range(12):
            await ada.execute_update("addLoyaltyPoint")
        assert await points(ada) == 19
        thread = await runs(ada, closed_shop.client)
        assert len(thread) > 1, "The run did not continue as new"
        assert not [one for one in await events(thread[-1]) if one.HasField("workflow_task_failed_event_attributes")]


def as_before(start: dict[str, Any]) -> CustomerInput:
    customer = Customer(**start["customer"])
    return CustomerInput(customer, history_threshold=int(start["history_threshold"]))
