"""Test the DataFrames of live and recorded event histories."""

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
from loyalty.lab.history.event_rows import DETAIL_LENGTH
from tests.support.helpers import Handle, Shop, comes_to, ends, eventually

pytestmark = pytest.mark.slow

THRESHOLD = 40
PURCHASES = 30


async def buys_and_closes(shop: Shop, customer_id: str) -> Handle:
    """Open an account, buy until the customer has continued as new several times, and close the account."""
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
    return await buys_and_closes(shop, "ada")


async def test_frame_contains_all_runs_of_a_customer(ada: Handle) -> None:
    frame = await history.frame(ada)
    runs = frame.groupby("run").event_id.agg(["min", "max", "size"])
    assert len(runs) > 2, "the customer continued as new at least twice"
    assert runs.index.to_list() == list(range(1, len(runs) + 1))
    assert (runs["min"] == 1).all()
    assert (runs["max"] == runs["size"]).all(), "the frame has every event of every run once"
    assert frame.type.iloc[-1] == "WorkflowExecutionCompleted"
    assert set(frame[frame.event_id == runs["max"].reindex(frame.run).to_numpy()].type[:-1]) == {
        "WorkflowExecutionContinuedAsNew"
    }
    assert (frame.type == "WorkflowExecutionSignaled").sum() == PURCHASES + 1, "the frame has every signal once"


async def test_frame_columns_and_dtypes_match_the_documentation(ada: Handle) -> None:
    documented = re.findall(r"^\s*\| (\w+) \| ([^|]+) \|", history.frame.__doc__ or "", re.MULTILINE)
    assert dict(documented[1:]) == history.COLUMNS
    for frame in (await history.frame(ada), history.frame_of([])):
        assert {column: str(dtype) for column, dtype in frame.dtypes.items()} == history.COLUMNS


async def test_frame_contains_the_names_of_signals_and_activities(ada: Handle) -> None:
    frame = await history.frame(ada)
    by_type = frame.groupby("type").name
    for type_ in ("ActivityTaskScheduled", "ActivityTaskStarted", "ActivityTaskCompleted"):
        assert set(by_type.get_group(type_)) == {"sendEmail"}
    for type_ in ("WorkflowExecutionUpdateAccepted", "WorkflowExecutionUpdateCompleted"):
        assert set(by_type.get_group(type_)) == {"addLoyaltyPoint"}
    assert set(by_type.get_group("WorkflowExecutionSignaled")) == {"addPoints", "cancelAccount"}
    assert by_type.get_group("WorkflowTaskStarted").isna().all()


async def test_frame_contains_the_arguments_of_signals_and_the_attempts_of_activities(ada: Handle) -> None:
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


async def test_recorded_runs_give_the_same_frame_as_the_live_workflow(ada: Handle, tmp_path: Path) -> None:
    live = await history.frame(ada)
    fetched = await history.fetch(ada)
    assert_frame_equal(history.frame_of(fetched), live)
    assert_frame_equal(history.frame_of(list(reversed(fetched))), live, obj="a list with the newest run first")
    recorded = [WorkflowHistory.from_json(ada.id, run.to_json()) for run in fetched]
    assert_frame_equal(await history.frame(recorded), live)
    paths = [tmp_path / f"{number}.json" for number in range(len(fetched))]
    for path, run in zip(paths, fetched, strict=True):
        path.write_text(run.to_json())
    assert_frame_equal(history.frame_of(paths), live)
    assert_frame_equal(history.frame_of(str(paths[0])), live[live.run == 1])


async def pages(customer: Handle) -> int:
    """Return the number of pages in which the server sends the customer's history."""
    events, count = customer.fetch_history_events(), 0
    while count == 0 or events.next_page_token:
        await events.fetch_next_page()
        count += 1
    return count


async def shops_for_pages(zoe: Handle, shop: Shop, wanted: int) -> None:
    """Buy until the history has `wanted` pages; wait for each e-mail, so that the server stores small batches."""
    mails = 1
    while await pages(zoe) < wanted:
        mails += 1
        await zoe.signal("addPoints", 1)
        await eventually(lambda: len(shop.mails.to("zoe@example.com")), partial(eq, mails), waiting_for=f"mail {mails}")


async def test_live_and_recorded_frames_of_a_long_run_are_equal(shop: Shop) -> None:
    zoe = await shop.opens("zoe", email="zoe@example.com")
    await shops_for_pages(zoe, shop, 3)
    await settled(zoe)
    live = await history.frame(zoe)
    assert_frame_equal(live, history.frame_of(await history.fetch(zoe)))
    assert set(live[live.type == "ActivityTaskCompleted"].name) == {"sendEmail"}, (
        "the name comes from an event on an earlier page"
    )


async def test_frame_of_a_growing_run_contains_every_event_exactly_once(shop: Shop) -> None:
    zoe = await shop.opens("zoe", email="zoe@example.com")
    shopping = asyncio.create_task(shops_for_pages(zoe, shop, 3))
    while not shopping.done():
        events = (await history.frame(zoe)).event_id.to_list()
        assert events == list(range(1, len(events) + 1)), "the frame has every event once"
    await shopping


