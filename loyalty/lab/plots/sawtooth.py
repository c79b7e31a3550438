"""Draw the length of one customer's event history in each run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loyalty.actor.run_length import EVENT_LIMIT
from loyalty.lab.plots.shared.drawing import (
    GREY,
    PALETTE,
    axes_or_new,
    by_run,
    finish,
    legend,
    note,
    seconds_since_start,
)
from loyalty.lab.plots.shared.levels import described, draw_levels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

FEW_RUNS = 12
NARROWEST_NAMED = 0.08
"""The narrowest run with a name, as a part of the width of the picture."""


def sawtooth(
    frame: pd.DataFrame,
    ax: Axes | None = None,
    *,
    threshold: int | None = None,
    limit: int | None = EVENT_LIMIT,
) -> Axes:
    """Draw the number of events in one customer's current run over time.

    The line falls to zero at each continue-as-new. The dotted line shows the total number of events in all runs.
    `frame`: all runs of one workflow.
    `threshold`, `limit`: numbers of events. If a number is far above the data, it is drawn above a break in the y axis.
    Raise ValueError if `frame` has several workflows or no events.
    """
    frame = frame.reset_index(drop=True)
    runs = by_run(frame)
    customers = sorted({workflow_id for workflow_id, _ in runs})
    if len(customers) != 1:
        named = ", ".join(customers) or "no customer"
        raise ValueError(f"Cannot draw {named} in one picture; expected one customer, with all its runs")
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
                label="continue-as-new" if run == 1 else "_",
            )
        if len(runs) <= FEW_RUNS and end - begin > NARROWEST_NAMED * seconds.iloc[-1]:
            note(ax, f"run {run}", ((begin + end) / 2, 0), (0, 5), ha="center", color=blue)
    if len(runs) > 1:
        shown = seconds[: int(0.95 * top)]
        ax.plot(shown, range(1, len(shown) + 1), ":", color=GREY, lw=1.8, zorder=1.8)
        leaving = (shown.iloc[-1], len(shown))
        ax.plot(*leaving, "^", ms=7, color=GREY)
        words = f"without continue-as-new: {len(frame):,} events so far"
        offset, side = ((9, -3), "left") if leaving[0] < seconds.iloc[-1] / 2 else ((-9, 4), "right")
        note(ax, words, leaving, offset, ha=side, color=GREY, fontsize=9)
    legend(ax)
    how_many = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    title = f"{len(frame):,} events in {how_many}, at most {longest:,} in one event history"
    of_runs = [f"{events.event_id.iloc[-1]:,}" for events in runs.values()]
    if len(of_runs) > FEW_RUNS:
        of_runs[FEW_RUNS - 1 : -1] = ["..."]
    description = f"One tooth per run, {seconds.iloc[-1]:,.4g} seconds in all; events per run: {', '.join(of_runs)}"
    description = "; ".join([description, *described(levels)])
    return finish(ax, title, "seconds since the account was opened", "events in this run", description=description)
