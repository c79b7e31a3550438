"""Draw a chart with named rows and a time axis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from loyalty.lab.plots.shared.drawing import axes_or_new, finish, inches, legend, note
from loyalty.lab.plots.shared.labels import CHARACTER, Label, with_room

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

AFTERWARDS_SECONDS = 15
"""The start or end of a process is shown up to this time after the last event."""

ROW, AROUND = 0.36, 1.45
"""Inches: the height of a row, and the height of title, ticks, axis label and legend."""

ABOVE, BELOW = 0.65, 0.4
"""The space above and below the marks of a row, as parts of a row; the labels are above."""

MARGIN = 0.012
"""The space on both sides, as a part of the time shown."""

EXTRA_TIME = 0.1
"""The extra time after an open task or outage, as a part of the time shown."""

LARGEST, SMALLEST = 8.0, 5.5
"""Points; the font sizes of labels."""

LARGEST_NAME = 10.0
"""Points; the largest font size of row names."""

LEGEND_COLUMN = 1.8
"""Inches; the width of a column in the legend."""


class TimeChart:
    """Axes with seconds since `begin` on the x axis, and rows from top to bottom.

    In a new figure, each row is `row` inches high. The smallest height of the figure is `lowest` inches.
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
        """Write the row names on the left and the seconds below the chart. Rows of small height get a smaller font."""
        self.ax.set_yticks(list(names), list(names.values()), fontsize=self.size * LARGEST_NAME / LARGEST)
        self.ax.xaxis.set_major_formatter("{x:,g}")
        self.ax.spines["left"].set_visible(False)

    def finish(self, title: str, ylabel: str, *, description: str) -> Axes:
        """Write the title and the axis labels, put the legend below, and return the Axes.

        The alternative text contains `title` and `description`.
        """
        wide, high = inches(self.ax)
        legend(self.ax, below=0.62 / high, columns=max(1, int(wide / LEGEND_COLUMN)))
        return finish(self.ax, title, "seconds since the first event shown", ylabel, description=description)

    def at(self, time: pd.Timestamp) -> float:
        """Return the x value of a time."""
        return float((time - self.begin).total_seconds())

    def clipped(self, time: pd.Timestamp | None) -> float:
        """Return the x value of a time, or of the nearest edge if the time is outside the chart.

        Return the right edge if `time` is None.
        """
        import pandas as pd

        return self.right if pd.isna(time) else min(max(self.at(time), self.left), self.right)

    def write(self, y: float, labels: Iterable[Label]) -> None:
        """Write labels above row `y`; leave out labels for which there is no space."""
        from matplotlib.patheffects import withStroke

        outline = [withStroke(linewidth=2.5, foreground="white")]
        how: dict[str, Any] = {"fontsize": self.size, "va": "bottom", "path_effects": outline, "zorder": 5}
        for x, (text,), color in self.with_room(labels):
            note(self.ax, text, (x, y - 0.25), (0, 0), color=color, in_layout=False, **how)

    def with_room(self, labels: Iterable[Label]) -> list[Label]:
        """Return the labels that fit into one row. Each label in `labels` must have one text."""
        return list(with_room(labels, self.character, self.left, self.right))

    def crowds(self, places: Sequence[float], room: float) -> list[list[int]]:
        """Group nearby `places`, and return the indices of each group. `places` is sorted.

        Neighbours in a group are less than `room` apart.
        """
        found: list[list[int]] = []
        for number, place in enumerate(places):
            if found and place - places[found[-1][-1]] < room:
                found[-1].append(number)
            else:
                found.append([number])
        return found


def time_shown(
    frame: pd.DataFrame, uptimes: pd.DataFrame | None, has_open_task: bool = False
) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return the first and the last time on the x axis.

    The last time is the time of the last event, or the time of a process start or end shortly after the last event.
    If a task is still open or no process runs, some time is added.
    """
    import pandas as pd

    begin, end = frame.time.min(), frame.time.max()
    if uptimes is not None:
        changes = pd.concat([uptimes.begin, uptimes.end]).dropna()
        end = max([end, *changes[changes <= end + pd.Timedelta(seconds=AFTERWARDS_SECONDS)]])
        up = uptimes[(uptimes.begin <= end) & (uptimes.end.isna() | (uptimes.end > end))]
        has_open_task |= set(up.role) < set(uptimes.role)
    return begin, end + EXTRA_TIME * (end - begin) if has_open_task else end
