"""Draw the length of event histories, with one line per run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from loyalty.actor.run_length import EVENT_LIMIT
from loyalty.lab.plots.shared.drawing import (
    INK,
    PALETTE,
    axes_or_new,
    by_run,
    finish,
    legend,
    purchases_so_far,
    seconds_since_start,
)
from loyalty.lab.plots.shared.levels import EVENT_WARNING, described, draw_levels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LONG_LABEL = 22
"""Characters; longer labels leave room for only two columns in the legend."""

COLORS = ("blue", "vermillion", "green", "purple")
STYLES: tuple[Any, ...] = ("-", (0, (4, 2)), (0, (2, 1.5)), (0, (4, 1.5, 1, 1.5)))
LINES = [(*look, marker) for marker in ("", "o", "^") for look in zip(COLORS, STYLES, strict=True)]
"""Colour, style and marker of each run; all lines differ in black and white, too."""

MARKED = 0.1
"""The distance of two markers on a line, as a part of the diagonal of the picture."""

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
    """Draw the number of events in each run, with one line per run. Every line begins at x = 0.

    `by`: the unit of the x axis; "purchases" counts the received signals and updates.
    `prediction`: the predicted events per second or per purchase, or a mapping from names to predictions.
    `threshold`: the number of events at which runs continue as new.
    If a threshold, warning or limit is far above the data, it is drawn above a break in the y axis.
    """
    ax = axes_or_new(ax)
    runs = by_run(frame)
    one_run_each = len(runs) == len({workflow_id for workflow_id, _ in runs})
    longest: float = 0
    run_texts = []
    for number, ((workflow_id, run), events) in enumerate(runs.items()):
        x = seconds_since_start(events) if by == "seconds" else purchases_so_far(events)
        longest = max(longest, x.max())
        color, style, marker = LINES[number % len(LINES)] if len(runs) <= len(LINES) else LINES[0]
        label = workflow_id if one_run_each else f"{workflow_id}, run {run}"
        run_texts.append(f"{label}: {events.event_id.max():,} events after {x.max():,.4g} {by}")
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
        run_texts = [f"{len(runs)} runs of up to {frame.event_id.max():,} events in up to {longest:,.4g} {by}"]
    run_texts += [f"{name}: {rate:,g} per {by.removesuffix('s')}" for name, rate in predictions.items()]
    description = "; ".join([*run_texts, *described(levels)])
    return finish(ax, "How fast the event history grows", xlabel, "events in this run", description=description)
