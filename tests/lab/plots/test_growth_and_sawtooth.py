"""Test the lines and texts of growth plots and sawtooth plots."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from loyalty.lab import plots
from tests.support.pictures import all_texts, coordinates, frame_of_runs


def test_growth_plot_has_one_line_per_run_and_one_per_prediction() -> None:
    frame = frame_of_runs()
    ax = plots.growth(frame, by="purchases", prediction={"mine": 4, "hers": 9}, threshold=40)
    lines = {str(line.get_label()): line for line in ax.lines}
    for run, events in frame.groupby("run"):
        x, y = coordinates(lines[f"customer-ada, run {run}"])
        assert y == events.event_id.to_list()
        assert x[-1] == 4
    assert coordinates(lines["mine: 4 events per purchase"]) == ([0, 4], [0, 16])
    assert "hers: 9 events per purchase" in lines
    assert {"limit", "server warns", "threshold 40"} <= set(all_texts(ax))
    ticks = [label.get_text() for label in ax.get_yticklabels()]
    assert {"51,200", "10,240"} <= set(ticks), "levels above the break have ticks with their numbers"


def test_x_values_of_the_growth_plot_never_decrease() -> None:
    frame = frame_of_runs(1)
    frame.loc[5, "time"] = frame.time[3]  # the server buffered this signal during a Workflow Task
    x, _ = coordinates(plots.growth(frame).lines[0])
    assert x[0] == 0
    assert x[-1] == pytest.approx(0.001 * (len(frame) - 1))
    assert (np.diff(x) >= 0).all()


def test_limit_near_the_data_is_drawn_to_scale() -> None:
    ax = plots.growth(frame_of_runs(1), limit=60, warning=50)
    assert {"limit 60", "server warns 50"} <= set(all_texts(ax))
    assert any(coordinates(line)[1] == [60, 60] for line in ax.lines)


def test_growth_plot_has_a_label_for_each_customer() -> None:
    both = pd.concat([frame_of_runs(1), frame_of_runs(1, workflow_id="customer-bob")])
    assert {"customer-ada", "customer-bob"} <= set(all_texts(plots.growth(both)))


def test_legend_shows_many_runs_as_one_entry() -> None:
    assert "30 runs" in all_texts(plots.growth(frame_of_runs(30, 1)))


def test_sawtooth_plot_has_one_tooth_and_one_label_per_run() -> None:
    ax = plots.sawtooth(frame_of_runs(3), threshold=40)
    written = all_texts(ax)
    assert {"run 1", "run 2", "run 3", "threshold 40", "limit", "continue-as-new"} <= set(written)
    assert any(text.startswith("without continue-as-new: 125 events") for text in written)
    assert ax.get_title(loc="left") == "125 events in 3 runs, at most 42 in one event history"
    assert sum(line.get_marker() == "v" for line in ax.lines) == 2


def test_sawtooth_plot_accepts_a_concatenated_data_frame() -> None:
    frame = frame_of_runs()
    parts = pd.concat([part.reset_index(drop=True) for _, part in frame.groupby("run")])
    assert plots.sawtooth(parts).get_title(loc="left") == plots.sawtooth(frame).get_title(loc="left")


@pytest.mark.parametrize(("threshold", "limit"), [(None, None), (40, None), (None, 100), (10_000, 51_200)])
def test_sawtooth_plot_draws_only_the_given_threshold_and_limit(threshold: int | None, limit: int | None) -> None:
    named = [
        text
        for text in all_texts(plots.sawtooth(frame_of_runs(1), threshold=threshold, limit=limit))
        if "run" not in text
    ]
    assert len(named) == (threshold is not None) + (limit is not None)


def test_sawtooth_plot_raises_value_error_for_two_customers() -> None:
    both = pd.concat([frame_of_runs(), frame_of_runs(workflow_id="customer-bob")])
    with pytest.raises(ValueError, match="Cannot draw customer-ada, customer-bob"):
        plots.sawtooth(both)
