"""An address is refused if e-mail headers would change it. Older runs with such an address can be replayed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from loyalty.actor import values
from loyalty.coffee.messages import PROCESS_PAYMENT, OrderStatus
from loyalty.coffee.workflow import CoffeeOrderWorkflow
from loyalty.household.messages import WORKFLOW_TYPE as HOUSEHOLD
from loyalty.household.workflow import HouseholdWorkflow
from loyalty.messages import START_GUEST, workflow_id
from loyalty.workflow import CustomerLoyaltyWorkflow
from tests.support.coffee import CoffeeShop, sqlite_url
from tests.support.helpers import Shop, count, eventually, points

INEXACT = "x@=?utf-8?q?evil.example?="
SENTENCE = f"Cannot use '{INEXACT}' as an e-mail address; expected an empty text, or name@host in ASCII"


async def invited(shop: Shop, _: Path) -> WorkflowHistory:
    async with shop.serving():
        ada = await shop.opens("ada", points=1_000)
        await ada.signal("inviteGuest", {"customer_id": "grace", "email": INEXACT})
        assert await ada.execute_update("addLoyaltyPoint", 7)
        return await ada.fetch_history()


async def joined(shop: Shop, _: Path) -> WorkflowHistory:
    async with shop.serving():
        start = {"household": {"household_id": "lovelace"}}
        lovelace = await shop.client.start_workflow(
            HOUSEHOLD, start, id="household-lovelace", task_queue=shop.task_queue
        )
        await lovelace.signal("addMember", {"customer_id": "grace", "email": INEXACT})
        await lovelace.signal("addMember", {"customer_id": "joan"})
        await eventually(
            lambda: lovelace.query("getMembers"),
            lambda members: "joan" in members,
            waiting_for="joan in the list of members",
        )
        return await lovelace.fetch_history()


async def ordered(shop: Shop, folder: Path) -> WorkflowHistory:
    coffee = CoffeeShop(shop.client, sqlite_url(folder))
    async with coffee.serving(customers=False):
        order = await coffee.places("7", email=INEXACT)
        await eventually(
            lambda: order.query("status"),
            lambda report: report["status"] in (OrderStatus.READY, OrderStatus.FAILED),
            waiting_for="the end of the order",
        )
        return await order.fetch_history()


PLAYS = [invited, joined, ordered]
Play: TypeAlias = Callable[[Shop, Path], Awaitable[WorkflowHistory]]


def has_marker(history: WorkflowHistory) -> bool:
    return any(event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED for event in history.events)


async def replay(history: WorkflowHistory) -> None:
    await Replayer(workflows=[CustomerLoyaltyWorkflow, HouseholdWorkflow, CoffeeOrderWorkflow]).replay_workflow(history)


@pytest.mark.parametrize("play", PLAYS)
async def test_address_is_refused_if_an_email_header_would_change_it(
    play: Play, closed_shop: Shop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    history = await play(closed_shop, tmp_path)
    if play is not ordered:
        assert f"Ignored a signal: {SENTENCE}" in caplog.text
    assert has_marker(history), "The refusal recorded no marker, so earlier runs would not replay"
    assert not has_begun(history), "The refused address started a guest, a member or a payment"
    await replay(history)


@pytest.mark.parametrize("play", PLAYS)
async def test_an_old_run_can_be_replayed_even_if_its_address_is_refused_today(
    play: Play, closed_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(values, "exact_email", values.email)
        history = await play(closed_shop, tmp_path)
    assert has_begun(history), "The rule of the earlier release refused this address"
    assert not has_marker(history)
    await replay(history)


def has_begun(history: WorkflowHistory) -> bool:
    """Return whether the history starts a guest or a member, or schedules a payment."""
    started = [event.activity_task_scheduled_event_attributes.activity_type.name for event in history.events]
    children = [event.start_child_workflow_execution_initiated_event_attributes.workflow_id for event in history.events]
    return bool({START_GUEST, PROCESS_PAYMENT} & set(started)) or workflow_id("grace") in children


async def test_no_marker_event_is_recorded_for_an_invitation_with_a_normal_address(shop: Shop) -> None:
    ada = await shop.opens("ada", points=1_000)
    await ada.signal("inviteGuest", {"customer_id": "grace", "email": "grace@example.org"})
    await eventually(lambda: ada.query("getGuests"), waiting_for="a guest in the list of guests")
    assert await points(ada) == 1_000
    assert await count(ada, EventType.EVENT_TYPE_MARKER_RECORDED) == 0
