"""How long an event history is over time: one line per run, or one customer's whole life."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from loyalty.lab.plots.drawing import (
    GREY,
    INK,
    PALETTE,
    axes_or_new,
    by_run,
    finish,
    legend,
    note,
    purchases_so_far,
    seconds_since_start,
)
from loyalty.lab.plots.levels import draw_levels, words_about

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

EVENT_LIMIT = 51_200
"""Events in one run; with more, the server terminates it (`limit.historyCount.error`)."""

EVENT_WARNING = 10_240
"""Events in one run from which on the server warns in its log (`limit.historyCount.warn`)."""

FEW_RUNS = 12
LONG_LABEL = 22
"""Characters; of longer ones only two stand beside each other in the legend."""

ROOM_FOR_A_NAME = 0.08
"""Of the width of the picture."""

COLORS = ("blue", "vermillion", "green", "purple")
STYLES: tuple[Any, ...] = ("-", (0, (4, 2)), (0, (2, 1.5)), (0, (4, 1.5, 1, 1.5)))
LINES = [(*look, marker) for marker in ("", "o", "^") for look in zip(COLORS, STYLES, strict=True)]
"""Colour, style and marker of each run; without the colours they differ as well."""

MARKED = 0.1
"""Of the diagonal of the picture; a line has its markers that far from each other."""

DASHES = ((1, 1.5), (5, 2), (5, 1.5, 1, 1.5))


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
    said = []
    for number, ((workflow_id, run), events) in enumerate(runs.items()):
        x = seconds_since_start(events) if by == "seconds" else purchases_so_far(events)
        longest = max(longest, x.max())
        color, style, marker = LINES[number % len(LINES)] if len(runs) <= len(LINES) else LINES[0]
        label = workflow_id if one_run_each else f"{workflow_id}, run {run}"
        said.append(f"{label}: {events.event_id.max():,} events after {x.max():,.4g} {by}")
        if len(runs) > len(LINES):
            label = f"{len(runs)} runs" if number == 0 else "_"
        look: dict[str, Any] = {"ls": style, "marker": marker, "markevery": MARKED, "ms": 6, "lw": 2}
        ax.plot(x, events.event_id, color=PALETTE[color], label=label, **look)
    ax.set_xlim(0, longest * 1.02 or 1)
    levels = {"threshold": threshold, "server warns": warning, "limit": limit}
    top = draw_levels(ax, frame.event_id.max(), levels)
    predictions = prediction if isinstance(prediction, Mapping) else {"predicted": prediction} if prediction else {}
    for number, (name, rate) in enumerate(predictions.items()):
        end = min(longest, top / rate) if rate > 0 else longest
        label = f"{name}: {rate:,g} events per {by.removesuffix('s')}"
        ax.plot([0, end], [0, rate * end], color=INK, ls=(0, DASHES[number % len(DASHES)]), lw=1.6, label=label)
    long = any(len(label) > LONG_LABEL for label in ax.get_legend_handles_labels()[1])
    legend(ax, columns=2 if long else 4)
    xlabel = "seconds since the run began" if by == "seconds" else "purchases so far (signals and updates)"
    if len(runs) > len(LINES):
        said = [f"{len(runs)} runs of up to {frame.event_id.max():,} events in up to {longest:,.4g} {by}"]
    said += [f"{name}: {rate:,g} per {by.removesuffix('s')}" for name, rate in predictions.items()]
    says = "; ".join([*said, *words_about(levels)])
    return finish(ax, "How fast the event history grows", xlabel, "events in this run", says=says)


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
    levels = {"threshold": threshold, "limit": limit}
    top = draw_levels(ax, longest, levels, headroom=1.3)
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
        offset, side = ((9, -3), "left") if leaving[0] < seconds.iloc[-1] / 2 else ((-9, 4), "right")
        note(ax, words, leaving, offset, ha=side, color=GREY, fontsize=9)
    legend(ax)
    lives = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    title = f"{len(frame):,} events in {lives}, never more than {longest:,} in one event history"
    of_runs = [f"{events.event_id.iloc[-1]:,}" for events in runs.values()]
    if len(of_runs) > FEW_RUNS:
        of_runs[FEW_RUNS - 1 : -1] = ["..."]
    says = f"A saw with a tooth for each run, in {seconds.iloc[-1]:,.4g} seconds; events: {', '.join(of_runs)}"
    says = "; ".join([says, *words_about(levels)])
    return finish(ax, title, "seconds since the account was opened", "events in this run", says=says)
