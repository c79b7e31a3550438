"""Read the durations of tasks and outages from DataFrames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from loyalty.lab.plots.shared.drawing import by_run
from loyalty.lab.plots.shared.sent_messages import CLOSED

if TYPE_CHECKING:
    import pandas as pd

WORKFLOW_TASKS = "Workflow Tasks"

COMPLETED, FAILED, TIMED_OUT, LEFT_OPEN = "completed", "failed", "timed out", "not closed"
OUTCOMES = {"Completed": COMPLETED, "Failed": FAILED, "TimedOut": TIMED_OUT, "Canceled": "canceled"}
"""The suffix of the event type that closes a task: the outcome."""

ROLES = ("worker", "mail server", "Temporal server")

_RUN_ENDS = {f"WorkflowExecution{how}" for how in (*CLOSED, "ContinuedAsNew")}
_TASK = "^(?:Workflow|Activity)Task(?:Scheduled|Started|Completed|Failed|TimedOut|Canceled)$"


class Task(NamedTuple):
    """One Workflow Task or activity.

    `row` is the name of the activity, or WORKFLOW_TASKS for a Workflow Task.
    `started` is the start of the last attempt. `started` is None if the start of the task is not in the history.
    If the task is open, `end` is None and `outcome` is "". If the run ended before the task ended, `outcome` is
    LEFT_OPEN.
    `reason` is the timeout type or the failure message of the last failed attempt.
    """

    row: str
    begin: pd.Timestamp
    started: pd.Timestamp | None
    end: pd.Timestamp | None
    outcome: str
    attempt: int
    reason: str


class Outage(NamedTuple):
    """A period in which no process of a role was running."""

    role: str
    begin: pd.Timestamp
    end: pd.Timestamp


def tasks_in(frame: pd.DataFrame) -> list[Task]:
    """Return the Workflow Tasks and activities in `frame`, in the order of their scheduled events."""
    return [stretch for events in by_run(frame).values() for stretch in _of_run(events)]


def outages(uptimes: pd.DataFrame, begin: pd.Timestamp, end: pd.Timestamp) -> list[Outage]:
    """Return the outages between `begin` and `end`, for each role in `uptimes`."""
    found: list[Outage] = []
    for role in ROLES:
        up_to = begin
        of_role = uptimes[uptimes.role == role].sort_values("begin")
        for up, down in zip(of_role.begin, of_role.end.fillna(end), strict=True):
            if up_to < min(up, end):
                found.append(Outage(role, up_to, min(up, end)))
            up_to = max(up_to, down)
        if len(of_role) and up_to < end:
            found.append(Outage(role, up_to, end))
    return found


def lanes(of: Sequence[tuple[float, float]]) -> list[int]:
    """Return one lane number per interval; intervals in the same lane never overlap.

    Each interval is a pair (begin, end). The list is sorted by the begin of the intervals.
    """
    free: list[float] = []
    chosen = []
    for begin, end in of:
        lane = next((lane for lane, until in enumerate(free) if until <= begin), len(free))
        free[lane : lane + 1] = [end]
        chosen.append(lane)
    return chosen


def _of_run(events: pd.DataFrame) -> Iterator[Task]:
    import pandas as pd

    tasks = events[events.type.str.contains(_TASK)]
    answers: dict[int, dict[str, Any]] = {}
    for event in _tuples(tasks[tasks.refers_to.notna()]):
        answers.setdefault(event.refers_to, {})[event.type.rpartition("Task")[2]] = event
    last = events.iloc[-1]
    for scheduled in _tuples(tasks[tasks.type.str.endswith("Scheduled")]):
        known = answers.get(scheduled.event_id, {})
        started = known.pop("Started", None)
        how, closing = next(iter(known.items()), ("", None))
        outcome, end = OUTCOMES.get(how, ""), None if closing is None else closing.time
        if closing is None and last.type in _RUN_ENDS:
            outcome, end = LEFT_OPEN, last.time
        sources = [event for event in (closing if outcome != COMPLETED else None, started) if event is not None]
        yield Task(
            row=WORKFLOW_TASKS if scheduled.type.startswith("Workflow") else scheduled.name,
            begin=scheduled.time,
            started=None if started is None else started.time,
            end=end,
            outcome=outcome,
            attempt=1 if started is None or pd.isna(started.attempt) else int(started.attempt),
            reason=next((event.detail for event in sources if isinstance(event.detail, str)), ""),
        )


def _tuples(events: pd.DataFrame) -> Iterator[Any]:
    return events.itertuples()
