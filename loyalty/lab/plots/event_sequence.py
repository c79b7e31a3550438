"""Draw every event of a short event history in order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from loyalty.lab.plots.shared.drawing import GREY, PALE, PALETTE, axes_or_new, by_run, finish, legend, note, together

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_EVENTS = 60
"""The labels of more events would overlap."""

ROWS = (  # prefix of the event type, name of the row, colour
    ("WorkflowExecutionSignaled", "Signal", "orange"),
    ("WorkflowExecutionUpdate", "Update", "purple"),
    ("WorkflowExecution", "Workflow", "black"),
    ("WorkflowTask", "Workflow Task", "blue"),
    ("ActivityTask", "Activity", "green"),
    ("Timer", "Timer", "sky"),
    ("", "Others", "vermillion"),
)
PHASES = (  # suffixes of the event type, text of the legend, marker, filled or not
    (("Failed", "TimedOut", "Terminated", "Rejected"), "failed or timed out", "X", True),
    (("CancelRequested", "Canceled"), "canceled", "s", False),
    (
        ("TaskScheduled", "Initiated", "OperationScheduled", "Accepted", "TimerStarted"),
        "scheduled or accepted",
        "o",
        False,
    ),
    (("TaskStarted", "OperationStarted", "ChildWorkflowExecutionStarted"), "started", ">", False),
    (("",), "completed or received", "o", True),
)


def event_sequence(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the events of one run in order, with one row per kind of event.

    A line joins events that belong to the same task.
    `frame`: all or some rows of a DataFrame from `history.frame`.
    Raise ValueError if there are no events, more than MOST_EVENTS events or several runs.
    """
    if not 0 < len(frame) <= MOST_EVENTS or len(by_run(frame)) > 1:
        raise ValueError(
            f"Cannot label {len(frame):,} events of {len(by_run(frame))} runs in one picture; expected 1 to "
            f"{MOST_EVENTS} events of one run, such as frame[frame.run == 1].head({MOST_EVENTS})"
        )
    ax = axes_or_new(ax)
    kinds = {event: _kind(type_) for event, type_ in zip(frame.event_id, frame.type, strict=True)}
    rows = [row for _, row, _ in ROWS if row in {kind.row for kind in kinds.values()}]
    labels: list[tuple[int, str, int]] = []
    size = 9 if len(frame) <= MOST_EVENTS / 2 else 6.5
    for event, name, refers_to in zip(frame.event_id, frame.name, frame.refers_to.fillna(0), strict=True):
        kind, y = kinds[event], rows.index(kinds[event].row)
        if refers_to in kinds and kinds[refers_to].row == kind.row:
            ax.plot([refers_to, event], [y, y], color=kind.color, lw=2, zorder=1)
        elif kind.label or isinstance(name, str):
            labels.append((y, kind.label or name, event))
        face = kind.color if kind.filled else "white"
        ax.plot(event, y, kind.marker, ms=size, mfc=face, mec=kind.color, mew=1.6, zorder=2)
    for y, label, event, times in together(labels, room=len(kinds) / 15):
        text = label if times == 1 else f"{times} x {label}"
        note(ax, text, (event, y), (0, 7), rotation=30, va="bottom", fontsize=8)
    for _, phase, marker, filled in PHASES:
        if phase in {kind.phase for kind in kinds.values()}:
            ax.plot([], [], marker, ms=8, color=GREY, mfc=GREY if filled else "white", label=phase)
    first, last = min(kinds), max(kinds)
    ax.set_xlim(first - 1, last + max(2, 0.08 * len(kinds)))
    ax.set_xticks(
        [event for event in range(first, last + 1) if event in (first, last) or event % 5 == 0 < last - event - 1]
    )
    ax.set_yticks(range(len(rows)), rows)
    ax.set_ylim(len(rows) - 0.5, -0.9)
    ax.grid(axis="y", color=PALE)
    legend(ax)
    title = f"{len(kinds)} events of an event history, in order"
    of_rows = [f"{sum(kind.row == row for kind in kinds.values())} x {row}" for row in rows]
    named = [f"{label} at {event}" for event, label in sorted((event, label) for _, label, event in labels)]
    description = (
        f"Events {first} to {last}: {', '.join(of_rows)}. In order: {', '.join(named) or 'no event has a name'}"
    )
    return finish(ax, title, "event number in this run", "kind of event", description=description)


class _Kind(NamedTuple):
    row: str
    color: str
    label: str
    phase: str
    marker: str
    filled: bool


def _kind(type_: str) -> _Kind:
    prefix, row, color = next(entry for entry in ROWS if type_.startswith(entry[0]))
    _, phase, marker, filled = next(entry for entry in PHASES if type_.endswith(entry[0]))
    in_words = (
        re.sub("(?<!^)(?=[A-Z])", " ", type_.removeprefix(prefix)).lower() if row in ("Workflow", "Others") else ""
    )
    return _Kind(row, PALETTE[color], in_words, phase, marker, filled)
