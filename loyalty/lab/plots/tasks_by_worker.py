"""Draw the completed Workflow Tasks and activities of each worker process over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loyalty.lab.plots.shared.drawing import GREY, INK, PALE, PALETTE, counted, note
from loyalty.lab.plots.shared.time_chart import TimeChart, time_shown
from loyalty.lab.plots.shared.worker_bars import (
    Worker,
    add_ends_to_legend,
    draw_worker,
    refuse_too_many,
    workers_within,
)
from loyalty.messages import workflow_id

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

KINDS = {  # event type: words, marker, colour, top and bottom of its band as parts of a row
    "WorkflowTaskCompleted": ("Workflow Task", "o", PALETTE["blue"], (-0.32, -0.07)),
    "ActivityTaskCompleted": ("activity", "^", PALETTE["green"], (0.07, 0.32)),
}
HEIGHT = 0.84
"""The height of a worker's bar, as a part of a row."""

ROW, LOWEST = 0.65, 2.9
"""Inches: the height of a row with three lines of counts, and the least height of the picture."""

LARGEST, SMALLEST = 6.0, 2.2
"""Points; each workflow makes the markers smaller by a twentieth of a point."""


def tasks_by_worker(frame: pd.DataFrame, uptimes: pd.DataFrame | None = None, ax: Axes | None = None) -> Axes:
    """Draw one row per worker process, and one marker per completed Workflow Task or activity.

    `frame`: a DataFrame from `history.frame`, for any number of workflows.
    In each row, the Workflow Tasks are above the activities. The markers of different workflows have
    different heights.
    `uptimes`: the DataFrame from `lab.uptimes()`. With `uptimes`, the picture also shows idle workers.
    Without `uptimes`, the row names are the identities of the workers.
    Raise ValueError if the picture would show no workers or more than MOST_WORKERS workers.
    """
    done = frame[frame.type.isin(KINDS) & frame.identity.notna()]
    workers = _workers(frame, done, uptimes)
    if not workers:
        raise ValueError(
            f"Cannot draw the tasks of each worker: no worker completed a task in these {len(frame):,} events; "
            "expected events with WorkflowTaskCompleted or ActivityTaskCompleted among them"
        )
    refuse_too_many(workers)
    chart = TimeChart(ax, len(workers), *time_shown(frame, uptimes), row=ROW, lowest=LOWEST)
    ax = chart.ax
    ax.set_ylim(len(workers) - 0.5, -0.5)
    worker_texts = []
    places = {who: number for number, who in enumerate(done.workflow_id.unique())}
    what = "customer" if all(str(who).startswith(workflow_id("")) for who in places) else "workflow"
    for row, worker in enumerate(workers):
        ax.axhline(row, color=PALE, lw=1, zorder=0.5)
        draw_worker(chart, row, worker, HEIGHT, faint=True)
        of_worker = done[done.identity == worker.identity]
        for type_, (words, marker, color, (top, bottom)) in KINDS.items():
            events = of_worker[of_worker.type == type_]
            step = (bottom - top) / max(len(places) - 1, 1)
            first = row + top if len(places) > 1 else row + (top + bottom) / 2
            y = [first + step * places[who] for who in events.workflow_id]
            how: dict[str, Any] = {
                "ms": max(SMALLEST, LARGEST - len(places) / 20),
                "color": color,
                "mew": 0,
                "zorder": 3,
            }
            ax.plot([chart.at(time) for time in events.time], y, marker, ls="", gid=f"{worker.identity} {words}", **how)
        counts = _counts(of_worker, what)
        worker_texts.append(f"{worker.words}{f', {worker.ended_by}' if worker.ended_by else ''}: {', '.join(counts)}")
        color = INK if len(of_worker) else GREY
        where: dict[str, Any] = {"xycoords": ax.get_yaxis_transform(), "va": "center"}
        note(ax, "\n".join(counts), (1, row), (8, 0), color=color, fontsize=9, **where)
    for words, marker, color, _ in KINDS.values():
        ax.plot([], [], marker, ms=LARGEST, color=color, mew=0, label=f"{words} completed")
    add_ends_to_legend(ax)
    chart.name_rows({row: worker.words for row, worker in enumerate(workers)})
    title = f"Tasks completed by each worker: {counted(len(workers), 'worker')}, {counted(len(places), what)}"
    return chart.finish(title, "worker process", description="; ".join(worker_texts))


def _workers(frame: pd.DataFrame, done: pd.DataFrame, uptimes: pd.DataFrame | None) -> list[Worker]:
    """Return the workers in `uptimes`, followed by all other workers that completed a task."""
    known = workers_within(uptimes, *time_shown(frame, uptimes)) if len(frame) else []
    others = dict.fromkeys(str(identity) for identity in done.identity)
    for worker in known:
        others.pop(worker.identity, None)
    return [*known, *(Worker("", identity) for identity in others)]


def _counts(of_worker: pd.DataFrame, what: str) -> list[str]:
    """Return the numbers of tasks, activities and workflows of one worker as texts, such as `2 tasks`."""
    tasks, activities = (int((of_worker.type == type_).sum()) for type_ in KINDS)
    counts = [counted(tasks, "task"), counted(activities, "activity"), counted(of_worker.workflow_id.nunique(), what)]
    return counts if len(of_worker) else ["no tasks"]
