"""Helpers for the accessibility tests: alternative texts, contrasts and a gallery of all plots."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from coloraide import Color
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loyalty.lab import plots
from tests.support.pictures import frame_of_events, frame_of_runs, frame_of_uptimes

HOUSE = Path(__file__).parents[2]

GRAPHICS, TEXT = 3.0, 4.5
"""The least contrasts of graphics [1.4.11] and of text [1.4.3] in WCAG 2.2."""

BACKGROUNDS = ("white", "#111111")
"""The backgrounds of JupyterLab's light theme and dark theme."""


def contrast(one: Any, other: str) -> float:
    return float(Color(one).contrast(other, method="wcag21"))


class Images(HTMLParser):
    """Collects the alternative text of each `<img>`."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.alt: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.alt.append(dict(attrs).get("alt") or "")


WORKER_1, WORKER_2 = "3@host", "4@host"
UPTIMES = frame_of_uptimes(
    ("mail server", "mail server", -9, 5, "stopped"),
    ("mail server", "mail server", 6, None, None),
    ("worker", "worker 1", -2, 3, "killed"),
    ("worker", "worker 2", 7, 12, "stopped"),
)
EMAIL: dict[str, object] = {"name": "sendEmail", "refers_to": 5}
EMAIL_HISTORY = frame_of_events(
    (0, "WorkflowExecutionSignaled", {"name": "addPoints", "detail": "500"}),
    (0, "WorkflowTaskScheduled", {}),
    (0.1, "WorkflowTaskStarted", {"refers_to": 2, "identity": WORKER_1}),
    (0.2, "WorkflowTaskCompleted", {"refers_to": 2, "identity": WORKER_1}),
    (0.2, "ActivityTaskScheduled", {"name": "sendEmail"}),
    (8, "WorkflowExecutionUpdateAccepted", {"name": "addLoyaltyPoint", "detail": "1"}),
    (8, "ActivityTaskStarted", {**EMAIL, "identity": WORKER_2, "attempt": 2, "detail": "StartToClose"}),
    (9, "ActivityTaskFailed", {**EMAIL, "identity": WORKER_2, "detail": "refused"}),
    (9, "ActivityTaskScheduled", {"name": "sendEmail"}),
    (9, "ActivityTaskCompleted", {"name": "sendEmail", "refers_to": 9, "identity": WORKER_2}),
)
MANY = pd.concat([frame_of_runs(1, number, f"customer-{number}") for number in range(1, 13)])
KEPT = pd.Series({"naive": 18, "carrying": 300}).rename_axis("variant")

Draw = Callable[[pd.DataFrame], Axes]
GALLERY: dict[str, Draw] = {
    "bars": lambda _: plots.bars(KEPT, "Points kept", "points", of=300),
    "event_sequence": lambda _: plots.event_sequence(EMAIL_HISTORY),
    "growth": lambda _: plots.growth(MANY, threshold=90, limit=100, warning=None),
    "growth with predictions": lambda _: plots.growth(
        frame_of_runs(), by="purchases", prediction={"mine": 4, "hers": 9}
    ),
    "sawtooth": lambda _: plots.sawtooth(frame_of_runs(), threshold=40),
    "messages": lambda story: plots.messages(story),
    "family_tree": lambda story: plots.family_tree(story),
    "timeline": lambda _: plots.timeline(EMAIL_HISTORY, UPTIMES),
    "tasks_by_worker": lambda _: plots.tasks_by_worker(EMAIL_HISTORY, UPTIMES),
}
each_picture = pytest.mark.parametrize("draw", GALLERY.values(), ids=GALLERY)


def figure_of(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure
