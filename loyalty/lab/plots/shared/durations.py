"""What took time: Workflow Tasks and activities of histories, and gaps in the lives of processes. Draws nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from loyalty.lab.plots.shared.drawing import by_run
from loyalty.lab.plots.shared.sent_messages import CLOSED

if TYPE_CHECKING:
    import pandas as pd

WORKFLOW_TASKS = "Workflow Tasks"

COMPLETED, FAILED, TIMED_OUT, LEFT_OPEN = "completed", "failed", "timed out", "left open"
GIVEN_UP = (FAILED, TIMED_OUT)
OUTCOMES = {"Completed": COMPLETED, "Failed": FAILED, "TimedOut": TIMED_OUT, "Canceled": "canceled"}
"""What the type of the event that closes a task ends with, in words."""

ROLES = ("worker", "mail server", "Temporal server")

_RUN_ENDS = {f"WorkflowExecution{how}" for how in (*CLOSED, "ContinuedAsNew")}
_TASK = "^(?:Workflow|Activity)Task(?:Scheduled|Started|Completed|Failed|TimedOut|Canceled)$"


class Task(NamedTuple):
    """One Workflow Task or activity.

    `row` is WORKFLOW_TASKS or the activity's name. `started` is when the recorded attempt began, which is the last one;
    None where none is recorded yet. `outcome` is one of OUTCOMES, LEFT_OPEN where the run ended before it, or "" while
    it is open and `end` is None. `reason` is the kind of a timeout, or the failure of the last attempt or of the one
    before it.
    """

    row: str
    begin: pd.Timestamp
    started: pd.Timestamp | None
    end: pd.Timestamp | None
    outcome: str
    attempt: int
    reason: str


class Outage(NamedTuple):
    """A stretch in which no process of a role was up."""

    role: str
    begin: pd.Timestamp
    end: pd.Timestamp


def tasks_in(frame: pd.DataFrame) -> list[Task]:
    """Return the Workflow Tasks and activities of which `frame` shows the beginning, in the order of their events."""
    return [stretch for events in by_run(frame).values() for stretch in _of_run(events)]


def outages(uptimes: pd.DataFrame, begin: pd.Timestamp, end: pd.Timestamp) -> list[Outage]:
    """Return when, between `begin` and `end`, no process was up of a role that `uptimes` knows, role by role."""
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
    """Return a lane, from 0 on, for each (begin, end) in order of their begins: none lies on another of its lane."""
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
