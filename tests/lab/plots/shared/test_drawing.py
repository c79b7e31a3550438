"""Test the distance of labels; tests/house/test_accessible_plots.py tests the colours."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.lab.plots.shared.drawing import spread


@given(st.lists(st.floats(0, 100), max_size=30).map(sorted), st.floats(0.1, 5))
def test_positions_that_are_too_close_are_moved_apart(places: list[float], gap: float) -> None:
    moved = spread(places, gap)
    assert len(moved) == len(places)
    assert all(after - before >= gap * 0.999 - 1e-9 for before, after in itertools.pairwise(moved))
    if all(after - before >= gap for before, after in itertools.pairwise(places)):
        assert moved == pytest.approx(places), "places with enough distance do not move"
