"""Event histories as DataFrames, following a customer across continue-as-new. Recorded ones need no server."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from google.protobuf.json_format import ParseError
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.enums.v1 import EventType, TimeoutType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHandle, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode

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
    "identity": "str",
}
"""Columns of a frame with their dtypes; `frame` says what they mean."""

DETAIL_LENGTH = 200
"""Characters; an argument may be 2 MiB long."""

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
    | identity | str | the client or worker that caused the event; NaN where the server did, or none was recorded |

    Raise TypeError or ValueError for what is no history, and the SDK's RPCError for a workflow that does not exist.
    """
    histories: list[WorkflowHistory] = []
    for one in _each(source):
        histories += await fetch(one) if isinstance(one, WorkflowHandle) else [_recorded(one)]
    return _frame(histories)


def frame_of(source: Recorded | Iterable[Recorded]) -> pd.DataFrame:
    """Return `frame` of recorded runs, without awaiting: a WorkflowHistory, a path, or a list of these."""
    return _frame([_recorded(one) for one in _each(source)])


async def fetch(handle: WorkflowHandle[Any, Any]) -> list[WorkflowHistory]:
    """Return the histories of all runs that `handle`'s run continues and is continued by, the oldest first.

    Runs that the server no longer keeps (after the namespace's retention) are missing at the front.
    """
    client = handle._client  # the SDK has no public way from a handle to another run of the same workflow

    async def fetch_run(run_id: str) -> WorkflowHistory:
        return await client.get_workflow_handle(handle.id, run_id=run_id).fetch_history()

    runs = [await handle.fetch_history()]
    while earlier := runs[0].events[0].workflow_execution_started_event_attributes.continued_execution_run_id:
        try:
            runs.insert(0, await fetch_run(earlier))
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            break
    while later := _next_run_id(runs[-1]):
        runs.append(await fetch_run(later))
    return runs


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


def _next_run_id(history: WorkflowHistory) -> str:
    last = history.events[-1]
    return getattr(getattr(last, last.WhichOneof("attributes") or ""), "new_execution_run_id", "")


def _frame(histories: Sequence[WorkflowHistory]) -> pd.DataFrame:
    import pandas as pd

    runs: dict[str, list[WorkflowHistory]] = {}
    for history in histories:
        if history.events:
            runs.setdefault(history.workflow_id, []).append(history)
    rows: list[tuple[Any, ...]] = []
    for workflow_id, of_one in runs.items():
        of_one.sort(key=lambda history: history.events[0].event_time.ToNanoseconds())
        for run, history in enumerate(of_one, start=1):
            rows += _rows(workflow_id, run, history.events)
    columns = zip(*rows, strict=True) if rows else ([] for _ in COLUMNS)
    typed = zip(COLUMNS.items(), columns, strict=True)
    return pd.DataFrame({column: pd.Series(list(values), dtype=dtype) for (column, dtype), values in typed})


def _rows(workflow_id: str, run: int, events: Iterable[HistoryEvent]) -> Iterable[tuple[Any, ...]]:
    names: dict[int, str | None] = {}
    for event in events:
        kind = _kind(event.event_type, event.WhichOneof("attributes"))
        attributes = kind.attributes(event)
        refers_to = kind.refers_to(attributes) or None
        name = (kind.name(attributes) if kind.name else names.get(refers_to or 0)) or None
        names[event.event_id] = name
        yield (
            workflow_id,
            run,
            event.event_id,
            event.event_time.seconds * 1_000_000_000 + event.event_time.nanos,
            kind.type,
            name,
            _joined(text(attributes) for text in kind.detail) if kind.detail else None,
            kind.attempt(attributes),
            event.ByteSize(),
            refers_to,
            kind.identity(attributes) or None,
        )


class _Kind(NamedTuple):
    """How to read the events of one type; every function but the first takes the event's attributes."""

    type: str
    attributes: Callable[[Any], Any]
    name: Callable[[Any], str] | None
    refers_to: Callable[[Any], int | None]
    identity: Callable[[Any], str | None]
    attempt: Callable[[Any], int | None]
    detail: tuple[Callable[[Any], str], ...]


