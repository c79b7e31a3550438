"""Event histories as DataFrames: real ones, live and recorded."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from operator import eq
from pathlib import Path
from typing import Any

import pytest
from pandas.testing import assert_frame_equal
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.service import RPCError

from loyalty.lab import history, settled
from loyalty.lab.history.events import DETAIL_LENGTH
from tests.support.helpers import Handle, Shop, comes_to, ends, eventually

pytestmark = pytest.mark.slow

THRESHOLD = 40
PURCHASES = 30


async def lives_long(shop: Shop, customer_id: str) -> Handle:
    """Open an account, shop until it has continued as new several times, close it."""
    customer = await shop.opens(
        customer_id, email=f"{customer_id}@example.com", settings={"history_threshold": THRESHOLD}
    )
    for bought in range(1, PURCHASES + 1):
        await customer.signal("addPoints", 10)
        await comes_to(customer, 10 * bought)
    assert await customer.execute_update("addLoyaltyPoint", 700) == "Welcome to Gold Status!"
    await customer.signal("cancelAccount")
    await ends(customer)
    return customer


@pytest.fixture
async def ada(shop: Shop) -> Handle:
    return await lives_long(shop, "ada")


async def test_a_frame_follows_a_customer_through_all_runs(ada: Handle) -> None:
    frame = await history.frame(ada)
    runs = frame.groupby("run").event_id.agg(["min", "max", "size"])
    assert len(runs) > 2, "the customer continued as new at least twice"
    assert runs.index.to_list() == list(range(1, len(runs) + 1))
    assert (runs["min"] == 1).all()
    assert (runs["max"] == runs["size"]).all(), "every event of every run is there once"
    assert frame.type.iloc[-1] == "WorkflowExecutionCompleted"
    assert set(frame[frame.event_id == runs["max"].reindex(frame.run).to_numpy()].type[:-1]) == {
        "WorkflowExecutionContinuedAsNew"
    }
    assert (frame.type == "WorkflowExecutionSignaled").sum() == PURCHASES + 1, "no signal is missing, none is twice"


async def test_columns_are_those_that_are_documented(ada: Handle) -> None:
    documented = re.findall(r"^\s*\| (\w+) \| ([^|]+) \|", history.frame.__doc__ or "", re.MULTILINE)
    assert dict(documented[1:]) == history.COLUMNS
    for frame in (await history.frame(ada), history.frame_of([])):
        assert {column: str(dtype) for column, dtype in frame.dtypes.items()} == history.COLUMNS


async def test_every_event_about_something_carries_its_name(ada: Handle) -> None:
    frame = await history.frame(ada)
    by_type = frame.groupby("type").name
    for type_ in ("ActivityTaskScheduled", "ActivityTaskStarted", "ActivityTaskCompleted"):
        assert set(by_type.get_group(type_)) == {"sendEmail"}
    for type_ in ("WorkflowExecutionUpdateAccepted", "WorkflowExecutionUpdateCompleted"):
        assert set(by_type.get_group(type_)) == {"addLoyaltyPoint"}
    assert set(by_type.get_group("WorkflowExecutionSignaled")) == {"addPoints", "cancelAccount"}
    assert by_type.get_group("WorkflowTaskStarted").isna().all()


async def test_details_and_references_say_what_happened(ada: Handle) -> None:
    frame = await history.frame(ada)
    signals = frame[frame.name == "addPoints"]
    assert set(signals.detail) == {"10"}
    assert signals.refers_to.isna().all()
    answered = frame[frame.type == "WorkflowExecutionUpdateCompleted"]
    assert answered.detail.to_list() == ['"Welcome to Gold Status!"']
    started = frame[frame.type == "ActivityTaskStarted"]
    assert set(started.attempt) == {1}
    assert frame[frame.type != "ActivityTaskStarted"].attempt.isna().all()
    referred = frame.merge(started, left_on=["run", "event_id"], right_on=["run", "refers_to"])
    assert len(referred) == len(started)
    assert set(referred.type_x) == {"ActivityTaskScheduled"}
    assert frame.detail.str.len().max() <= DETAIL_LENGTH


async def test_recorded_runs_make_the_same_frame_as_live_ones(ada: Handle, tmp_path: Path) -> None:
    live = await history.frame(ada)
    fetched = await history.fetch(ada)
    assert_frame_equal(history.frame_of(fetched), live)
    assert_frame_equal(history.frame_of(list(reversed(fetched))), live, obj="whatever the order of the runs")
    recorded = [WorkflowHistory.from_json(ada.id, run.to_json()) for run in fetched]
    assert_frame_equal(await history.frame(recorded), live)
    paths = [tmp_path / f"{number}.json" for number in range(len(fetched))]
    for path, run in zip(paths, fetched, strict=True):
        path.write_text(run.to_json())
    assert_frame_equal(history.frame_of(paths), live)
    assert_frame_equal(history.frame_of(str(paths[0])), live[live.run == 1])


async def pages(customer: Handle) -> int:
    """Count the pages in which the server hands out the customer's history."""
    events, count = customer.fetch_history_events(), 0
    while count == 0 or events.next_page_token:
        await events.fetch_next_page()
        count += 1
    return count


