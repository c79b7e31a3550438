"""Draw a bar for each worker process, and a hatched area for each outage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from loyalty.lab.plots.shared.drawing import GREY, INK, PALETTE
from loyalty.lab.plots.shared.durations import Outage
from loyalty.lab.plots.shared.labels import Label

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from loyalty.lab.plots.shared.time_chart import TimeChart

MOST_WORKERS = 8
"""The rows of more workers would be too low."""

WORDS_HEIGHT = 0.7
"""The height of the labels for the outages of one role, in rows."""

PADDING = 0.04
"""Inches before each of these labels."""

FIRM, FAINT = "#C9C9C9", "#F0F0F0"

ENDS = {"killed": ("X", 10.0), "died": ("P", 10.0), "stopped": ("s", 6.5)}
"""The end of a process: marker and size."""

DOWN = {
    "worker": ("no worker", "///", PALETTE["black"]),
    "mail server": ("mail server down", "...", PALETTE["orange"]),
    "Temporal server": ("Temporal server down", "xxx", PALETTE["vermillion"]),
}
"""Role: label, hatch and colour of its outages."""


class Worker(NamedTuple):
    """A worker process; `end` is None for a running process.

    If the uptime is unknown, `name` is empty and `begin` is None.
    """

    name: str
    identity: str
    begin: pd.Timestamp | None = None
    end: pd.Timestamp | None = None
    ended_by: str = ""

    @property
    def words(self) -> str:
        """The worker's name and process id, such as `worker 1 (4711)`, or the identity if the name is empty."""
        return f"{self.name} ({self.identity.partition('@')[0]})" if self.name else self.identity


def workers_within(uptimes: pd.DataFrame | None, begin: pd.Timestamp, end: pd.Timestamp) -> list[Worker]:
    """Return the worker processes that were running between `begin` and `end`, oldest first."""
    import pandas as pd

    if uptimes is None:
        return []
    shown = uptimes[(uptimes.role == "worker") & (uptimes.begin <= end) & (uptimes.end.isna() | (uptimes.end >= begin))]
    rows: list[Any] = list(shown.sort_values("begin").itertuples())
    return [Worker(up.name, up.identity, up.begin, *(() if pd.isna(up.end) else (up.end, up.ended_by))) for up in rows]


def refuse_too_many(workers: Sequence[Worker]) -> None:
    """Raise ValueError if there are more than MOST_WORKERS workers."""
    if len(workers) > MOST_WORKERS:
        raise ValueError(
            f"Cannot draw {len(workers)} worker processes in one picture; expected up to {MOST_WORKERS} in the "
            "time shown; use a part, such as frame[frame.time > ...]"
        )


def draw_worker(chart: TimeChart, y: float, worker: Worker, height: float = 0.3, faint: bool = False) -> None:
    """Draw the uptime of a worker process as a bar, and the end of the process as a marker."""
    if worker.begin is None:
        return
    begin, end = chart.clipped(worker.begin), chart.clipped(worker.end)
    line = {"lw": 0.4} if faint else {"lw": 0.8}
    how: dict[str, Any] = {"color": FAINT if faint else FIRM, "edgecolor": GREY, "zorder": 1.2, **line}
    chart.ax.barh(y, end - begin, left=begin, height=height, gid="up", **how)
    if worker.end is not None and worker.end <= chart.end:
        marker, size = ENDS[worker.ended_by]
        chart.ax.plot(end, y, marker, ms=size, color=INK, mec="white", zorder=4, gid=worker.ended_by)


def add_ends_to_legend(ax: Axes) -> None:
    """Explain the markers of ended processes (killed, dead or stopped) in the legend."""
    drawn = {line.get_gid() for line in ax.lines}
    for ended_by, (marker, size) in ENDS.items():
        if ended_by in drawn:
            ax.plot([], [], marker, ms=size, color=INK, mec="white", label=ended_by)


def draw_outages(chart: TimeChart, down: Sequence[Outage], top: float) -> None:
    """Draw a hatched area with a label at the top for each outage."""
    for outage in down:
        begin = chart.clipped(outage.begin)
        end = chart.right if outage.end >= chart.end else chart.clipped(outage.end)
        _, hatch, color = DOWN[outage.role]
        how: dict[str, Any] = {"hatch": hatch, "edgecolor": (color, 0.18), "facecolor": (color, 0.06), "lw": 0}
        chart.ax.axvspan(begin, end, zorder=0.2, gid=outage.role, **how)
        for side in (begin, end):
            chart.ax.axvline(side, color=color, lw=0.9, alpha=0.5, zorder=0.3)
    for level, role in enumerate(dict.fromkeys(outage.role for outage in down), start=1):
        begins = [chart.clipped(outage.begin) + PADDING * chart.inch for outage in down if outage.role == role]
        chart.write(top + WORDS_HEIGHT * level, [Label(begin, (DOWN[role][0],)) for begin in begins])
