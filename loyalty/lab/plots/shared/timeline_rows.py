"""Draw the rows of a timeline: messages, tasks and worker processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from loyalty.lab.plots.shared.drawing import GREY, INK, PALETTE, counted
from loyalty.lab.plots.shared.durations import COMPLETED, WORKFLOW_TASKS, Task, lanes
from loyalty.lab.plots.shared.labels import BETWEEN, Label, short
from loyalty.lab.plots.shared.worker_bars import Worker, draw_worker

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from loyalty.lab.plots.shared.time_chart import TimeChart

CROWDED = 0.12
"""Inches; marks with a smaller distance share one label with their count."""

BAR = 0.36
"""The height of a bar, as a part of a row."""

REASON_LENGTH = 60


class Mark(NamedTuple):
    """The name and the marker of one kind of event."""

    words: str
    marker: str
    size: float
    color: str

    def plot(self, ax: Axes, x: Sequence[float], y: Sequence[float], **how: Any) -> None:
        """Draw one marker at each position in `x` and `y`."""
        look: dict[str, Any] = {"ms": self.size, "color": self.color, "mec": "white", "mew": 0.6, "ls": "", "zorder": 3}
        ax.plot(x, y, self.marker, **look, **how)


RECEIVED = {
    "WorkflowExecutionSignaled": Mark("Signal", "o", 6.5, PALETTE["orange"]),
    "WorkflowExecutionUpdateAccepted": Mark("Update", "D", 6, PALETTE["purple"]),
}
DONE = Mark("completed", "o", 4.5, INK)
NOT_DONE = Mark("failed or timed out", "X", 9, PALETTE["vermillion"])
MARKS = (*RECEIVED.values(), DONE, NOT_DONE)


def draw_messages(chart: TimeChart, y: float, received: pd.DataFrame) -> None:
    """Draw a marker for each signal and update."""
    labels = []
    for type_, mark in RECEIVED.items():
        events = received[received.type == type_].sort_values("time")
        if events.empty:
            continue
        places = [chart.at(time) for time in events.time]
        crowds, of_type = _labelled(chart, places, events, mark)
        for crowd in crowds:
            chart.ax.plot([places[crowd[0]], places[crowd[-1]]], [y, y], color=mark.color, lw=1.5, zorder=2.5)
        labels += of_type
        mark.plot(chart.ax, places, [y] * len(places), gid=mark.words)
    chart.write(y, labels)


def _labelled(
    chart: TimeChart, places: Sequence[float], events: pd.DataFrame, mark: Mark
) -> tuple[list[list[int]], list[Label]]:
    """Return groups of nearby messages, and one label for each group."""
    names = [str(name) for name in events.name]
    with_arguments = [f"{name}({short(detail)})" for name, detail in zip(names, events.detail, strict=True)]
    crowded = CROWDED * chart.inch
    of_a_name = chart.character * (max(map(len, names)) + BETWEEN)
    for texts, apart in ((with_arguments, crowded), (names, crowded), (names, max(crowded, of_a_name))):
        crowds = chart.crowds(places, apart)
        labels = []
        for crowd in crowds:
            different = {texts[number] for number in crowd}
            text = different.pop() if len(different) == 1 else f"{mark.words}s"
            times = f"{len(crowd)} x "
            labels.append(Label(places[crowd[0]], (text,) if len(crowd) == 1 else (times + text, times.strip())))
        if len(chart.with_room(labels)) == len(labels):
            break
    return crowds, labels


def draw_tasks(chart: TimeChart, y: float, tasks: Sequence[Task]) -> None:
    """Draw a bar for each Workflow Task or activity; simultaneous bars are stacked."""
    ax, color = chart.ax, PALETTE["blue" if tasks[0].row == WORKFLOW_TASKS else "green"]
    tasks = sorted(tasks, key=lambda one: one.begin)
    begins, ends = [chart.at(one.begin) for one in tasks], [chart.clipped(one.end) for one in tasks]
    solid = [end if one.started is None else chart.at(one.started) for end, one in zip(ends, tasks, strict=True)]
    lane = lanes(list(zip(begins, ends, strict=True)))
    height = BAR / (1 + max(lane))
    middle = [y - BAR / 2 + height * (number + 0.5) for number in lane]
    pale: dict[str, Any] = {"color": (color, 0.25), "edgecolor": color, "lw": 0.7, "zorder": 2}
    ax.barh(middle, _less(ends, begins), height, begins, gid="waiting", **pale)
    ax.barh(middle, _less(ends, solid), height, solid, color=color, zorder=2.1, gid="recorded")
    for mark in (DONE, NOT_DONE):
        those = [number for number, one in enumerate(tasks) if one.end and (one.outcome == COMPLETED) is (mark is DONE)]
        if those:
            mark.plot(ax, [ends[number] for number in those], [middle[number] for number in those], gid=mark.words)
    still = [place for place, one in zip(middle, tasks, strict=True) if one.end is None]
    if still:
        ax.plot([chart.right] * len(still), still, ">", ms=8, color=color, clip_on=False, zorder=3, gid="open")
    labels = [Label(begin, task_texts(one)) for begin, one in zip(begins, tasks, strict=True)]
    without_text = sorted(end for end, one in zip(ends, tasks, strict=True) if not task_texts(one))
    for crowd in chart.crowds(without_text, CROWDED * chart.inch):
        labels += [Label(without_text[crowd[0]], (f"{len(crowd)} x",), GREY)] if len(crowd) > 1 else []
    chart.write(y, labels)


def task_texts(one: Task) -> tuple[str, ...]:
    """Return the possible labels of a task, longest first.

    A task that succeeds at its first attempt has no label.
    """
    reason = one.reason if len(one.reason) <= REASON_LENGTH else one.reason[: REASON_LENGTH - 1] + "…"
    between = ": "
    if one.outcome == COMPLETED and one.attempt == 1:
        return ()
    if one.outcome == COMPLETED:
        words, between = f"attempt {one.attempt}", ", after "
    elif one.attempt > 1:
        words = f"{one.outcome or 'still open'} after {one.attempt} attempts"
    else:
        words = one.outcome or "still open"
    return (words + between + reason, words) if reason else (words,)


def draw_worker_and_counts(chart: TimeChart, y: float, worker: Worker, frame: pd.DataFrame) -> None:
    """Draw a worker's uptime, and write the number of tasks that the worker completed."""
    draw_worker(chart, y, worker)
    types = frame[frame.identity == worker.identity].type
    tasks, activities = (int((types == f"{kind}TaskCompleted").sum()) for kind in ("Workflow", "Activity"))
    counts = [counted(tasks, "Workflow Task"), counted(activities, "activity")] if tasks + activities else ["no tasks"]
    ended = [worker.ended_by] if worker.ended_by else []
    chart.write(y, [Label(chart.clipped(worker.begin), (", ".join(counts + ended), *ended))])


def _less(ends: Sequence[float], begins: Sequence[float]) -> list[float]:
    return [end - begin for end, begin in zip(ends, begins, strict=True)]
