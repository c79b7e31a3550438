"""Read the fields of one event from its protobuf message.

Each event type has a separate reader. The readers are ten times faster than a conversion of all events to JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, NamedTuple, TypeAlias

from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.enums.v1 import EventType, TimeoutType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent

DETAIL_LENGTH = 200
"""Characters; Temporal allows arguments of 2 MiB."""


Nanoseconds: TypeAlias = Annotated[int, "since 1970-01-01 UTC"]


class Row(NamedTuple):
    """The row of one event, with all columns of `loyalty.lab.history.frame` except `workflow_id` and `run`."""

    event_id: int
    time: Nanoseconds
    type: str
    name: str | None
    detail: str | None
    attempt: int | None
    bytes: int
    refers_to: int | None
    other: str | None
    identity: str | None


def rows_of(events: Iterable[HistoryEvent]) -> Iterator[Row]:
    """Yield one row per event. `name` is None if the event itself has no name."""
    for event in events:
        kind = _kind(event.event_type, event.WhichOneof("attributes"))
        attributes = kind.attributes(event)
        fields = (
            event.event_id,
            event.event_time.seconds * 1_000_000_000 + event.event_time.nanos,
            kind.type,
            kind.name(attributes) or None,
            _joined([text(attributes) for text in kind.detail]) if kind.detail else None,
            kind.attempt(attributes),
            event.ByteSize(),
            kind.refers_to(attributes) or None,
            kind.other(attributes) or None,
            kind.identity(attributes) or None,
        )
        yield tuple.__new__(Row, fields)  # faster than Row(...)


def names_of(rows: Iterable[Row]) -> list[str | None]:
    """Return one name per row; `rows` are all rows of one run, oldest first.

    An event without a name gets the name of the event that it refers to (`refers_to`).
    """
    names: dict[int, str | None] = {}
    for row in rows:
        names[row.event_id] = row.name or (names.get(row.refers_to) if row.refers_to else None)
    return list(names.values())


class _Kind(NamedTuple):
    """The functions for one event type. Each function reads one field of an event."""

    type: str
    attributes: Callable[[Any], Any]
    name: Callable[[Any], str | None]
    refers_to: Callable[[Any], int | None]
    other: Callable[[Any], str | None]
    identity: Callable[[Any], str | None]
    attempt: Callable[[Any], int | None]
    detail: tuple[Callable[[Any], str], ...]


_NAMES = {  # a field of the event type: the path of the name
    "signal_name": "signal_name",
    "activity_type": "activity_type.name",
    "accepted_request": "accepted_request.input.name",
    "request": "request.input.name",
    "workflow_type": "workflow_type.name",
    "marker_name": "marker_name",
    "operation": "operation",
}

_REFERENCES = (  # the first of these fields in the event type is used
    "scheduled_event_id",
    "accepted_event_id",
    "initiated_event_id",
    "started_event_id",
    "workflow_task_completed_event_id",
)

_OTHERS = {  # a field of the event type: the path of the other workflow's id
    "external_workflow_execution": "external_workflow_execution.workflow_id",
    "parent_workflow_execution": "parent_workflow_execution.workflow_id",
    "workflow_execution": "workflow_execution.workflow_id",
    "workflow_id": "workflow_id",
}


def _camel_case(enum: Any, number: int, prefix: str) -> str:
    name: str = (
        enum.Name(number) if number in enum.values() else f"UNKNOWN_{number}"
    )  # a newer server may have more types
    return name.removeprefix(prefix).title().replace("_", "")


def _joined(texts: Iterable[str]) -> str | None:
    return ": ".join(dict.fromkeys(filter(None, texts)))[:DETAIL_LENGTH] or None


def _text_of(data: Payloads | Payload) -> str:
    return ", ".join(filter(None, map(_payload_text, data.payloads if isinstance(data, Payloads) else [data])))


def _payload_text(payload: Payload) -> str:
    encoding = payload.metadata.get("encoding", b"")
    if encoding == b"json/plain":
        return payload.data[: 4 * DETAIL_LENGTH].decode(errors="replace")
    return f"<{len(payload.data):,} bytes, {encoding.decode()}>" if payload.data else ""


def _duration(timer: Any) -> str:
    return f"{timer.start_to_fire_timeout.ToTimedelta().total_seconds():g} s"


_DETAILS: dict[str, Callable[[Any], str]] = {  # a field of the event type: its text; the texts are joined
    "continued_execution_run_id": attrgetter("continued_execution_run_id"),
    "new_execution_run_id": attrgetter("new_execution_run_id"),
    "workflow_execution": attrgetter("workflow_execution.workflow_id"),
    "workflow_id": attrgetter("workflow_id"),
    "reason": attrgetter("reason"),
    "timeout_type": lambda event: _camel_case(TimeoutType, event.timeout_type, "TIMEOUT_TYPE_"),
    "failure": attrgetter("failure.message"),
    "last_failure": attrgetter("last_failure.message"),
    "outcome": lambda event: event.outcome.failure.message or _text_of(event.outcome.success),
    "start_to_fire_timeout": _duration,
    "input": lambda event: _text_of(event.input),
    "accepted_request": lambda event: _text_of(event.accepted_request.input.args),
    "result": lambda event: _text_of(event.result),
}


@cache
def _kind(number: int, oneof: str | None) -> _Kind:
    message = HistoryEvent.DESCRIPTOR.fields_by_name[oneof].message_type if oneof else None
    fields = set(message.fields_by_name) if message else set()
    type_ = _camel_case(EventType, number, "EVENT_TYPE_")
    if type_ == "WorkflowExecutionStarted":
        fields.discard("workflow_id")  # the id of this workflow, not of another one
    detail = [read for field, read in _DETAILS.items() if field in fields]
    if type_ == "WorkflowTaskFailed":
        detail.insert(0, lambda task: _camel_case(WorkflowTaskFailedCause, task.cause, "WORKFLOW_TASK_FAILED_CAUSE_"))
    return _Kind(
        type=type_,
        attributes=attrgetter(oneof) if oneof else _nothing,
        name=next((attrgetter(path) for field, path in _NAMES.items() if field in fields), _nothing),
        refers_to=next((attrgetter(field) for field in _REFERENCES if field in fields), _nothing),
        other=next((attrgetter(path) for field, path in _OTHERS.items() if field in fields), _nothing),
        identity=attrgetter("identity") if "identity" in fields else _nothing,
        attempt=attrgetter("attempt") if type_ == "ActivityTaskStarted" else _nothing,
        detail=tuple(detail),
    )


def _nothing(_: Any) -> None:
    return None
