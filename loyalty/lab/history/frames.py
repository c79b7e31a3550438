"""Read event histories into DataFrames; a DataFrame contains all runs of a workflow."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, get_type_hints

from google.protobuf.json_format import ParseError
from temporalio.client import WorkflowHandle, WorkflowHistory

from loyalty.lab.history.event_rows import Nanoseconds, Row, names_of
from loyalty.lab.history.runs import Run, follow, read

if TYPE_CHECKING:
    import pandas as pd

Recorded: TypeAlias = WorkflowHistory | str | os.PathLike[str]
"""One recorded run: a WorkflowHistory, or the path of its JSON file."""

Source: TypeAlias = Recorded | WorkflowHandle[Any, Any]

_DTYPES = {
    int: "int64",
    int | None: "Int64",
    str: "str",
    str | None: "str",
    Nanoseconds: "datetime64[ns, UTC]",
}

COLUMNS: dict[str, Any] = {
    "workflow_id": "str",
    "run": "int64",
    **{column: _DTYPES[hint] for column, hint in get_type_hints(Row, include_extras=True).items()},
}
"""The dtype of each column of `frame`."""

CLOSING = "^WorkflowExecution(Completed|Failed|TimedOut|Canceled|Terminated|ContinuedAsNew)$"

POSSIBLE = (
    "a WorkflowHandle, a WorkflowHistory, the path of a JSON file from `temporal workflow show --output json`, "
    "or a list of these"
)


async def frame(source: Source | Iterable[Source]) -> pd.DataFrame:
    """Return a DataFrame with one row per event of `source`.

    `source`: a live workflow, a recorded run, or a list of live workflows and recorded runs.
    For a live workflow, the DataFrame contains all runs. The workflows have the same order as in `source`.
    The runs of each workflow are sorted from the oldest to the newest.

    | column | dtype | meaning |
    |---|---|---|
    | workflow_id | str | the id of the workflow |
    | run | int64 | the number of the run, from 1; the first is the oldest run in `source` or on the server |
    | event_id | int64 | the number of the event in its run, from 1 and without gaps |
    | time | datetime64[ns, UTC] | the time of the event, from the server's clock |
    | type | str | the event type as in the Web UI, such as `WorkflowExecutionSignaled` |
    | name | str | the name of the signal, update, activity, workflow type or marker; NaN: no name |
    | detail | str | arguments, result, failure, reason, duration or id; at most 200 characters; NaN: no detail |
    | attempt | Int64 | the number of the attempt, from 1, in `ActivityTaskStarted`; <NA> in all other types |
    | bytes | int64 | the size of the event in protobuf |
    | refers_to | Int64 | the event_id of the earlier event in this run that caused this event; <NA>: no such event |
    | other | str | the id of the workflow at the other end: sender, receiver, child or parent; NaN: no such workflow |
    | identity | str | the client or worker that caused the event; NaN: the server, or unknown |

    Raise TypeError or ValueError for a source that is not a history.
    Raise the SDK's RPCError for an unknown workflow.
    """
    runs: list[Run] = []
    for one in _each(source):
        runs += await follow(one, read) if isinstance(one, WorkflowHandle) else [_recorded_run(one)]
    return _frame(runs)


def frame_of(source: Recorded | Iterable[Recorded]) -> pd.DataFrame:
    """Return the same DataFrame as the function `frame`, but only for recorded runs. No `await` is needed.

    `source`: a WorkflowHistory, the path of a JSON file, or a list of histories and paths.
    """
    return _frame([_recorded_run(one) for one in _each(source)])


async def fetch(handle: WorkflowHandle[Any, Any]) -> list[WorkflowHistory]:
    """Return one history per run of a workflow, oldest first.

    `handle` can point to any run of the workflow.
    The server deletes runs after the namespace's retention period, so the oldest runs may be missing.
    """
    return await follow(handle, lambda run: run.fetch_history())


def load(path: str | os.PathLike[str]) -> WorkflowHistory:
    """Return one run from a JSON file.

    The file comes from `temporal workflow show --output json` or from `WorkflowHistory.to_json`.
    The workflow id comes from the first event. If the first event has no workflow id, the id is the file
    name without the extension.
    """
    path = Path(path)
    try:
        recorded = json.loads(path.read_text(encoding="utf-8"))
        history = WorkflowHistory.from_json(path.stem, {"events": recorded["events"]})
        first = history.events[0]
    except (ValueError, TypeError, LookupError, AttributeError, ParseError) as error:
        raise ValueError(f"Cannot read {path} as an event history ({error}); expected {POSSIBLE}") from error
    workflow_id = first.workflow_execution_started_event_attributes.workflow_id
    return WorkflowHistory(workflow_id, history.events) if workflow_id else history


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per run in `frame`. The index is (workflow_id, run).

    `events`, `bytes`: int64.
    `signals`, `updates` (accepted), `activities` (scheduled), `workflow_tasks` (completed): int64.
    `started`, `ended`: datetime64[ns, UTC]. `ended` is NaT while the run is running.
    `seconds`: float64, the time between the first and the last event of the run.
    `status`: str, "Running", "ContinuedAsNew", "Completed", "Terminated", "Failed", "Canceled" or "TimedOut".
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
    hint = "; for a WorkflowHandle, use: await frame(handle)" if isinstance(source, WorkflowHandle) else ""
    raise TypeError(f"Cannot make a frame from a {type(source).__name__}; expected {POSSIBLE}{hint}")


def _recorded_run(source: Any) -> Run:
    recorded = _recorded(source)
    return Run(recorded.workflow_id, recorded.events)


def _frame(read_runs: Sequence[Run]) -> pd.DataFrame:
    import pandas as pd

    runs: dict[str, list[Run]] = {}
    for run in read_runs:
        if run.events:
            runs.setdefault(run.workflow_id, []).append(run)
    rows: list[Row] = []
    names: list[str | None] = []
    ids: list[str] = []
    numbers: list[int] = []
    for workflow_id, of_one in runs.items():
        of_one.sort(key=lambda run: run.events[0].event_time.ToNanoseconds())
        for number, run in enumerate(of_one, start=1):
            rows += run.rows
            names += names_of(run.rows)
            ids += [workflow_id] * len(run.rows)
            numbers += [number] * len(run.rows)
    of_events = zip(*rows, strict=True) if rows else [()] * len(Row._fields)
    columns: dict[str, Sequence[Any]] = dict(zip(Row._fields, of_events, strict=True))
    columns |= {"workflow_id": ids, "run": numbers, "name": names}
    return pd.DataFrame({column: pd.Series(list(columns[column]), dtype=dtype) for column, dtype in COLUMNS.items()})