_NAMES = {  # a field that an event of the type has: where its name is
    "signal_name": "signal_name",
    "activity_type": "activity_type.name",
    "accepted_request": "accepted_request.input.name",
    "request": "request.input.name",
    "workflow_type": "workflow_type.name",
    "marker_name": "marker_name",
    "operation": "operation",
}

_REFERENCES = (  # the first of these fields that an event of the type has
    "scheduled_event_id",
    "accepted_event_id",
    "initiated_event_id",
    "started_event_id",
    "workflow_task_completed_event_id",
)


def _camel_case(enum: Any, number: int, prefix: str) -> str:
    name: str = enum.Name(number) if number in enum.values() else f"UNKNOWN_{number}"  # a newer server's
    return name.removeprefix(prefix).title().replace("_", "")


def _joined(texts: Iterable[str]) -> str | None:
    return ": ".join(dict.fromkeys(filter(None, texts)))[:DETAIL_LENGTH] or None


def _said(said: Payloads | Payload) -> str:
    return ", ".join(filter(None, map(_in_words, said.payloads if isinstance(said, Payloads) else [said])))


def _in_words(payload: Payload) -> str:
    encoding = payload.metadata.get("encoding", b"")
    if encoding == b"json/plain":
        return payload.data[: 4 * DETAIL_LENGTH].decode(errors="replace")
    return f"<{len(payload.data):,} bytes, {encoding.decode()}>" if payload.data else ""


def _duration(timer: Any) -> str:
    return f"{timer.start_to_fire_timeout.ToTimedelta().total_seconds():g} s"


_DETAILS: dict[str, Callable[[Any], str]] = {  # a field that an event of the type has: what it says; all are joined
    "continued_execution_run_id": attrgetter("continued_execution_run_id"),
    "new_execution_run_id": attrgetter("new_execution_run_id"),
    "workflow_execution": attrgetter("workflow_execution.workflow_id"),
    "workflow_id": attrgetter("workflow_id"),
    "reason": attrgetter("reason"),
    "timeout_type": lambda event: _camel_case(TimeoutType, event.timeout_type, "TIMEOUT_TYPE_"),
    "failure": attrgetter("failure.message"),
    "last_failure": attrgetter("last_failure.message"),
    "outcome": lambda event: event.outcome.failure.message or _said(event.outcome.success),
    "start_to_fire_timeout": _duration,
    "input": lambda event: _said(event.input),
    "accepted_request": lambda event: _said(event.accepted_request.input.args),
    "result": lambda event: _said(event.result),
}


@cache
def _kind(number: int, oneof: str | None) -> _Kind:
    message = HistoryEvent.DESCRIPTOR.fields_by_name[oneof].message_type if oneof else None
    fields = set(message.fields_by_name) if message else set()
    type_ = _camel_case(EventType, number, "EVENT_TYPE_")
    if type_ == "WorkflowExecutionStarted":
        fields.discard("workflow_id")  # its own
    detail = [read for field, read in _DETAILS.items() if field in fields]
    if type_ == "WorkflowTaskFailed":
        detail.insert(0, lambda task: _camel_case(WorkflowTaskFailedCause, task.cause, "WORKFLOW_TASK_FAILED_CAUSE_"))
    return _Kind(
        type=type_,
        attributes=attrgetter(oneof) if oneof else _nothing,
        name=next((attrgetter(path) for field, path in _NAMES.items() if field in fields), None),
        refers_to=next((attrgetter(field) for field in _REFERENCES if field in fields), _nothing),
        identity=attrgetter("identity") if "identity" in fields else _nothing,
        attempt=attrgetter("attempt") if type_ == "ActivityTaskStarted" else _nothing,
        detail=tuple(detail),
    )


def _nothing(_: Any) -> None:
    return None
