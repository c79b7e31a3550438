"""What the tests of pictures share: frames without a server, and how to read what was drawn."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd

mpl.use("Agg")

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

PURCHASE = [  # type, name, how many events before stands what it refers to
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
    """A frame as `history.frame` makes it: every run but the last continues as new; one event per millisecond."""
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
    """A frame of one run as `history.frame` makes it, of (seconds, type, other columns)."""
    rows = [
        (who, run, event_id, START + pd.Timedelta(seconds, "s"), type_, *(others.get(field) for field in FIELDS[5:]))
        for event_id, (seconds, type_, others) in enumerate(events, start=1)
    ]
    frame = pd.DataFrame(rows, columns=FIELDS)
    dtypes = {"time": "datetime64[ns, UTC]", "attempt": "Int64", "refers_to": "Int64"}
    texts = dict.fromkeys(("type", "name", "detail", "identity"), "str")
    return frame.astype({**dtypes, **texts})


def frame_of_uptimes(*uptimes: tuple[str, str, float, float | None, str | None]) -> pd.DataFrame:
    """A frame as `lab.uptimes` makes it, of (role, name, begin and end in seconds, ended_by); process n is in row n."""
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
    """The x and the y of what a line shows."""
    return np.asarray(line.get_xdata(), dtype=float).tolist(), np.asarray(line.get_ydata(), dtype=float).tolist()


def all_texts(ax: Axes) -> list[str]:
    """Everything that is written in the picture, beside its axes."""
    legend = ax.get_legend()
    return [text.get_text() for text in [*ax.texts, *(legend.get_texts() if legend else [])]]


def inner_texts(ax: Axes) -> list[str]:
    """Texts in the picture itself."""
    return [text.get_text() for text in ax.texts if text.get_text()]


def legend_entries(ax: Axes) -> list[str]:
    """The entries of the legend."""
    legend = ax.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []
