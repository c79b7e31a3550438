"""Colours for everybody's eyes, and labels that keep their distance."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb

from loyalty.lab.plots import drawing
from loyalty.lab.plots.drawing import spread

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


@given(st.lists(st.floats(0, 100), max_size=30).map(sorted), st.floats(0.1, 5))
def test_labels_are_spread_in_their_order(places: list[float], gap: float) -> None:
    moved = spread(places, gap)
    assert len(moved) == len(places)
    assert all(after - before >= gap * 0.999 - 1e-9 for before, after in itertools.pairwise(moved))
    if all(after - before >= gap for before, after in itertools.pairwise(places)):
        assert moved == pytest.approx(places), "what has room stays"
