"""Find the sender and the receiver of each message in a DataFrame from `loyalty.lab.history`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from loyalty.lab.plots.shared.labels import short
from loyalty.messages import START_GUEST, workflow_id

if TYPE_CHECKING:
    import pandas as pd

CLIENTS = "clients"
"""The sender of messages from notebooks, scripts and the command line."""

CLOSED = ("Completed", "Failed", "TimedOut", "Canceled", "Terminated")
"""The last status of a workflow, as in `history.summary`."""

STARTS = {"start": "started", "startGuest": "invited", "startChild": "child"}
"""The name of a start message: how the new workflow was created."""

_CONTINUED = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(: |$)")
"""The id of the previous run begins the detail of the first event after continue-as-new."""

_GUEST = re.compile(r'"customer_id":\s*("(?:[^"\\]|\\.)*")')
_ENDED = ("Completed", "Failed", "TimedOut", "Canceled")
_SENT = {  # the sender's event: the receiver's event, the sender's next event after success, after failure
    "SignalExternalWorkflowExecutionInitiated": (
        "WorkflowExecutionSignaled",
        "ExternalWorkflowExecutionSignaled",
        "SignalExternalWorkflowExecutionFailed",
    ),
    "RequestCancelExternalWorkflowExecutionInitiated": (
        "WorkflowExecutionCancelRequested",
        "ExternalWorkflowExecutionCancelRequested",
        "RequestCancelExternalWorkflowExecutionFailed",
    ),
    "StartChildWorkflowExecutionInitiated": (
        "WorkflowExecutionStarted",
        "ChildWorkflowExecutionStarted",
        "StartChildWorkflowExecutionFailed",
    ),
}
_RECEIVED = {  # the receiver's event: the kind of the message, its name if the event has no name
    "WorkflowExecutionSignaled": ("tell", ""),
    "WorkflowExecutionCancelRequested": ("tell", "cancel"),
    "WorkflowExecutionUpdateAccepted": ("ask", ""),
    "WorkflowExecutionUpdateCompleted": ("answer", ""),
    "WorkflowExecutionStarted": ("start", "start"),
}


class Message(NamedTuple):
    """One row of `messages_in`."""

    kind: str
    sender: str
    receiver: str
    name: str
    text: str
    sent: pd.Timestamp
    received: pd.Timestamp


def messages_in(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per message in the histories of `frame`, sorted by the sending time.

    | column | dtype | meaning |
    |---|---|---|
    | kind | str | `tell` (signal, cancellation request), `ask` (update), `answer`, `start`, or `lost` (not delivered) |
    | sender, receiver | str | workflow ids, or CLIENTS |
    | name | str | the name of the signal or update; for a start, `start`, `startGuest` or `startChild` |
    | text | str | the arguments or the answer, shortened by `labels.short`; "" without arguments |
    | sent, received | datetime64[ns, UTC] | from the server's clock; both are equal if one side has no history |

    Queries, refused updates and messages in transit are missing, because a history has no events for them.
    If the inviter's history is not in `frame`, the start of a guest has the sender CLIENTS.
    If the guest's history is not in `frame`, each successful invitation counts as a start.
    """
    import pandas as pd

    rows = sorted(_Reading(frame).messages(), key=lambda message: (message.sent, message.received))
    times = ("sent", "received")
    dtypes = {field: "datetime64[ns, UTC]" if field in times else "str" for field in Message._fields}
    return pd.DataFrame(rows, columns=list(dtypes)).astype(dtypes)