async def test_all_runs_can_be_fetched_with_a_handle_for_any_run(ada: Handle, shop: Shop) -> None:
    runs = await history.fetch(ada)
    middle = shop.client.get_workflow_handle(ada.id, run_id=runs[1].run_id)
    assert [run.run_id for run in await history.fetch(middle)] == [run.run_id for run in runs]


async def test_first_run_of_each_customer_has_the_number_1(shop: Shop) -> None:
    ada, bob = await asyncio.gather(buys_and_closes(shop, "ada"), buys_and_closes(shop, "bob"))
    both = await history.frame([ada, *await history.fetch(bob)])
    assert list(both.workflow_id.unique()) == ["customer-ada", "customer-bob"]
    assert (both.groupby("workflow_id").run.min() == 1).all()
    bobs = both[both.workflow_id == "customer-bob"].reset_index(drop=True)
    assert_frame_equal(bobs, await history.frame(bob))


async def test_frame_contains_the_sender_or_receiver_of_a_signal(shop: Shop) -> None:
    ada, grace = await shop.opens("ada"), await shop.opens("grace")
    await grace.signal("addPoints", args=[600, "ada"])
    both = await eventually(
        lambda: history.frame([ada, grace]),
        lambda both: (both.name == "notifyNewStatus").sum() == 3,
        waiting_for="the three events of Grace's message to Ada",
    )
    about = both[both.name == "notifyNewStatus"].set_index("type").other.to_dict()
    assert about == {
        "WorkflowExecutionSignaled": "customer-grace",
        "SignalExternalWorkflowExecutionInitiated": "customer-ada",
        "ExternalWorkflowExecutionSignaled": "customer-ada",
    }
    assert both[both.name != "notifyNewStatus"].other.isna().all(), "`other` names workflows, not clients"


async def test_summary_has_one_row_per_run(ada: Handle) -> None:
    frame = await history.frame(ada)
    summary = history.summary(frame)
    assert summary.index.names == ["workflow_id", "run"]
    assert summary.events.sum() == len(frame)
    assert summary.bytes.sum() == frame.bytes.sum()
    assert summary.signals.sum() == PURCHASES + 1
    assert summary.updates.sum() == 1
    assert summary.status.to_list() == ["ContinuedAsNew"] * (len(summary) - 1) + ["Completed"]
    assert (summary.ended - summary.started).dt.total_seconds().to_list() == summary.seconds.to_list()


async def test_summary_shows_an_open_workflow_as_running(shop: Shop) -> None:
    bob = await shop.opens("bob")
    await comes_to(bob, 0)
    summary = history.summary(await history.frame(bob))
    assert summary.status.to_list() == ["Running"]
    assert summary.ended.isna().all()


async def test_frame_shows_the_reason_for_a_termination(shop: Shop) -> None:
    bob = await shop.opens("bob")
    await bob.terminate(reason="enough seen")
    frame = await eventually(
        lambda: history.frame(bob),
        lambda frame: frame.type.iloc[-1] == "WorkflowExecutionTerminated",
        waiting_for="the termination",
    )
    assert frame.detail.iloc[-1] == "enough seen"
    assert history.summary(frame).status.to_list() == ["Terminated"]


async def test_frame_of_an_unknown_workflow_raises_rpc_error(shop: Shop) -> None:
    with pytest.raises(RPCError, match="not found"):
        await history.frame(shop.customer("nobody"))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"events": []}', '{"events": [{"eventId": "one"}]}', "null"])
def test_loading_a_file_without_a_history_raises_value_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"Cannot read .*notes\.json as an event history .*; expected a WorkflowH"):
        history.frame_of(path)


def test_loading_a_missing_file_raises_file_not_found_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        history.frame_of(tmp_path / "nothing.json")


@pytest.mark.parametrize("source", [42, [42], None])
async def test_source_with_a_wrong_type_raises_type_error(source: Any) -> None:
    with pytest.raises(TypeError, match=r"Cannot make a frame from a (int|NoneType); expected a WorkflowHandle"):
        await history.frame(source)


async def test_live_workflow_is_refused_where_a_recorded_run_is_expected(shop: Shop) -> None:
    with pytest.raises(TypeError, match=r"await frame\(handle\)"):
        history.frame_of(shop.customer("ada"))  # type: ignore[arg-type]  # a wrong argument on purpose


def test_frame_has_a_row_for_every_event_type() -> None:
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
    assert frame.name.isna().all(), "events without attributes have no name"


def test_frame_has_a_row_for_an_unknown_event_type() -> None:
    event = HistoryEvent(event_id=1, event_type=EventType.ValueType(9999))
    assert history.frame_of(WorkflowHistory("customer-ada", [event])).type.to_list() == ["Unknown9999"]