async def shops_for_pages(zoe: Handle, shop: Shop, wanted: int) -> None:
    """Shop one by one: most of a purchase's ten events or so are then stored by themselves; a page holds 256 such."""
    mails = 1
    while await pages(zoe) < wanted:
        mails += 1
        await zoe.signal("addPoints", 1)
        await eventually(lambda: len(shop.mails.to("zoe@example.com")), partial(eq, mails), waiting_for=f"mail {mails}")


async def test_a_run_of_many_pages_is_read_as_if_it_were_one(shop: Shop) -> None:
    zoe = await shop.opens("zoe", email="zoe@example.com")
    await shops_for_pages(zoe, shop, 3)
    await settled(zoe)
    live = await history.frame(zoe)
    assert_frame_equal(live, history.frame_of(await history.fetch(zoe)))
    assert set(live[live.type == "ActivityTaskCompleted"].name) == {"sendEmail"}, "named by an event pages before"


async def test_a_long_run_may_grow_while_it_is_read(shop: Shop) -> None:
    zoe = await shop.opens("zoe", email="zoe@example.com")
    shopping = asyncio.create_task(shops_for_pages(zoe, shop, 3))
    while not shopping.done():
        events = (await history.frame(zoe)).event_id.to_list()
        assert events == list(range(1, len(events) + 1)), "every event is there once"
    await shopping


async def test_a_handle_of_any_run_leads_to_all_runs(ada: Handle, shop: Shop) -> None:
    runs = await history.fetch(ada)
    middle = shop.client.get_workflow_handle(ada.id, run_id=runs[1].run_id)
    assert [run.run_id for run in await history.fetch(middle)] == [run.run_id for run in runs]


async def test_runs_are_counted_per_customer(shop: Shop) -> None:
    ada, bob = await asyncio.gather(lives_long(shop, "ada"), lives_long(shop, "bob"))
    both = await history.frame([ada, *await history.fetch(bob)])
    assert list(both.workflow_id.unique()) == ["customer-ada", "customer-bob"]
    assert (both.groupby("workflow_id").run.min() == 1).all()
    bobs = both[both.workflow_id == "customer-bob"].reset_index(drop=True)
    assert_frame_equal(bobs, await history.frame(bob))


async def test_workflows_that_speak_to_each_other_are_named(shop: Shop) -> None:
    ada, grace = await shop.opens("ada"), await shop.opens("grace")
    await grace.signal("addPoints", args=[600, "ada"])
    both = await eventually(
        lambda: history.frame([ada, grace]),
        lambda both: (both.name == "notifyNewStatus").sum() == 3,
        waiting_for="Grace's message to Ada, sent, confirmed and received",
    )
    about = both[both.name == "notifyNewStatus"].set_index("type").other.to_dict()
    assert about == {
        "WorkflowExecutionSignaled": "customer-grace",
        "SignalExternalWorkflowExecutionInitiated": "customer-ada",
        "ExternalWorkflowExecutionSignaled": "customer-ada",
    }
    assert both[both.name != "notifyNewStatus"].other.isna().all(), "a client is no other workflow"