class _Reading:
    """Match sending events with receiving events; `_taken` contains the matched receiving events."""

    def __init__(self, frame: pd.DataFrame) -> None:
        interesting = frame.type.isin({*_RECEIVED, *_SENT, *(type_ for types in _SENT.values() for type_ in types)})
        interesting |= frame.name == START_GUEST
        self._events: list[Any] = list(
            frame[interesting].sort_values("time", kind="stable").reset_index(drop=True).itertuples()
        )
        self._present = set(frame.workflow_id)
        self._now = frame.time.max()
        self._taken: set[Any] = set()
        self._later: dict[tuple[str, int, Any], list[Any]] = {}
        self._received: dict[tuple[str, str], list[Any]] = {}
        for event in self._events:
            self._later.setdefault((event.workflow_id, event.run, event.refers_to), []).append(event)
            self._received.setdefault((event.workflow_id, event.type), []).append(event)

    def messages(self) -> Iterator[Message]:
        for event in self._events:
            if event.type in _SENT:
                yield from self._between_workflows(event)
            elif event.name == START_GUEST and event.type == "ActivityTaskScheduled":
                yield from self._invitation(event)
        for event in self._events:
            if event.type in _RECEIVED and event.Index not in self._taken:
                yield from self._from_outside(event)

    def _between_workflows(self, sent: Any) -> Iterator[Message]:
        type_there, confirmed, failed = _SENT[sent.type]
        kind, name = ("start", "startChild") if "Child" in sent.type else ("tell", _words(sent.name) or "cancel")
        arguments = _words(sent.detail).removeprefix(sent.other).removeprefix(": ")
        text = "" if kind == "start" else short(arguments)
        for there in self._free(sent.other, type_there, sent.time):
            same_name = kind == "start" or _words(there.name) == _words(sent.name)
            if there.other == sent.workflow_id and same_name and _words(there.detail).startswith(arguments[:100]):
                self._taken.add(there.Index)
                yield Message(kind, sent.workflow_id, sent.other, name, text, sent.time, there.time)
                return
        for outcome in self._later.get((sent.workflow_id, sent.run, sent.event_id), []):
            if outcome.type in (confirmed, failed):
                kind = "lost" if outcome.type == failed else kind
                yield Message(kind, sent.workflow_id, sent.other, name, text, sent.time, outcome.time)

    def _invitation(self, scheduled: Any) -> Iterator[Message]:
        host, named = scheduled.workflow_id, _GUEST.search(_words(scheduled.detail))
        if named is None:
            return
        guest = workflow_id(json.loads(named[1]))
        outcomes = [
            event
            for event in self._later.get((host, scheduled.run, scheduled.event_id), [])
            if event.type.removeprefix("ActivityTask") in _ENDED
        ]
        until = outcomes[0].time if outcomes else self._now
        for type_, name in (("WorkflowExecutionStarted", START_GUEST), ("WorkflowExecutionSignaled", "")):
            for there in self._free(guest, type_, scheduled.time):
                is_it = name or there.name == "ensureMinimumStatus"
                if is_it and there.time <= until and not _words(there.other) and not _continues(there):
                    self._taken.add(there.Index)
                    kind, text = ("start", "") if name else ("tell", short(there.detail))
                    yield Message(kind, host, guest, name or there.name, text, scheduled.time, there.time)
                    break
        for outcome in outcomes:
            if outcome.detail != "true" or outcome.type != "ActivityTaskCompleted":
                yield Message("lost", host, guest, START_GUEST, "", scheduled.time, outcome.time)
            elif guest not in self._present:
                yield Message("start", host, guest, START_GUEST, "", scheduled.time, outcome.time)

    def _from_outside(self, event: Any) -> Iterator[Message]:
        kind, name = _RECEIVED[event.type]
        name = name or _words(event.name)
        other = _words(event.other) or CLIENTS
        if kind == "answer":
            text = short(event.detail)
            yield Message(kind, event.workflow_id, other, name, text, event.time, event.time)
        elif not _continues(event):
            name = "startChild" if kind == "start" and other != CLIENTS else name
            text = "" if kind == "start" else short(event.detail)
            yield Message(kind, other, event.workflow_id, name, text, event.time, event.time)

    def _free(self, receiver: str, type_: str, since: Any) -> Iterable[Any]:
        events = self._received.get((receiver, type_), [])
        return (event for event in events if event.Index not in self._taken and event.time >= since)


def _continues(event: Any) -> bool:
    return event.type == "WorkflowExecutionStarted" and _CONTINUED.match(_words(event.detail)) is not None


def _words(value: Any) -> str:
    """Return `value` if it is a string; otherwise ""."""
    return value if isinstance(value, str) else ""
