"""Pictures of event histories: a DataFrame of `loyalty.lab.history` in, matplotlib Axes out. Knows nothing of Temporal.

Every function draws on `ax`, or on a new figure of 8 x 4 inches, and returns the Axes. What a colour says, a label, a
marker or a line style says too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from loyalty.lab.drawing import (
    GREY,
    INK,
    PALE,
    PALETTE,
    axes_or_new,
    by_run,
    draw_levels,
    finish,
    legend,
    note,
    purchases_so_far,
    seconds_since_start,
    together,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

EVENT_LIMIT = 51_200
"""Events in one run; with more, the server terminates it (`limit.historyCount.error`)."""

EVENT_WARNING = 10_240
"""Events in one run from which on the server warns in its log (`limit.historyCount.warn`)."""

STRIP_EVENTS = 60
"""More events than this have no room for labels."""

FEW_RUNS = 12
ROOM_FOR_A_NAME = 0.08
"""Of the width of the picture."""

LINES = [(color, style) for style in ("-", "--", "-.") for color in ("blue", "vermillion", "green", "purple")]
DASHES = ((1, 1.5), (5, 2), (5, 1.5, 1, 1.5))

ROWS = (  # what an event's type begins with, the row it stands in, its colour
    ("WorkflowExecutionSignaled", "Signal", "orange"),
    ("WorkflowExecutionUpdate", "Update", "purple"),
    ("WorkflowExecution", "Workflow", "black"),
    ("WorkflowTask", "Workflow Task", "blue"),
    ("ActivityTask", "Activity", "green"),
    ("Timer", "Timer", "sky"),
    ("", "Others", "vermillion"),
)
PHASES = (  # what an event's type ends with, what the marker says, the marker, whether it is filled
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


def event_strip(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw each event of a short history in order, one row per kind; lines join the events of one task.

    `frame`: a DataFrame of `history.frame`, or part of one, of one run and at most STRIP_EVENTS events. Raise
    ValueError for more.
    """
    if not 0 < len(frame) <= STRIP_EVENTS or len(by_run(frame)) > 1:
        raise ValueError(
            f"Cannot label {len(frame):,} events of {len(by_run(frame))} runs in one strip; possible are 1 to "
            f"{STRIP_EVENTS} events of one run, such as frame[frame.run == 1].head({STRIP_EVENTS})"
        )
    ax = axes_or_new(ax)
    kinds = {event: _kind(type_) for event, type_ in zip(frame.event_id, frame.type, strict=True)}
    rows = [row for _, row, _ in ROWS if row in {kind.row for kind in kinds.values()}]
    labels: list[tuple[int, str, int]] = []
    size = 9 if len(frame) <= STRIP_EVENTS / 2 else 6.5
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
    return finish(ax, f"{len(kinds)} events of an event history, in order", "event number in this run", "kind of event")


def growth(
    frame: pd.DataFrame,
    ax: Axes | None = None,
    *,
    by: Literal["seconds", "purchases"] = "seconds",
    prediction: float | Mapping[str, float] | None = None,
    threshold: int | None = None,
    warning: int | None = EVENT_WARNING,
    limit: int | None = EVENT_LIMIT,
) -> Axes:
    """Draw how the event history grows toward the limit: one line per run, each from its own beginning.

    `by` is what lies along x: seconds, or the signals and updates received so far. `prediction`: events per second, or
    per purchase; several predictions are named by a mapping. `threshold` (events) is where runs continue as new.
    Levels that lie far above the data stand above a break in the axis.
    """
    ax = axes_or_new(ax)
    runs = by_run(frame)
    one_run_each = len(runs) == len({workflow_id for workflow_id, _ in runs})
    longest: float = 0
    for number, ((workflow_id, run), events) in enumerate(runs.items()):
        x = seconds_since_start(events) if by == "seconds" else purchases_so_far(events)
        longest = max(longest, x.max())
        color, style = LINES[number % len(LINES)] if len(runs) <= len(LINES) else LINES[0]
        label = workflow_id if one_run_each else f"{workflow_id}, run {run}"
        if len(runs) > len(LINES):
            label = f"{len(runs)} runs" if number == 0 else "_"
        ax.plot(x, events.event_id, color=PALETTE[color], ls=style, lw=2, label=label)
    ax.set_xlim(0, longest * 1.02 or 1)
    top = draw_levels(ax, frame.event_id.max(), {"threshold": threshold, "server warns": warning, "limit": limit})
    predictions = prediction if isinstance(prediction, Mapping) else {"predicted": prediction} if prediction else {}
    for number, (name, rate) in enumerate(predictions.items()):
        end = min(longest, top / rate) if rate > 0 else longest
        label = f"{name}: {rate:,g} events per {by.removesuffix('s')}"
        ax.plot([0, end], [0, rate * end], color=INK, ls=(0, DASHES[number % len(DASHES)]), lw=1.6, label=label)
    legend(ax)
    xlabel = "seconds since the run began" if by == "seconds" else "purchases so far (signals and updates)"
    return finish(ax, "How fast the event history grows", xlabel, "events in this run")


