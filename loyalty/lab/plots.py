"""Pictures of event histories: a DataFrame of `loyalty.lab.history` in, matplotlib Axes out. Knows nothing of Temporal.

Every function draws on `ax`, or on a new figure of 8 x 4 inches, and returns the Axes. What a colour says, a label, a
marker or a line style says too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

PALETTE = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "vermillion": "#D55E00",
    "sky": "#56B4E9",
    "purple": "#CC79A7",
    "black": "#000000",
}
"""Colours that people with colour-blindness can tell apart (Okabe and Ito, https://jfly.uni-koeln.de/color/)."""

EVENT_LIMIT = 51_200
"""Events in one run; with more, the server terminates it (`limit.historyCount.error`)."""

EVENT_WARNING = 10_240
"""Events in one run from which on the server warns in its log (`limit.historyCount.warn`)."""

STRIP_EVENTS = 60
"""More events than this have no room for labels."""

INK, GREY, PALE = "#333333", "#767676", "#E3E3E3"
FEW_RUNS = 12

ROWS = (  # what an event's type begins with, the row it stands in, its colour
    ("WorkflowExecutionSignaled", "Signal", "orange"),
    ("WorkflowExecutionUpdate", "Update", "purple"),
    ("WorkflowTask", "Workflow Task", "blue"),
    ("ActivityTask", "Activity", "green"),
    ("Timer", "Timer", "sky"),
    ("WorkflowExecution", "Workflow", "black"),
    ("", "Others", "vermillion"),
)
PHASES = (  # what an event's type ends with, what the marker says, the marker, whether it is filled
    (("Failed", "TimedOut", "Terminated", "Rejected"), "failed or timed out", "X", True),
    (("CancelRequested", "Canceled"), "canceled", "s", False),
    (("TaskScheduled", "Initiated", "OperationScheduled", "Accepted", "TimerStarted"), "scheduled or accepted", "o", False),
    (("TaskStarted", "OperationStarted", "ChildWorkflowExecutionStarted"), "started", ">", False),
    (("",), "completed or received", "o", True),
)


def event_strip(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw each event of a short history in order, one row per kind; lines join the events of one task.

    `frame`: a DataFrame of `history.frame`, or part of one, of one run and at most STRIP_EVENTS events. Raise
    ValueError for more.
    """
    if not 0 < len(frame) <= STRIP_EVENTS or len(_runs(frame)) > 1:
        raise ValueError(
            f"Cannot label {len(frame):,} events of {len(_runs(frame))} runs in one strip; possible are 1 to "
            f"{STRIP_EVENTS} events of one run, such as frame[frame.run == 1].head({STRIP_EVENTS})"
        )
    ax = _axes(ax)
    kinds = [_first(ROWS, lambda row, type_=type_: type_.startswith(row[0])) for type_ in frame.type]
    phases = [_first(PHASES, lambda phase, type_=type_: type_.endswith(phase[0])) for type_ in frame.type]
    rows = [row for _, row, _ in ROWS if row in {kind[1] for kind in kinds}]
    columns = (frame.event_id, frame.name, frame.refers_to.fillna(0), kinds, phases)
    events = {
        event_id: (name, refers_to, kind, phase)
        for event_id, name, refers_to, kind, phase in zip(*columns, strict=True)
    }
    for event_id, (name, refers_to, (_, row, color), (_, _, marker, filled)) in events.items():
        y, ink = rows.index(row), PALETTE[color]
        if refers_to in events and events[refers_to][2][1] == row:
            ax.plot([refers_to, event_id], [y, y], color=ink, lw=2, zorder=1)
        elif isinstance(name, str) and row != "Workflow":
            ax.annotate(
                name, (event_id, y), (0, 8), textcoords="offset points", color=INK, fontsize=8, rotation=30, va="bottom"
            )
        face = ink if filled else "white"
        ax.plot(event_id, y, marker, ms=9, mfc=face, mec=ink, mew=1.8, zorder=2)
    for _, label, marker, filled in PHASES:
        if label in {phase[1] for phase in phases}:
            ax.plot([], [], marker, ms=8, color=GREY, mfc=GREY if filled else "white", label=label)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=len(PHASES), frameon=False, fontsize=9)
    ax.set_yticks(range(len(rows)), rows)
    ax.set_ylim(len(rows) - 0.5, -0.9)
    ax.grid(axis="y", color=PALE)
    return _label(ax, f"{len(events)} events of the event history, in order", "event number in this run", "kind of event")


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
    ax = _axes(ax)
    runs = _runs(frame)
    styles = [(color, style) for style in ("-", "--", "-.") for color in ("blue", "vermillion", "green", "purple")]
    ends = []
    for number, ((workflow_id, run), events) in enumerate(runs.items()):
        color, style = styles[number % len(styles)]
        x = _seconds(events) if by == "seconds" else _purchases(events)
        name = workflow_id if len(runs) == len({one for one, _ in runs}) else f"{workflow_id}, run {run}"
        ax.plot(x, events.event_id, style, color=PALETTE[color], lw=2, label=name)
        ends.append((x.iloc[-1], events.event_id.iloc[-1]))
    longest, highest = max(x for x, _ in ends), max(y for _, y in ends)
    predictions = prediction if isinstance(prediction, Mapping) else {"predicted": prediction} if prediction else {}
    for name, rate in predictions.items():
        label = f"{name}: {rate:g} events per {by.removesuffix('s')}"
        ax.plot([0, longest], [0, rate * longest], ":", color=GREY, lw=2, label=label)
    ax.set_xlim(0, longest * 1.02 or 1)
    levels = {"threshold": threshold, "server warns": warning, "limit": limit}
    _levels(ax, highest, {name: level for name, level in levels.items() if level is not None})
    ax.legend(loc="lower right", frameon=False, fontsize=9)
    xlabel = "seconds since the run began" if by == "seconds" else "purchases so far (signals and updates)"
    return _label(ax, "How fast the event history grows", xlabel, "events in this run")


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
    runs = _runs(frame)
    if len({workflow_id for workflow_id, _ in runs}) != 1:
        names = ", ".join(sorted({workflow_id for workflow_id, _ in runs})) or "none"
        raise ValueError(f"Cannot draw the life of several customers ({names}); possible is one, with all its runs")
    ax = _axes(ax)
    blue, vermillion = PALETTE["blue"], PALETTE["vermillion"]
    seconds = _seconds(frame)
    ax.plot(seconds, range(1, len(frame) + 1), ":", color=GREY, lw=1.8)
    every = -(-len(runs) // FEW_RUNS)
    for (_, run), events in runs.items():
        x = seconds[events.index]
        ax.fill_between(x, events.event_id, color=blue, alpha=0.12, lw=0)
        ax.plot(x, events.event_id, color=blue, lw=2)
        end, highest = x.iloc[-1], events.event_id.iloc[-1]
        if events.type.iloc[-1] == "WorkflowExecutionContinuedAsNew":
            ax.plot([end, end], [highest, 0], color=blue, lw=1, ls=(0, (2, 2)))
            ax.plot(end, highest, "v", ms=8, color=vermillion, mec="white", zorder=3)
        if (run - 1) % every == 0:
            ax.annotate(f"run {run}", ((x.iloc[0] + end) / 2, 0), (0, 5), textcoords="offset points", ha="center", color=blue)
    ax.set_xlim(0, seconds.iloc[-1] * 1.02)
    levels = {"threshold": threshold, "limit": limit}
    _levels(ax, frame.event_id.max(), {name: level for name, level in levels.items() if level is not None})
    ax.plot([], [], color=blue, lw=2, label="events in the current run")
    ax.plot([], [], "v", ms=8, color=vermillion, label="continue as new")
    ax.plot([], [], ":", color=GREY, lw=1.8, label="without continue as new")
    ax.legend(loc="upper right", frameon=False, fontsize=9)
    title = f"{len(runs)} runs, {len(frame):,} events: one customer lives on"
    return _label(ax, title, "seconds since the customer's account was opened", "events in this run")


def bars(values: pd.Series, title: str, xlabel: str, ax: Axes | None = None, *, of: float | None = None) -> Axes:
    """Draw one horizontal bar per value, the first on top, with its number; the index names the bars and the y axis.

    `of` is the whole that each value is part of, such as the messages sent; it is drawn behind the bar.
    """
    ax = _axes(ax)
    places = range(len(values))
    if of is not None:
        ax.barh(places, of, color=PALE, height=0.62)
    drawn = ax.barh(places, values.to_list(), color=PALETTE["blue"], height=0.62)
    labels = [f"{value:,.4g}" if value % 1 else f"{value:,.0f}" for value in values]
    ax.bar_label(drawn, [f"{label} of {of:,g}" if of is not None else label for label in labels], padding=4, color=INK)
    ax.set_yticks(places, [str(name) for name in values.index])
    ax.invert_yaxis()
    ax.set_xlim(0, 1.16 * max(values.max(), of or 0))
    ax.grid(axis="x", color=PALE)
    return _label(ax, title, xlabel, str(values.index.name or ""))


# ---- what the pictures share ----------------------------------------------------------------------------------


def _axes(ax: Axes | None) -> Axes:
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=(8, 4), layout="constrained", facecolor="white")[1]
    ax.set_facecolor("white")
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _label(ax: Axes, title: str, xlabel: str, ylabel: str) -> Axes:
    ax.set_title(title, loc="left", color=INK, fontweight="bold")
    ax.set_xlabel(xlabel, color=INK)
    ax.set_ylabel(ylabel, color=INK)
    ax.tick_params(colors=INK, length=0)
    return ax


def _levels(ax: Axes, highest: float, levels: dict[str, int]) -> None:
    """Draw each level as a labelled horizontal line; those far above `highest` share the space above an axis break."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

    near = {name: level for name, level in levels.items() if level <= 2.5 * highest}
    far = sorted((level, name) for name, level in levels.items() if name not in near)
    top = max([highest, *near.values()]) * 1.12
    step = top * 0.14
    heights = {name: top + step * (0.6 + place) for place, (_, name) in enumerate(far)}
    ax.set_ylim(0, top + step * (len(far) + 0.6 if far else 0.3))
    ticks = [tick for tick in MaxNLocator(5, integer=True).tick_values(0, top) if 0 <= tick <= top]
    written = {heights[name]: level for level, name in far} | dict(zip(ticks, ticks, strict=True))
    ax.yaxis.set_major_locator(FixedLocator(list(written)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{written.get(tick, tick):,.0f}"))
    right = ax.get_xlim()[1]
    for name, level in levels.items():
        y = heights.get(name, level)
        ax.axhline(y, color=PALETTE["vermillion"], lw=1.4, ls="-" if name == "limit" else (0, (6, 3)), zorder=1.5)
        ax.annotate(
            f"{name}: {level:,} events", (right, y), (-2, 3), textcoords="offset points", ha="right", color=INK, fontsize=9
        )
    if far:
        ax.axhspan(top, top + step * 0.25, color="white", zorder=3)
        for y in (top, top + step * 0.25):
            ax.plot(0, y, transform=ax.get_yaxis_transform(), marker=[(-1, -0.5), (1, 0.5)], ms=10, color=INK, clip_on=False, zorder=4)


def _runs(frame: pd.DataFrame) -> dict[tuple[str, int], pd.DataFrame]:
    return dict(iter(frame.groupby(["workflow_id", "run"], sort=False)))  # type: ignore[arg-type]


def _seconds(frame: pd.DataFrame) -> pd.Series:
    """Seconds since the first event; a signal that waited on the server is older than the event before it."""
    time = frame.time.cummax()
    return (time - time.iloc[0]).dt.total_seconds()


def _purchases(frame: pd.DataFrame) -> pd.Series:
    return frame.type.isin(["WorkflowExecutionSignaled", "WorkflowExecutionUpdateAccepted"]).cumsum()


def _first(table: Any, applies: Any) -> Any:
    return next(row for row in table if applies(row))
