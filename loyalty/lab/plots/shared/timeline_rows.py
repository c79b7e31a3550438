"""The rows of a timeline: messages, tasks and worker processes, each with as many words as have room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from loyalty.lab.plots.shared.drawing import GREY, INK, PALETTE, many
from loyalty.lab.plots.shared.durations import COMPLETED, GIVEN_UP, WORKFLOW_TASKS, Task, lanes
from loyalty.lab.plots.shared.labels import BETWEEN, Label
from loyalty.lab.plots.shared.sent_messages import short
from loyalty.lab.plots.shared.worker_bars import Worker, draw_worker

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from loyalty.lab.plots.shared.time_chart import TimeChart

CROWDED = 0.12
"""Inches; what stands closer to each other than this is counted."""

BAR = 0.36
"""Of a row."""

REASON_LENGTH = 60


class Mark(NamedTuple):
    """How something that happened at one moment is drawn."""

    words: str
    marker: str
    size: float
    color: str

    def plot(self, ax: Axes, x: Sequence[float], y: Sequence[float], **how: Any) -> None:
        """Draw it at several places."""
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
    """Draw a marker per signal and update."""
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
    """Return which messages share a label, and the labels: as much as has room is told of each."""
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
    """Draw a bar per Workflow Task or activity; those at the same time stand above each other."""
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
    labels = [Label(begin, words_about(one)) for begin, one in zip(begins, tasks, strict=True)]
    smooth = sorted(end for end, one in zip(ends, tasks, strict=True) if not words_about(one))
    for crowd in chart.crowds(smooth, CROWDED * chart.inch):
        labels += [Label(smooth[crowd[0]], (f"{len(crowd)} x",), GREY)] if len(crowd) > 1 else []
    chart.write(y, labels)


def words_about(one: Task) -> tuple[str, ...]:
    """Return what there is to say about a task, from long to short; nothing where the first attempt succeeded."""
    reason = one.reason if len(one.reason) <= REASON_LENGTH else one.reason[: REASON_LENGTH - 1] + "…"
    between = ": "
    if one.outcome == COMPLETED and one.attempt == 1:
        return ()
    if one.outcome == COMPLETED:
        words, between = f"attempt {one.attempt}", ", after "
    elif one.attempt > 1:
        words = f"{one.attempt} attempts, {'given up' if one.outcome in GIVEN_UP else one.outcome}"
    else:
        words = one.outcome or "not done yet"
    return (words + between + reason, words) if reason else (words,)


def draw_worker_and_counts(chart: TimeChart, y: float, worker: Worker, frame: pd.DataFrame) -> None:
    """Draw when a worker was up, what it completed in all, and how it ended."""
    draw_worker(chart, y, worker)
    types = frame[frame.identity == worker.identity].type
    tasks, activities = (int((types == f"{kind}TaskCompleted").sum()) for kind in ("Workflow", "Activity"))
    counts = [many(tasks, "Workflow Task"), many(activities, "activity")] if tasks + activities else ["nothing served"]
    ended = [worker.ended_by] if worker.ended_by else []
    chart.write(y, [Label(chart.clipped(worker.begin), (", ".join(counts + ended), *ended))])


def _less(ends: Sequence[float], begins: Sequence[float]) -> list[float]:
    return [end - begin for end, begin in zip(ends, begins, strict=True)]