async def test_a_summary_has_one_row_per_run(ada: Handle) -> None:
    frame = await history.frame(ada)
    summary = history.summary(frame)
    assert summary.index.names == ["workflow_id", "run"]
    assert summary.events.sum() == len(frame)
    assert summary.bytes.sum() == frame.bytes.sum()
    assert summary.signals.sum() == PURCHASES + 1
    assert summary.updates.sum() == 1
    assert summary.status.to_list() == ["ContinuedAsNew"] * (len(summary) - 1) + ["Completed"]
    assert (summary.ended - summary.started).dt.total_seconds().to_list() == summary.seconds.to_list()


async def test_a_run_that_goes_on_is_running(shop: Shop) -> None:
    bob = await shop.opens("bob")
    await comes_to(bob, 0)
    summary = history.summary(await history.frame(bob))
    assert summary.status.to_list() == ["Running"]
    assert summary.ended.isna().all()


async def test_the_reason_of_a_termination_is_told(shop: Shop) -> None:
    bob = await shop.opens("bob")
    await bob.terminate(reason="enough seen")
    frame = await eventually(
        lambda: history.frame(bob),
        lambda frame: frame.type.iloc[-1] == "WorkflowExecutionTerminated",
        waiting_for="the termination",
    )
    assert frame.detail.iloc[-1] == "enough seen"
    assert history.summary(frame).status.to_list() == ["Terminated"]


async def test_who_does_not_exist_is_refused_by_the_server(shop: Shop) -> None:
    with pytest.raises(RPCError, match="not found"):
        await history.frame(shop.customer("nobody"))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"events": []}', '{"events": [{"eventId": "one"}]}', "null"])
def test_a_file_that_is_no_history_is_refused_with_a_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"Cannot read .*notes\.json as an event history .*; possible is a WorkflowH"):
        history.frame_of(path)


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        history.frame_of(tmp_path / "nothing.json")


@pytest.mark.parametrize("source", [42, [42], None])
async def test_what_is_no_history_is_refused_with_a_sentence(source: Any) -> None:
    with pytest.raises(TypeError, match=r"Cannot make a frame of a (int|NoneType); possible is a WorkflowHandle"):
        await history.frame(source)


async def test_a_live_customer_is_awaited(shop: Shop) -> None:
    with pytest.raises(TypeError, match=r"await frame\(handle\)"):
        history.frame_of(shop.customer("ada"))  # type: ignore[arg-type]  # the mistake


def test_events_of_all_types_have_a_row() -> None:
    attributes = HistoryEvent.DESCRIPTOR.oneofs_by_name["attributes"].fields
    events = []
    for number, field in enumerate(attributes, start=1):
        of_type = EventType.Value(f"EVENT_TYPE_{field.name.removesuffix('_event_attributes').upper()}")
        event = HistoryEvent(event_id=number, event_type=of_type)
        getattr(event, field.name).SetInParent()
        events.append(event)
    frame = history.frame_of(WorkflowHistory("customer-ada", events))
    assert len(frame) == len(attributes)
    assert {"WorkflowExecutionPaused", "NexusOperationStarted", "MarkerRecorded"} <= set(frame.type)
    assert frame.name.isna().all(), "what says nothing has no name"


def test_an_event_of_a_newer_server_is_unknown_but_there() -> None:
    event = HistoryEvent(event_id=1, event_type=EventType.ValueType(9999))
    assert history.frame_of(WorkflowHistory("customer-ada", [event])).type.to_list() == ["Unknown9999"]
