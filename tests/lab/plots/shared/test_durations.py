"""Test the durations of tasks and outages."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.lab.plots.shared import durations
from tests.support.pictures import START, frame_of_events, frame_of_uptimes

SCHEDULED, STARTED = (1.0, "ActivityTaskScheduled", {"name": "sendEmail"}), "ActivityTaskStarted"


def seconds(time: pd.Timestamp | None) -> float | None:
    return None if time is None else (time - START).total_seconds()


def task_rows(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    return [
        (one.row, *map(seconds, (one.begin, one.started, one.end)), one.outcome, one.attempt, one.reason)
        for one in durations.tasks_in(frame)
    ]


@pytest.mark.parametrize(
    ("closed", "closing", "outcome", "reason"),
    [
        ("Completed", {}, "completed", "refused"),
        ("Failed", {"detail": "refused again"}, "failed", "refused again"),
        ("TimedOut", {"detail": "StartToClose"}, "timed out", "StartToClose"),
        ("Canceled", {}, "canceled", "refused"),
    ],
)
def test_activity_lasts_from_its_scheduled_event_to_its_closing_event(
    closed: str, closing: dict[str, object], outcome: str, reason: str
) -> None:
    frame = frame_of_events(
        SCHEDULED,
        (8, STARTED, {"name": "sendEmail", "refers_to": 1, "attempt": 3, "detail": "refused"}),
        (9, f"ActivityTask{closed}", {"name": "sendEmail", "refers_to": 1, **closing}),
    )
    assert task_rows(frame) == [("sendEmail", 1, 8, 9, outcome, 3, reason)]


def test_workflow_task_without_a_worker_has_no_start_time() -> None:
    frame = frame_of_events(
        (0, "WorkflowTaskScheduled", {}), (10, "WorkflowTaskTimedOut", {"refers_to": 1, "detail": "ScheduleToStart"})
    )
    assert task_rows(frame) == [("Workflow Tasks", 0, None, 10, "timed out", 1, "ScheduleToStart")]


def test_a_task_is_not_closed_if_its_run_ended_first() -> None:
    assert task_rows(frame_of_events(SCHEDULED)) == [("sendEmail", 1, None, None, "", 1, "")]
    ended = frame_of_events(SCHEDULED, (4, "WorkflowExecutionContinuedAsNew", {}))
    assert task_rows(ended) == [("sendEmail", 1, None, 4, "not closed", 1, "")]


def test_tasks_in_different_runs_can_have_equal_event_ids() -> None:
    closed = (2.0, "ActivityTaskCompleted", {"name": "sendEmail", "refers_to": 1})
    frame = pd.concat(
        [
            frame_of_events(SCHEDULED),
            frame_of_events(SCHEDULED, closed, run=2),
            frame_of_events(SCHEDULED, who="customer-bob"),
        ]
    )
    assert [one.outcome for one in durations.tasks_in(frame)] == ["", "completed", ""]


def test_task_without_a_scheduled_event_is_ignored() -> None:
    frame = frame_of_events(SCHEDULED, (2, "ActivityTaskCompleted", {"refers_to": 1}), (3, "WorkflowTaskScheduled", {}))
    assert [one.row for one in durations.tasks_in(frame.tail(2))] == ["Workflow Tasks"]


def down(uptimes: pd.DataFrame, until: float = 10) -> list[tuple[object, ...]]:
    end = START + pd.Timedelta(until, "s")
    return [(one.role, seconds(one.begin), seconds(one.end)) for one in durations.outages(uptimes, START, end)]


def test_an_outage_lasts_until_a_process_starts_again() -> None:
    uptimes = frame_of_uptimes(
        ("worker", "worker 1", -5, 2, "killed"),
        ("worker", "worker 2", 1, 4, "killed"),
        ("worker", "worker 3", 7, None, None),
        ("mail server", "mail server", -5, 3, "stopped"),
        ("Temporal server", "Temporal server", -6, None, None),
    )
    assert down(uptimes) == [("worker", 4, 7), ("mail server", 3, 10)]


def test_outage_lasts_until_the_first_worker_starts() -> None:
    assert down(frame_of_uptimes(("worker", "worker 1", 3, None, None))) == [("worker", 0, 3)]


def test_outage_does_not_extend_beyond_the_time_shown() -> None:
    uptimes = frame_of_uptimes(("worker", "worker 1", -5, -3, "killed"), ("worker", "worker 2", 60, None, None))
    assert down(uptimes) == [("worker", 0, 10)]


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 50)), max_size=30))
def test_intervals_in_one_lane_never_overlap(lengths: list[tuple[float, float]]) -> None:
    of = sorted((begin, begin + length) for begin, length in lengths)
    chosen = durations.lanes(of)
    for lane in set(chosen):
        of_lane = [one for one, its in zip(of, chosen, strict=True) if its == lane]
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(of_lane))
    most = max((sum(begin <= at < end or begin == at for begin, end in of) for at, _ in of), default=0)
    assert len(set(chosen)) <= most, "there are no more lanes than simultaneous intervals"
