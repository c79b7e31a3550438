"""Test the texts and the order of bars."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.patches import Rectangle

from loyalty.lab import plots
from tests.support.pictures import all_texts


def test_bars_keep_the_order_of_values_and_show_the_numbers() -> None:
    ax = plots.bars(pd.Series({"naive": 18, "carried": 300, "rate": 1.0912}), "Kept", "messages")
    assert [bar.get_width() for bar in ax.patches if isinstance(bar, Rectangle)] == pytest.approx([18, 300, 1.0912])
    assert all_texts(ax) == ["18", "300", "1.09"]
    assert ax.yaxis_inverted(), "the first bar is on top"


def test_bars_show_rounded_numbers_with_all_digits() -> None:
    rounded = pd.Series({"a": 8.45, "b": 10.03, "c": 0.012, "d": 1_234.5}).round(3)
    assert all_texts(plots.bars(rounded, "Cost", "events")) == ["8.45", "10.03", "0.012", "1,234.5"]


def test_each_bar_shows_its_value_and_the_total() -> None:
    assert all_texts(plots.bars(pd.Series({"naive": 18, "carried": 300}), "Kept", "messages", of=300)) == [
        "18 of 300",
        "300 of 300",
    ]