def sawtooth(
    frame: pd.DataFrame,
    ax: Axes | None = None,
    *,
    threshold: int | None = None,
    limit: int | None = EVENT_LIMIT,
) -> Axes:
    """Draw one customer's life: the events in the current run, falling to zero whenever it continues as new.

    `frame`: all runs of one workflow; raise ValueError for several. The dotted line counts all events, as if there were
    no continue-as-new. `threshold`, `limit`: events; a limit far above the data stands above a break in the axis.
    """
    frame = frame.reset_index(drop=True)
    runs = by_run(frame)
    customers = sorted({workflow_id for workflow_id, _ in runs})
    if len(customers) != 1:
        named = ", ".join(customers) or "nobody"
        raise ValueError(f"Cannot draw the lives of {named} in one picture; possible is one customer, with all runs")
    ax = axes_or_new(ax)
    blue, vermillion = PALETTE["blue"], PALETTE["vermillion"]
    seconds, longest = seconds_since_start(frame), frame.event_id.max()
    ax.set_xlim(0, seconds.iloc[-1] * 1.02 or 1)
    top = draw_levels(ax, longest, {"threshold": threshold, "limit": limit}, headroom=1.3)
    for (_, run), events in runs.items():
        x = seconds[events.index]
        begin, end, height = x.iloc[0], x.iloc[-1], events.event_id.iloc[-1]
        ax.fill_between(x, events.event_id, color=blue, alpha=0.12, lw=0)
        ax.plot(x, events.event_id, color=blue, lw=2, label="events in this run" if run == 1 else "_")
        if events.type.iloc[-1] == "WorkflowExecutionContinuedAsNew":
            ax.plot([end, end], [height, 0], color=blue, lw=1, ls=(0, (2, 2)))
            ax.plot(
                end,
                height,
                "v",
                ms=9,
                color=vermillion,
                mec="white",
                zorder=3,
                label="continue as new" if run == 1 else "_",
            )
        if len(runs) <= FEW_RUNS and end - begin > ROOM_FOR_A_NAME * seconds.iloc[-1]:
            note(ax, f"run {run}", ((begin + end) / 2, 0), (0, 5), ha="center", color=blue)
    if len(runs) > 1:
        shown = seconds[: int(0.95 * top)]
        ax.plot(shown, range(1, len(shown) + 1), ":", color=GREY, lw=1.8, zorder=1.8)
        leaving = (shown.iloc[-1], len(shown))
        ax.plot(*leaving, "^", ms=7, color=GREY)
        words = f"without continue as new: {len(frame):,} events by now"
        offset, side = ((9, -3), "left") if leaving[0] < seconds.iloc[-1] / 2 else ((-9, -3), "right")
        note(ax, words, leaving, offset, ha=side, color=GREY, fontsize=9)
    legend(ax)
    lives = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    title = f"{len(frame):,} events in {lives}, never more than {longest:,} in one event history"
    return finish(ax, title, "seconds since the account was opened", "events in this run")


def bars(values: pd.Series[Any], title: str, xlabel: str, ax: Axes | None = None, *, of: float | None = None) -> Axes:
    """Draw one horizontal bar per value, the first on top, with its number; the index names the bars and the y axis.

    `of` is the whole that each value is part of, such as the messages sent; it is drawn behind the bar.
    """
    ax = axes_or_new(ax)
    places, numbers = range(len(values)), [float(value) for value in values]
    longest = max([*numbers, of or 0])
    if of is not None:
        ax.barh(places, of, color=PALE, height=0.62)
    ax.barh(places, numbers, color=PALETTE["blue"], height=0.62)
    for place, value in zip(places, numbers, strict=True):
        text = f"{value:,.0f}" if value.is_integer() else f"{value:,.3g}"
        text = text if of is None else f"{text} of {of:,g}"
        note(ax, text, (max(value, of or 0), place), (6, 0), va="center")
    ax.set_yticks(places, [str(name) for name in values.index])
    ax.invert_yaxis()
    ax.set_xlim(0, 1.16 * longest or 1)
    return finish(ax, title, xlabel, str(values.index.name or ""))


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
