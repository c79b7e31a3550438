"""Colours, axes and labels for all plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

PALETTE = {
    "blue": "#046DAB",
    "orange": "#B98C04",
    "green": "#44935C",
    "vermillion": "#B94C01",
    "sky": "#109DDB",
    "purple": "#E16D9D",
    "black": "#000000",
}
"""Colours with a sufficient contrast on white, which colour-blind readers can distinguish.

Source: Okabe and Ito (https://jfly.uni-koeln.de/color/). The colours are changed a little for a higher contrast;
tests/house/test_accessible_plots.py measures the contrasts. For text, only blue, vermillion and black are dark enough.
"""

INK, GREY, PALE = "#333333", "#6A6A6A", "#E3E3E3"


def axes_or_new(ax: Axes | None, size: tuple[float, float] = (8, 4)) -> Axes:
    """Return `ax`, or new Axes if `ax` is None; `size` is in inches."""
    if ax is None:
        import matplotlib.pyplot as plt

        from loyalty.lab.plots.shared.figure import DescribedFigure

        how: dict[str, Any] = {"layout": "constrained", "facecolor": "white"}
        ax = plt.subplots(figsize=size, FigureClass=DescribedFigure, **how)[1]
    ax.set_facecolor("white")
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def finish(ax: Axes, title: str, xlabel: str, ylabel: str, *, description: str) -> Axes:
    """Write the title and the axis labels, and return the Axes.

    The alternative text of the figure contains `title` and `description`.
    """
    ax.set_label(f"{title}. {description}.")
    ax.set_title(title, loc="left", color=INK, fontweight="bold")
    ax.set_xlabel(xlabel, color=INK)
    ax.set_ylabel(ylabel, color=INK)
    ax.tick_params(colors=INK, length=0)
    return ax


def together(labels: list[tuple[int, str, int]], room: float) -> list[tuple[int, str, int, int]]:
    """Merge equal labels if their distance is below `room`; return a list of (y, label, first x, count)."""
    merged: list[tuple[int, str, int, int]] = []
    last = 0
    for y, label, x in sorted(labels):
        if merged and merged[-1][:2] == (y, label) and x - last < room:
            merged[-1] = (*merged[-1][:3], merged[-1][3] + 1)
        else:
            merged.append((y, label, x, 1))
        last = x
    return merged


def counted(count: int, what: str) -> str:
    """Return a count with its noun, such as `1 activity` or `1,200 activities`."""
    plural = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{count:,} {what if count == 1 else plural}"


def note(ax: Axes, text: str, at: tuple[float, float], offset: tuple[float, float], **how: Any) -> None:
    """Write `text` near the data coordinates `at`; `offset` is in typographic points."""
    ax.annotate(text, at, offset, textcoords="offset points", **{"color": INK, **how})


def inches(ax: Axes) -> tuple[float, float]:
    """Return the approximate width and height of the Axes in inches."""
    size, share = ax.get_figure(root=True).get_size_inches(), ax.get_position()  # type: ignore[union-attr]
    return float(size[0] * share.width), float(size[1] * share.height)


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Return new places that are at least `gap` apart; each place moves as little as possible."""
    blocks: list[tuple[float, int]] = []  # of touching places: mean place without the gaps, number of places
    for number, place in enumerate(places):
        mean, size = place - number * gap, 1
        while blocks and blocks[-1][0] > mean:
            before, others = blocks.pop()
            mean, size = (before * others + mean * size) / (others + size), others + size
        blocks.append((mean, size))
    means = [mean for mean, size in blocks for _ in range(size)]
    return [mean + number * gap for number, mean in enumerate(means)]


def legend(ax: Axes, below: float = 0.16, columns: int = 4) -> None:
    """Put the legend below the Axes. The distance `below` is a fraction of the height of the Axes."""
    how: dict[str, Any] = {"ncols": columns, "frameon": False, "fontsize": 9, "labelcolor": INK, "handlelength": 3}
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -below), **how)


def by_run(frame: pd.DataFrame) -> dict[tuple[str, int], pd.DataFrame]:
    """Return the events of each run; the keys are (workflow_id, run)."""
    return dict(iter(frame.groupby(["workflow_id", "run"], sort=False)))  # type: ignore[arg-type]


def seconds_since_start(events: pd.DataFrame) -> pd.Series[float]:
    """Return the seconds since the first event; the values never decrease."""
    # The server records a buffered signal after younger events, so the times may decrease.
    time = events.time.cummax()
    seconds: pd.Series[float] = (time - time.iloc[0]).dt.total_seconds()
    return seconds


def purchases_so_far(events: pd.DataFrame) -> pd.Series[int]:
    """Return the cumulative number of signals and updates at each event."""
    received = events.type.isin(["WorkflowExecutionSignaled", "WorkflowExecutionUpdateAccepted"])
    return received.astype("int64").cumsum()
