"""What the pictures share: colours, axes, labelled levels, and the numbers along the axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

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

INK, GREY, PALE = "#333333", "#767676", "#E3E3E3"

NEAR = 2.5
"""A level at most this many times as high as the data is drawn to scale."""


def axes_or_new(ax: Axes | None, size: tuple[float, float] = (8, 4)) -> Axes:
    """Return `ax`, or new Axes of `size` inches, in the style of the course."""
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=size, layout="constrained", facecolor="white")[1]
    ax.set_facecolor("white")
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def finish(ax: Axes, title: str, xlabel: str, ylabel: str) -> Axes:
    """Write title and axis labels, and return the Axes."""
    ax.set_title(title, loc="left", color=INK, fontweight="bold")
    ax.set_xlabel(xlabel, color=INK)
    ax.set_ylabel(ylabel, color=INK)
    ax.tick_params(colors=INK, length=0)
    return ax


def together(labels: list[tuple[int, str, int]], room: float) -> list[tuple[int, str, int, int]]:
    """Return (y, label, x of the first, times): equal labels in one row that stand closer than `room` become one."""
    merged: list[tuple[int, str, int, int]] = []
    last = 0
    for y, label, x in sorted(labels):
        if merged and merged[-1][:2] == (y, label) and x - last < room:
            merged[-1] = (*merged[-1][:3], merged[-1][3] + 1)
        else:
            merged.append((y, label, x, 1))
        last = x
    return merged


def note(ax: Axes, text: str, at: tuple[float, float], offset: tuple[float, float], **how: Any) -> None:
    """Write `text` at a point of the data, moved by an offset in points."""
    ax.annotate(text, at, offset, textcoords="offset points", **{"color": INK, **how})


def inches(ax: Axes) -> tuple[float, float]:
    """Return about how wide and how high the Axes are, before any layout."""
    size, share = ax.get_figure(root=True).get_size_inches(), ax.get_position()  # type: ignore[union-attr]
    return float(size[0] * share.width), float(size[1] * share.height)


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Return places, given in rising order, moved as little as possible so that neighbours stand `gap` apart."""
    blocks: list[tuple[float, int]] = []  # those that push each other: where on average, less the gaps, and how many
    for number, place in enumerate(places):
        mean, size = place - number * gap, 1
        while blocks and blocks[-1][0] > mean:
            before, others = blocks.pop()
            mean, size = (before * others + mean * size) / (others + size), others + size
        blocks.append((mean, size))
    means = [mean for mean, size in blocks for _ in range(size)]
    return [mean + number * gap for number, mean in enumerate(means)]


def legend(ax: Axes, below: float = 0.16, columns: int = 4) -> None:
    """Put the legend below the picture, where it covers nothing; `below` is a part of the height of the Axes."""
    how: dict[str, Any] = {"ncols": columns, "frameon": False, "fontsize": 9, "labelcolor": INK}
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -below), **how)


def draw_levels(ax: Axes, highest: float, levels: Mapping[str, int | None], headroom: float = 1.12) -> float:
    """Draw each level as a labelled horizontal line; return the top of the part of the y axis that is to scale.

    Levels far above `highest` (events) share the space above a break in the axis.
    """
    given = sorted((level, name) for name, level in levels.items() if level is not None)
    near = [(level, name) for level, name in given if level <= NEAR * highest]
    far = given[len(near) :]
    top = headroom * max([highest, *(level for level, _ in near)])
    step = 0.13 * top
    heights = [float(level) for level, _ in near] + [top + step * (0.9 + place) for place in range(len(far))]
    broken = heights[len(near) :]
    ax.set_ylim(0, heights[-1] + 0.4 * step if far else top)
    ticks = round_numbers(top)
    ax.set_yticks([*ticks, *broken], [f"{tick:,.0f}" for tick in [*ticks, *(level for level, _ in far)]])
    for (level, name), height in zip(given, heights, strict=True):
        ax.axhline(height, color=PALETTE["vermillion"], lw=1.4, ls="-" if name == "limit" else (0, (6, 3)), zorder=1.5)
        words = name if height in broken else f"{name} {level:,}"
        crowded_above = any(0 < other - height < step / 2 for other in heights)
        crowded_below = any(0 < height - other < step / 2 for other in heights)
        side = "top" if crowded_above else "bottom" if crowded_below else "center"
        where = {"xycoords": ax.get_yaxis_transform(), "va": side}
        note(ax, words, (1, height), (4, 0), color=PALETTE["vermillion"], fontsize=9, **where)
    if far:
        gap = (top + 0.2 * step, top + 0.45 * step)
        ax.axhspan(*gap, color="white", zorder=3)
        slash: dict[str, Any] = {
            "marker": [(-1, -0.5), (1, 0.5)],
            "ms": 10,
            "color": INK,
            "clip_on": False,
            "zorder": 4,
        }
        ax.plot([0, 0], gap, ls="", transform=ax.get_yaxis_transform(), **slash)
    return top


def round_numbers(top: float) -> list[float]:
    """Return ticks from 0 to `top`, whole numbers."""
    from matplotlib.ticker import MaxNLocator

    return [float(tick) for tick in MaxNLocator(5, integer=True).tick_values(0, top) if 0 <= tick <= top]


def by_run(frame: pd.DataFrame) -> dict[tuple[str, int], pd.DataFrame]:
    """Return the events of each run, by workflow id and run number."""
    return dict(iter(frame.groupby(["workflow_id", "run"], sort=False)))  # type: ignore[arg-type]


def seconds_since_start(events: pd.DataFrame) -> pd.Series[float]:
    """Return the seconds since the first of the events, never falling."""
    # A signal that waited for a Workflow Task to end is written after events that are younger: time can step back.
    time = events.time.cummax()
    seconds: pd.Series[float] = (time - time.iloc[0]).dt.total_seconds()
    return seconds


def purchases_so_far(events: pd.DataFrame) -> pd.Series[int]:
    """Return the number of signals and updates up to each event."""
    received = events.type.isin(["WorkflowExecutionSignaled", "WorkflowExecutionUpdateAccepted"])
    return received.astype("int64").cumsum()
