"""Draw labelled horizontal lines for levels such as the history limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from loyalty.lab.plots.shared.drawing import INK, PALETTE, note

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EVENT_WARNING = 10_240
"""Events in one run; above this number the server logs a warning (`limit.historyCount.warn`)."""

NEAR = 2.5
"""A level above the data by more than this factor is drawn above the break."""


def draw_levels(ax: Axes, highest: float, levels: Mapping[str, int | None], headroom: float = 1.12) -> float:
    """Draw each level as a horizontal line with a label.

    `highest`: the largest number of events in the data.
    Levels far above `highest` are drawn above a break in the y axis.
    Return the y value at which the break in the y axis begins.
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
        ax.axhspan(*gap, color="white", zorder=3, gid="break")
        slash: dict[str, Any] = {
            "marker": [(-1, -0.5), (1, 0.5)],
            "ms": 10,
            "color": INK,
            "clip_on": False,
            "zorder": 4,
        }
        ax.plot([0, 0], gap, ls="", transform=ax.get_yaxis_transform(), **slash)
    return top


def described(levels: Mapping[str, int | None]) -> list[str]:
    """Return one text per level, from the lowest level to the highest."""
    given = sorted((level, name) for name, level in levels.items() if level is not None)
    return [f"{name} at {level:,}" for level, name in given]


def round_numbers(top: float) -> list[float]:
    """Return whole numbers from 0 to `top` as axis ticks."""
    from matplotlib.ticker import MaxNLocator

    return [float(tick) for tick in MaxNLocator(5, integer=True).tick_values(0, top) if 0 <= tick <= top]
