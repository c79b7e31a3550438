"""Pictures: what they say, not how they look."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from loyalty.lab import drawing, plots

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


def life(runs: int = 3, purchases: int = 4, workflow_id: str = "customer-ada") -> pd.DataFrame:
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


def drawn(line: Line2D) -> tuple[list[float], list[float]]:
    """The x and the y of what a line shows."""
    return np.asarray(line.get_xdata(), dtype=float).tolist(), np.asarray(line.get_ydata(), dtype=float).tolist()


def texts(ax: Axes) -> list[str]:
    """Everything that is written in the picture, beside its axes."""
    legend = ax.get_legend()
    return [text.get_text() for text in [*ax.texts, *(legend.get_texts() if legend else [])]]


@pytest.fixture(autouse=True)
def _closed_figures() -> Iterator[None]:
    yield
    plt.close("all")


STRIP = life(1, 2)
PICTURES = {
    "event_strip": lambda ax: plots.event_strip(STRIP, ax),
    "growth": lambda ax: plots.growth(life(), ax),
    "growth by purchases": lambda ax: plots.growth(life(), ax, by="purchases", prediction=4),
    "sawtooth": lambda ax: plots.sawtooth(life(), ax, threshold=40),
    "bars": lambda ax: plots.bars(pd.Series({"naive": 18}).rename_axis("variant"), "Kept", "messages", ax, of=300),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_has_a_title_and_labelled_axes(name: str) -> None:
    ax = PICTURES[name](None)
    assert ax.get_title(loc="left")
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    assert tuple(plt.gcf().get_size_inches()) == (8, 4)


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_can_be_drawn_beside_others(name: str) -> None:
    given = plt.subplots(1, 2)[1][1]
    assert PICTURES[name](given) is given


def test_a_strip_shows_every_event_once_and_names_what_has_a_name() -> None:
    ax = plots.event_strip(STRIP)
    marks = [x for line in ax.lines if line.get_marker() != "None" for x in drawn(line)[0]]
    assert sorted(marks) == STRIP.event_id.to_list()
    written = texts(ax)
    assert written.count("addPoints") == 2
    assert written.count("sendEmail") == 2
    assert "started" in written
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Signal", "Workflow", "Workflow Task", "Activity"]


def test_a_strip_counts_a_burst_instead_of_writing_names_over_each_other() -> None:
    burst = pd.concat([STRIP.head(2)] * 20, ignore_index=True)
    burst["type"], burst["name"], burst["event_id"] = "WorkflowExecutionSignaled", "addPoints", range(1, 41)
    assert [text for text in texts(plots.event_strip(burst)) if "addPoints" in text] == ["40 x addPoints"]


@pytest.mark.parametrize("frame", [life(1, 7), life(2, 1), life().head(0)], ids=["long", "two runs", "empty"])
def test_a_strip_refuses_what_would_not_be_legible(frame: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"Cannot label .* events of \d runs in one strip; possible are 1 to 60"):
        plots.event_strip(frame)


def test_growth_draws_each_run_and_the_prediction() -> None:
    frame = life()
    ax = plots.growth(frame, by="purchases", prediction={"mine": 4, "hers": 9}, threshold=40)
    lines = {str(line.get_label()): line for line in ax.lines}
    for run, events in frame.groupby("run"):
        x, y = drawn(lines[f"customer-ada, run {run}"])
        assert y == events.event_id.to_list()
        assert x[-1] == 4
    assert drawn(lines["mine: 4 events per purchase"]) == ([0, 4], [0, 16])
    assert "hers: 9 events per purchase" in lines
    assert {"limit", "server warns", "threshold 40"} <= set(texts(ax))
    ticks = [label.get_text() for label in ax.get_yticklabels()]
    assert {"51,200", "10,240"} <= set(ticks), "what stands above the break of the axis is named there"


def test_growth_over_time_is_in_seconds_and_never_runs_backwards() -> None:
    frame = life(1)
    frame.loc[5, "time"] = frame.time[3]  # a signal that was buffered while a Workflow Task ran
    x, _ = drawn(plots.growth(frame).lines[0])
    assert x[0] == 0
    assert x[-1] == pytest.approx(0.001 * (len(frame) - 1))
    assert (np.diff(x) >= 0).all()


def test_growth_draws_the_limit_to_scale_once_the_data_come_near() -> None:
    ax = plots.growth(life(1), limit=60, warning=50)
    assert {"limit 60", "server warns 50"} <= set(texts(ax))
    assert any(drawn(line)[1] == [60, 60] for line in ax.lines)


def test_growth_tells_customers_apart() -> None:
    both = pd.concat([life(1), life(1, workflow_id="customer-bob")])
    assert {"customer-ada", "customer-bob"} <= set(texts(plots.growth(both)))


def test_growth_of_many_runs_keeps_its_legend_short() -> None:
    assert "30 runs" in texts(plots.growth(life(30, 1)))


def test_a_sawtooth_has_one_tooth_per_run_and_says_where_it_continued_as_new() -> None:
    ax = plots.sawtooth(life(3), threshold=40)
    written = texts(ax)
    assert {"run 1", "run 2", "run 3", "threshold 40", "limit", "continue as new"} <= set(written)
    assert any(text.startswith("without continue as new: 125 events") for text in written)
    assert ax.get_title(loc="left") == "125 events in 3 runs, never more than 42 in one event history"
    assert sum(line.get_marker() == "v" for line in ax.lines) == 2


def test_a_sawtooth_takes_a_frame_put_together_from_parts() -> None:
    frame = life()
    parts = pd.concat([part.reset_index(drop=True) for _, part in frame.groupby("run")])
    assert plots.sawtooth(parts).get_title(loc="left") == plots.sawtooth(frame).get_title(loc="left")


@pytest.mark.parametrize(("threshold", "limit"), [(None, None), (40, None), (None, 100), (10_000, 51_200)])
def test_a_sawtooth_needs_no_levels(threshold: int | None, limit: int | None) -> None:
    named = [text for text in texts(plots.sawtooth(life(1), threshold=threshold, limit=limit)) if "run" not in text]
    assert len(named) == (threshold is not None) + (limit is not None)


def test_a_sawtooth_is_of_one_customer() -> None:
    both = pd.concat([life(), life(workflow_id="customer-bob")])
    with pytest.raises(ValueError, match="Cannot draw the lives of customer-ada, customer-bob"):
        plots.sawtooth(both)


def test_bars_stand_in_the_order_given_with_their_numbers() -> None:
    ax = plots.bars(pd.Series({"naive": 18, "carried": 300, "rate": 1.0912}), "Kept", "messages")
    assert [bar.get_width() for bar in ax.patches if isinstance(bar, Rectangle)] == pytest.approx([18, 300, 1.0912])
    assert texts(ax) == ["18", "300", "1.09"]
    assert ax.yaxis_inverted(), "the first bar is on top"


def test_bars_of_a_whole_say_of_how_many() -> None:
    assert texts(plots.bars(pd.Series({"naive": 18, "carried": 300}), "Kept", "messages", of=300)) == [
        "18 of 300",
        "300 of 300",
    ]


# ---- for everybody's eyes --------------------------------------------------------------------------------------

# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB
SEEN_WITHOUT_GREEN = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
SEEN_WITHOUT_RED = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
JUST_DIFFERENT = 11  # in CIE L*a*b*; about 2 is the least that anybody notices side by side


def lab(color: str, eyes: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of a colour as those eyes see it."""
    rgb = np.array(to_rgb(color))
    linear = eyes @ np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear.clip(0, 1)
    x, y, z = np.cbrt(np.maximum(xyz / [0.9505, 1, 1.089], 1e-6))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eyes", [np.eye(3), SEEN_WITHOUT_GREEN, SEEN_WITHOUT_RED], ids=["all", "no green", "no red"])
def test_the_palette_can_be_told_apart_by_everybody(eyes: np.ndarray) -> None:
    for (one, color), (other, another) in itertools.combinations(drawing.PALETTE.items(), 2):
        distance = np.linalg.norm(lab(color, eyes) - lab(another, eyes))
        assert distance > JUST_DIFFERENT, f"{one} and {other} look alike: {distance:.0f}"


def test_importing_the_plots_loads_neither_temporal_nor_matplotlib() -> None:
    code = (
        "import sys, loyalty.lab.plots; print([x for x in ('temporalio', 'matplotlib', 'pandas') if x in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
