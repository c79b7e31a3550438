"""A chart with rows over time: where a time and a row lie, and labels that have room."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from loyalty.lab.plots.shared.drawing import axes_or_new, finish, inches, legend, note
from loyalty.lab.plots.shared.labels import CHARACTER, Label, with_room

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

AFTERWARDS_SECONDS = 15
"""How long after the last event the beginning or the end of a process is still shown."""

ROW, AROUND = 0.36, 1.45
"""Inches: a row, and what title, ticks, axis label and legend take."""

ABOVE, BELOW = 0.65, 0.4
"""Parts of a row above and below the line on which its marks stand; its labels stand above."""

MARGIN = 0.012
"""Of the time shown, at both sides."""

GOES_ON = 0.1
"""Of the time shown, once more, where something still goes on at its end."""

LARGEST, SMALLEST = 8.0, 5.5
"""Points, of labels."""

LARGEST_NAME = 10.0
"""Points, of the names of rows."""

LEGEND_COLUMN = 1.8
"""Inches."""


class TimeChart:
    """Axes whose x is seconds since `begin` and whose y is rows, from the top.

    New Axes give each row `row` inches, and are at least `lowest` inches high.
    """

    def __init__(
        self,
        ax: Axes | None,
        rows: float,
        begin: pd.Timestamp,
        end: pd.Timestamp,
        *,
        row: float = ROW,
        lowest: float = 4,
    ) -> None:
        self.ax = axes_or_new(ax, (8, max(lowest, AROUND + row * rows)))
        self.begin, self.end = begin, end
        self.last = self.at(end) or 0.001
        wide, high = inches(self.ax)
        self.left, self.right = -MARGIN * self.last, (1 + MARGIN) * self.last
        self.inch = (self.right - self.left) / wide
        self.size = max(SMALLEST, min(LARGEST, LARGEST * high / rows / ROW))
        self.character = CHARACTER * self.size * self.inch
        self.ax.set_xlim(self.left, self.right)

    def name_rows(self, names: Mapping[float, str]) -> None:
        """Write the names of rows at the left, smaller where rows are low, and seconds below."""
        self.ax.set_yticks(list(names), list(names.values()), fontsize=self.size * LARGEST_NAME / LARGEST)
        self.ax.xaxis.set_major_formatter("{x:,g}")
        self.ax.spines["left"].set_visible(False)

    def finish(self, title: str, ylabel: str, *, description: str) -> Axes:
        """Write title and axis labels, put the legend below, in as many columns as have room, and return the Axes.

        `description` says in words what the picture shows.
        """
        wide, high = inches(self.ax)
        legend(self.ax, below=0.62 / high, columns=max(1, int(wide / LEGEND_COLUMN)))
        return finish(self.ax, title, "seconds since the first event shown", ylabel, description=description)

    def at(self, time: pd.Timestamp) -> float:
        """Return where a time lies."""
        return float((time - self.begin).total_seconds())

    def clipped(self, time: pd.Timestamp | None) -> float:
        """Return where a time lies, or the edge that it lies beyond; None has not come yet."""
        import pandas as pd

        return self.right if pd.isna(time) else min(max(self.at(time), self.left), self.right)

    def write(self, y: float, labels: Iterable[Label]) -> None:
        """Write those of the labels above row `y` that have room."""
        from matplotlib.patheffects import withStroke

        outline = [withStroke(linewidth=2.5, foreground="white")]
        how: dict[str, Any] = {"fontsize": self.size, "va": "bottom", "path_effects": outline, "zorder": 5}
        for x, (text,), color in self.with_room(labels):
            note(self.ax, text, (x, y - 0.25), (0, 0), color=color, in_layout=False, **how)

    def with_room(self, labels: Iterable[Label]) -> list[Label]:
        """Return those labels of one row that have room, each with the text that has."""
        return list(with_room(labels, self.character, self.left, self.right))

    def crowds(self, places: Sequence[float], room: float) -> list[list[int]]:
        """Return the numbers of those places that stand closer than `room` (units of x), together; `places` rise."""
        found: list[list[int]] = []
        for number, place in enumerate(places):
            if found and place - places[found[-1][-1]] < room:
                found[-1].append(number)
            else:
                found.append([number])
        return found


def time_shown(
    frame: pd.DataFrame, uptimes: pd.DataFrame | None, goes_on: bool = False
) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return the first event's time, and the last one's or that of what became of a process soon after.

    Some time is added where something still goes on, or where no process of a role is up.
    """
    import pandas as pd

    begin, end = frame.time.min(), frame.time.max()
    if uptimes is not None:
        changes = pd.concat([uptimes.begin, uptimes.end]).dropna()
        end = max([end, *changes[changes <= end + pd.Timedelta(seconds=AFTERWARDS_SECONDS)]])
        up = uptimes[(uptimes.begin <= end) & (uptimes.end.isna() | (uptimes.end > end))]
        goes_on |= set(up.role) < set(uptimes.role)
    return begin, end + GOES_ON * (end - begin) if goes_on else end
