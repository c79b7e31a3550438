"""Test the rules for all plots, and the imports of the package."""

from __future__ import annotations

import subprocess
import sys

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from loyalty.lab import plots
from tests.support.pictures import frame_of_runs

FRAME = frame_of_runs(1, 2)
PICTURES = {
    "event_sequence": lambda ax: plots.event_sequence(FRAME, ax),
    "growth": lambda ax: plots.growth(frame_of_runs(), ax),
    "growth by purchases": lambda ax: plots.growth(frame_of_runs(), ax, by="purchases", prediction=4),
    "sawtooth": lambda ax: plots.sawtooth(frame_of_runs(), ax, threshold=40),
    "bars": lambda ax: plots.bars(pd.Series({"naive": 18}).rename_axis("variant"), "Kept", "messages", ax, of=300),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_plot_has_a_title_and_two_axis_labels(name: str) -> None:
    ax = PICTURES[name](None)
    assert ax.get_title(loc="left")
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    assert tuple(plt.gcf().get_size_inches()) == (8, 4)


@pytest.mark.parametrize("name", PICTURES)
def test_every_plot_uses_the_given_axes(name: str) -> None:
    given = plt.subplots(1, 2)[1][1]
    assert PICTURES[name](given) is given


def test_import_of_plots_loads_neither_temporal_nor_matplotlib() -> None:
    code = (
        "import sys, loyalty.lab.plots; print([x for x in ('temporalio', 'matplotlib', 'pandas') if x in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
