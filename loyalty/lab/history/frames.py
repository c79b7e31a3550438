"""Event histories as DataFrames, following a customer across continue-as-new. Recorded ones need no server."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from google.protobuf.json_format import ParseError
from temporalio.client import WorkflowHandle, WorkflowHistory

from loyalty.lab.history.events import named
from loyalty.lab.history.runs import Run, follow, read

if TYPE_CHECKING:
    import pandas as pd

Recorded: TypeAlias = WorkflowHistory | str | os.PathLike[str]
"""One recorded run: a history, or the path of its JSON file."""

Source: TypeAlias = Recorded | WorkflowHandle[Any, Any]

COLUMNS: dict[str, Any] = {
    "workflow_id": "str",
    "run": "int64",
    "event_id": "int64",
    "time": "datetime64[ns, UTC]",
    "type": "str",
    "name": "str",
    "detail": "str",
    "attempt": "Int64",
    "bytes": "int64",
    "refers_to": "Int64",
    "other": "str",
    "identity": "str",
}
"""Columns of a frame with their dtypes; `frame` says what they mean."""

CLOSING = "^WorkflowExecution(Completed|Failed|TimedOut|Canceled|Terminated|ContinuedAsNew)$"

POSSIBLE = (
    "a WorkflowHandle, a WorkflowHistory, the path of a JSON file as `temporal workflow show --output json` "
    "writes it, or a list of these"
)


async def frame(source: Source | Iterable[Source]) -> pd.DataFrame:
    """Return one row per event of all runs of `source`: live workflows, recorded runs, or a list that mixes both.

    Workflows stand in the order given, the runs of each from the oldest to the newest.

    | column | dtype | meaning |
    |---|---|---|
    | workflow_id | str | |
    | run | int64 | 1 is the workflow's first run among those given or kept; continue-as-new begins the next |
    | event_id | int64 | starts at 1 in each run, without gaps: the length of the event history so far |
    | time | datetime64[ns, UTC] | the server's clock |
    | type | str | as the Web UI writes it, such as `WorkflowExecutionSignaled` |
    | name | str | of the signal, update, activity, workflow type or marker, on each event about it; NaN: none |
    | detail | str | arguments, result, failure, reason, duration, other workflow or run; 200 characters; NaN: none |
    | attempt | Int64 | of `ActivityTaskStarted`, 1 is the first; <NA> elsewhere |
    | bytes | int64 | of the event as it travels (protobuf) |
    | refers_to | Int64 | the event_id, in the same run, that this event answers or was decided by; <NA>: none |
    | other | str | id of the workflow that sent, receives, is the child or the parent; NaN: none, or a client |
    | identity | str | the client or worker that caused the event; NaN where the server did, or none was recorded |

    Raise TypeError or ValueError for what is no history, and the SDK's RPCError for a workflow that does not exist.
    """
    runs: list[Run] = []
    for one in _each(source):
        runs += await follow(one, read) if isinstance(one, WorkflowHandle) else [_recorded_run(one)]
    return _frame(runs)


def frame_of(source: Recorded | Iterable[Recorded]) -> pd.DataFrame:
    """Return `frame` of recorded runs, without awaiting: a WorkflowHistory, a path, or a list of these."""
    return _frame([_recorded_run(one) for one in _each(source)])


async def fetch(handle: WorkflowHandle[Any, Any]) -> list[WorkflowHistory]:
    """Return the histories of all runs that `handle`'s run continues and is continued by, the oldest first.

    Runs that the server no longer keeps (after the namespace's retention) are missing at the front.
    """
    return await follow(handle, lambda run: run.fetch_history())


def load(path: str | os.PathLike[str]) -> WorkflowHistory:
    """Return the run recorded in a JSON file of `temporal workflow show --output json` or `WorkflowHistory.to_json`.

    The workflow's id is the one that the first event names, or else the file's name without its ending.
    """
    path = Path(path)
    try:
        recorded = json.loads(path.read_text(encoding="utf-8"))
        history = WorkflowHistory.from_json(path.stem, {"events": recorded["events"]})
        first = history.events[0]
    except (ValueError, TypeError, LookupError, AttributeError, ParseError) as error:
        raise ValueError(f"Cannot read {path} as an event history ({error}); possible is {POSSIBLE}") from error
    named = first.workflow_execution_started_event_attributes.workflow_id
    return WorkflowHistory(named, history.events) if named else history


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per run of a `frame`, indexed by (workflow_id, run).

    Columns: events, bytes, signals, updates (accepted), activities (scheduled), workflow_tasks (completed): int64;
    started, ended: datetime64[ns, UTC], ended is NaT while running; seconds: float64, from the first event to the
    last; status: str, "Running", "ContinuedAsNew", "Completed", "Terminated", "Failed", "Canceled" or "TimedOut".
    """
    counted = frame.assign(
        signals=frame.type == "WorkflowExecutionSignaled",
        updates=frame.type == "WorkflowExecutionUpdateAccepted",
        activities=frame.type == "ActivityTaskScheduled",
        workflow_tasks=frame.type == "WorkflowTaskCompleted",
    )
    table = counted.groupby(["workflow_id", "run"], sort=False).agg(
        events=("event_id", "size"),
        bytes=("bytes", "sum"),
        signals=("signals", "sum"),
        updates=("updates", "sum"),
        activities=("activities", "sum"),
        workflow_tasks=("workflow_tasks", "sum"),
        started=("time", "min"),
        ended=("time", "max"),
        status=("type", "last"),
    )
    table.insert(len(table.columns) - 1, "seconds", (table.ended - table.started).dt.total_seconds())
    table["status"] = table.status.str.extract(CLOSING, expand=False).fillna("Running")
    table["ended"] = table.ended.where(table.status != "Running")
    return table


# ---- from events to columns -----------------------------------------------------------------------------------


def _each(source: Any) -> Sequence[Any]:
    one = isinstance(source, (WorkflowHandle, WorkflowHistory, str, os.PathLike)) or not isinstance(source, Iterable)
    return [source] if one else list(source)


def _recorded(source: Any) -> WorkflowHistory:
    if isinstance(source, WorkflowHistory):
        return source
    if isinstance(source, (str, os.PathLike)):
        return load(source)
    hint = "; a live one is awaited: await frame(handle)" if isinstance(source, WorkflowHandle) else ""
    raise TypeError(f"Cannot make a frame of a {type(source).__name__}; possible is {POSSIBLE}{hint}")


def _recorded_run(source: Any) -> Run:
    recorded = _recorded(source)
    return Run(recorded.workflow_id, recorded.events)


def _frame(read_runs: Sequence[Run]) -> pd.DataFrame:
    import pandas as pd

    runs: dict[str, list[Run]] = {}
    for run in read_runs:
        if run.events:
            runs.setdefault(run.workflow_id, []).append(run)
    rows: list[tuple[Any, ...]] = []
    names: list[str | None] = []
    ids: list[str] = []
    numbers: list[int] = []
    for workflow_id, of_one in runs.items():
        of_one.sort(key=lambda run: run.events[0].event_time.ToNanoseconds())
        for number, run in enumerate(of_one, start=1):
            rows += run.rows
            names += named(run.rows)
            ids += [workflow_id] * len(run.rows)
            numbers += [number] * len(run.rows)
    columns: list[Any] = [ids, numbers, *(zip(*rows, strict=True) if rows else [()] * (len(COLUMNS) - 2))]
    columns[list(COLUMNS).index("name")] = names
    typed = zip(COLUMNS.items(), columns, strict=True)
    return pd.DataFrame({column: pd.Series(list(values), dtype=dtype) for (column, dtype), values in typed})
