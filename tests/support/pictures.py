"""Helpers for tests of plots: DataFrames without a server, and functions that read a plot."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd

mpl.use("Agg")

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

PURCHASE = [  # type, name, distance to the event that this event refers to (0: none)
    ("WorkflowExecutionSignaled", "addPoints", 0),
    ("WorkflowTaskScheduled", None, 0),
    ("WorkflowTaskStarted", None, 1),
    ("WorkflowTaskCompleted", None, 2),
    ("ActivityTaskScheduled", "sendEmail", 1),
    ("ActivityTaskStarted", "sendEmail", 1),
    ("ActivityTaskCompleted", "sendEmail", 2),
    ("WorkflowTaskScheduled", None, 0),
    ("WorkflowTaskStarted", None, 1),
    ("WorkflowTaskCompleted", None, 2),
]


def frame_of_runs(runs: int = 3, purchases: int = 4, workflow_id: str = "customer-ada") -> pd.DataFrame:
    """Return a DataFrame like `history.frame`, with one event per millisecond.

    All runs except the last continue as new.
    """
    rows = []
    for run in range(1, runs + 1):
        events = [("WorkflowExecutionStarted", "CustomerLoyaltyWorkflow", 0), *PURCHASE * purchases]
        if run < runs:
            events.append(("WorkflowExecutionContinuedAsNew", "CustomerLoyaltyWorkflow", 1))
        for event_id, (type_, name, back) in enumerate(events, start=1):
            rows.append((workflow_id, run, event_id, type_, name, event_id - back if back else None))
    frame = pd.DataFrame(rows, columns=["workflow_id", "run", "event_id", "type", "name", "refers_to"])
    frame["refers_to"] = frame.refers_to.astype("Int64")
    frame["time"] = pd.date_range("2026-01-01", periods=len(frame), freq="ms", tz="UTC")
    return frame


START = pd.Timestamp("2026-01-01", tz="UTC")
FIELDS = ["workflow_id", "run", "event_id", "time", "type", "name", "detail", "attempt", "refers_to", "identity"]


def frame_of_events(
    *events: tuple[float, str, Mapping[str, object]], who: str = "customer-ada", run: int = 1
) -> pd.DataFrame:
    """Return a DataFrame like `history.frame` for one run, from tuples (seconds, type, other columns)."""
    rows = [
        (who, run, event_id, START + pd.Timedelta(seconds, "s"), type_, *(others.get(field) for field in FIELDS[5:]))
        for event_id, (seconds, type_, others) in enumerate(events, start=1)
    ]
    frame = pd.DataFrame(rows, columns=FIELDS)
    dtypes = {"time": "datetime64[ns, UTC]", "attempt": "Int64", "refers_to": "Int64"}
    texts = dict.fromkeys(("type", "name", "detail", "identity"), "str")
    return frame.astype({**dtypes, **texts})


def frame_of_uptimes(*uptimes: tuple[str, str, float, float | None, str | None]) -> pd.DataFrame:
    """Return a DataFrame like `lab.uptimes`, from tuples (role, name, begin and end in seconds, ended_by)."""
    rows = [
        {
            "role": role,
            "name": name,
            "identity": f"{number}@host" if role == "worker" else None,
            "begin": START + pd.Timedelta(begin, "s"),
            "end": None if end is None else START + pd.Timedelta(end, "s"),
            "ended_by": ended_by,
        }
        for number, (role, name, begin, end, ended_by) in enumerate(uptimes, start=1)
    ]
    return pd.DataFrame(rows).astype({"begin": "datetime64[ns, UTC]", "end": "datetime64[ns, UTC]"})


def coordinates(line: Line2D) -> tuple[list[float], list[float]]:
    """Return the x values and the y values of a line."""
    return np.asarray(line.get_xdata(), dtype=float).tolist(), np.asarray(line.get_ydata(), dtype=float).tolist()


def all_texts(ax: Axes) -> list[str]:
    """Return the texts in the picture and in the legend."""
    legend = ax.get_legend()
    return [text.get_text() for text in [*ax.texts, *(legend.get_texts() if legend else [])]]


def inner_texts(ax: Axes) -> list[str]:
    """Return the texts in the picture without the legend."""
    return [text.get_text() for text in ax.texts if text.get_text()]


def legend_entries(ax: Axes) -> list[str]:
    """Return the texts of the legend."""
    legend = ax.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []
