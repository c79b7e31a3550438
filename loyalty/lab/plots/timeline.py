"""Draw messages, Workflow Tasks, activities and worker processes over time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from loyalty.lab.plots.shared.drawing import GREY, PALE, counted
from loyalty.lab.plots.shared.durations import COMPLETED, WORKFLOW_TASKS, Task, outages, tasks_in
from loyalty.lab.plots.shared.time_chart import ABOVE, BELOW, TimeChart, time_shown
from loyalty.lab.plots.shared.timeline_rows import (
    MARKS,
    RECEIVED,
    draw_messages,
    draw_tasks,
    draw_worker_and_counts,
)
from loyalty.lab.plots.shared.worker_bars import DOWN, WORDS_HEIGHT, draw_outages, refuse_too_many, workers_within

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Draw: TypeAlias = Callable[[TimeChart, float], None]

MOST_WORKFLOWS = 6
"""The rows of more workflows would be too low."""

HEADING, GAP = 0.7, 0.3
"""The height of a workflow's name and of the space above the worker processes, in rows."""


def timeline(
    frame: pd.DataFrame,
    uptimes: pd.DataFrame | None = None,
    ax: Axes | None = None,
    *,
    title: str = "Messages, tasks and processes over time",
) -> Axes:
    """Draw the messages, Workflow Tasks and activities of each workflow over time.

    The worker processes are drawn below the workflows.
    `frame`: all or some rows of a DataFrame from `history.frame`.
    `uptimes`: the DataFrame from `lab.uptimes()`.
    A bar begins when the task is scheduled. The solid part of a bar shows the last attempt.
    A hatched area shows a time without a running worker, mail server or Temporal server.
    Raise ValueError if there are no events, too many workflows (MOST_WORKFLOWS) or too many workers (MOST_WORKERS).
    """
    workflows = list(dict.fromkeys(frame.workflow_id))
    if not 0 < len(workflows) <= MOST_WORKFLOWS:
        raise ValueError(
            f"Cannot draw {len(workflows):,} workflows ({len(frame):,} events) in one picture; "
            f"expected 1 to {MOST_WORKFLOWS} workflows, such as frame[frame.workflow_id.isin([...])]"
        )
    tasks = {workflow_id: tasks_in(frame[frame.workflow_id == workflow_id]) for workflow_id in workflows}
    has_open_task = any(one.end is None for of_one in tasks.values() for one in of_one)
    begin, end = time_shown(frame, uptimes, has_open_task)
    workers = workers_within(uptimes, begin, end)
    refuse_too_many(workers)
    down = outages(uptimes, begin, end) if uptimes is not None else []
    names: dict[float, str] = {}
    drawn: dict[float, Draw] = {}
    y = 0.0
    for workflow_id in workflows:
        if len(workflows) > 1:
            names[y] = workflow_id
            y += HEADING
        for name, draw in _rows(frame[frame.workflow_id == workflow_id], tasks[workflow_id]):
            names[y], drawn[y] = name, draw
            y += 1
    y += GAP
    for worker in workers:
        names[y], drawn[y] = worker.words, partial(draw_worker_and_counts, worker=worker, frame=frame)
        y += 1
    top = -ABOVE - WORDS_HEIGHT * len({outage.role for outage in down})
    bottom = max(names, default=0) + BELOW
    chart = TimeChart(ax, bottom - top, begin, end)
    ax = chart.ax
    ax.set_ylim(bottom, top)
    draw_outages(chart, down, top)
    for y, draw in drawn.items():
        ax.axhline(y, color=PALE, lw=1, zorder=0.5)
        draw(chart, y)
    chart.name_rows(names)
    for y, label in zip(names, ax.get_yticklabels(), strict=True):
        label.set_fontweight("normal" if y in drawn else "bold")
    _fill_legend(ax)
    histories = [_description(frame[frame.workflow_id == who], tasks[who]) for who in workflows]
    processes = [f"{worker.words} {worker.ended_by or 'up'}" for worker in workers]
    gaps = [f"{DOWN[one.role][0]} for {(one.end - one.begin).total_seconds():.1f} s" for one in down]
    description = "; ".join([f"{chart.at(frame.time.max()):,.1f} seconds", *histories, *processes, *gaps])
    return chart.finish(title, "histories and processes", description=description)


def _description(events: pd.DataFrame, tasks: list[Task]) -> str:
    """Return a text with the numbers of messages, tasks and failures in one workflow."""
    counts = [counted(int((events.type == type_).sum()), mark.words) for type_, mark in RECEIVED.items()]
    by_row = {row: [one for one in tasks if one.row == row] for row in dict.fromkeys(one.row for one in tasks)}
    counts += [f"{len(of_row)} x {row}" for row, of_row in by_row.items()]
    outcomes = [one.outcome or "still open" for one in tasks if one.outcome != COMPLETED]
    counts += [f"{outcomes.count(outcome)} {outcome}" for outcome in dict.fromkeys(outcomes)]
    return f"{events.workflow_id.iloc[0]}: {', '.join(counts)}"


def _rows(events: pd.DataFrame, tasks: list[Task]) -> Iterator[tuple[str, Draw]]:
    """Yield a name and a drawing function for each row of one workflow."""
    received = events[events.type.isin(RECEIVED)]
    if len(received):
        yield "messages", partial(draw_messages, received=received)
    by_name: dict[str, list[Task]] = {}
    for task in tasks:
        by_name.setdefault(task.row, []).append(task)
    for name in sorted(by_name, key=lambda name: name != WORKFLOW_TASKS):
        yield name, partial(draw_tasks, tasks=by_name[name])


def _fill_legend(ax: Axes) -> None:
    """Add each kind of mark in the picture to the legend."""
    from matplotlib.patches import Rectangle

    drawn = {artist.get_gid() for artist in [*ax.lines, *ax.patches]}
    for mark in MARKS:
        if mark.words in drawn:
            mark.plot(ax, [], [], label=mark.words)
    if "waiting" in drawn:
        pale, firm = {"facecolor": (GREY, 0.25), "edgecolor": GREY}, {"facecolor": GREY}
        ax.add_patch(Rectangle((0, 0), 0, 0, label="before the last attempt", **pale))  # type: ignore[arg-type]
        ax.add_patch(Rectangle((0, 0), 0, 0, label="last attempt", **firm))  # type: ignore[arg-type]
