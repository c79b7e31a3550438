"""Test the colours, contrasts and shapes of all plots.

The numbers in brackets are success criteria of the Web Content Accessibility Guidelines (WCAG) 2.2.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from coloraide import Color
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D

from loyalty.lab import plots
from loyalty.lab.plots.shared import drawing, worker_bars
from tests.support.accessibility import (
    EMAIL_HISTORY,
    GRAPHICS,
    MANY,
    TEXT,
    UPTIMES,
    Draw,
    contrast,
    each_picture,
    figure_of,
)
from tests.support.pictures import frame_of_runs

pytestmark = pytest.mark.slow


MARK_DEGREES = 0.25
"""The size of a marker of 6.5 points at 60 cm, on a screen of 96 dots per inch."""

OBSERVERS = 0.8
"""The part of observers that must notice a difference; 0.5 is a just noticeable difference."""

EYES = {"all": None, "without red": "protan", "without green": "deutan", "without blue": "tritan"}


def noticed(one: str, other: str, eyes: str | None) -> float:
    """Return the difference of two colours for the parameter `eyes`. Most observers notice a difference of 1 or more.

    Source: M. Stone, D. A. Szafir and V. Setlur, An engineering model for color difference as a function of size, Color
    and Imaging Conference 2014. The smallest noticed difference along each axis of CIELAB is larger for smaller marks.
    The paper measured marks of 1/3 to 6 degrees; our marks are a little smaller.
    `eyes` are those of coloraide: Viénot 1999 without red or green, Brettel 1997 without blue.
    """
    seen = [(Color(color).filter(eyes) if eyes else Color(color)).convert("lab-d65").coords() for color in (one, other)]
    steps = [OBSERVERS * (a + b / MARK_DEGREES) for a, b in ((10.16, 1.50), (10.68, 3.08), (10.70, 5.74))]
    return math.hypot(*((x - y) / step for x, y, step in zip(*seen, steps, strict=True)))


@pytest.mark.parametrize("eyes", EYES.values(), ids=EYES)
def test_colours_of_the_palette_differ_for_colour_blind_readers(eyes: str | None) -> None:
    for (one, color), (other, another) in itertools.combinations({**drawing.PALETTE, "grey": drawing.GREY}.items(), 2):
        difference = noticed(color, another, eyes)
        assert difference >= 1, f"{one} and {other} look alike: their difference is {difference:.2f}, the least is 1"


@pytest.mark.parametrize("name", [*drawing.PALETTE, "grey", "ink"])
def test_every_colour_has_enough_contrast_on_white(name: str) -> None:
    color = {**drawing.PALETTE, "grey": drawing.GREY, "ink": drawing.INK}[name]
    assert contrast(color, "white") >= GRAPHICS


@each_picture
def test_plot_has_a_white_background(draw: Draw, story: pd.DataFrame) -> None:
    ax = draw(story)
    assert to_rgba(figure_of(ax).get_facecolor()) == to_rgba(ax.get_facecolor()) == (1, 1, 1, 1)


def on_white(color: Any) -> str:
    """Return the visible colour of a partly transparent colour on white."""
    *rgb, alpha = to_rgba(color)
    return str(Color("srgb", [alpha * part + 1 - alpha for part in rgb]).to_string(hex=True))


@each_picture
def test_texts_have_enough_contrast_on_white(draw: Draw, story: pd.DataFrame) -> None:
    ax = draw(story)
    legend = ax.get_legend()
    labels = [ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels()]
    for text in [*ax.texts, *labels, *(legend.get_texts() if legend else [])]:
        read = contrast(on_white(text.get_color()), "white")
        assert read >= TEXT or not text.get_text(), f"“{text.get_text()}” has a contrast of {read:.1f}"


def test_names_of_runs_have_enough_contrast_in_the_sawtooth_plot() -> None:
    *_, blue = (
        text.get_color() for text in plots.sawtooth(frame_of_runs()).texts if text.get_text().startswith("run ")
    )
    assert contrast(blue, on_white((blue, 0.12))) >= TEXT


FRONT = 1.0
"""The least zorder of the tested marks; marks further behind are guides, or areas with labels."""


@each_picture
def test_lines_and_markers_and_bars_have_enough_contrast(draw: Draw, story: pd.DataFrame) -> None:
    ax = draw(story)
    for line in ax.lines:
        if line.get_zorder() >= FRONT and line.get_alpha() is None:
            look = [line.get_color()] if line.get_linestyle() != "None" else []
            if line.get_marker() != "None":
                look.append(
                    max(
                        (line.get_markerfacecolor(), line.get_markeredgecolor()),
                        key=lambda c: contrast(on_white(c), "white"),
                    )
                )
            seen = [contrast(on_white(color), "white") for color in look]
            assert all(one >= GRAPHICS for one in seen), f"{line} in {look}: {seen}"
    for patch in ax.patches:
        if patch.get_zorder() >= FRONT and patch.get_gid() != "break" and patch.get_width():  # type: ignore[attr-defined]
            seen = [contrast(on_white(color), "white") for color in (patch.get_facecolor(), patch.get_edgecolor())]
            assert max(seen) >= GRAPHICS, f"{patch} has contrasts of {seen}"


SAME_SHAPE = 0.1
"""Two entries of a legend look the same below this difference, as a part of their ink."""


def in_one_colour(ax: Axes) -> dict[str, np.ndarray[Any, Any]]:
    """Return a grey image of each entry in the legend. Values are from 0 (no ink) to 1."""
    figure, legend = figure_of(ax), ax.get_legend()
    if legend is None:
        return {}
    figure.set_size_inches(20, 10)  # room for every entry
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    darkness = 1 - np.asarray(canvas.buffer_rgba())[..., :3].mean(axis=2) / 255  # type: ignore[no-untyped-call]
    found = {}
    for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True):
        assert handle is not None
        box = handle.get_window_extent(canvas.get_renderer())  # type: ignore[no-untyped-call]
        x, y = round((box.x0 + box.x1) / 2), round(darkness.shape[0] - (box.y0 + box.y1) / 2)
        ink = darkness[y - 8 : y + 9, x - 19 : x + 20]
        found[text.get_text()] = ink / ink.max()
    return found


@each_picture
def test_entries_of_a_legend_differ_even_without_colour(draw: Draw, story: pd.DataFrame) -> None:
    for (one, ink), (other, another) in itertools.combinations(in_one_colour(draw(story)).items(), 2):
        difference = np.abs(ink - another).sum() / np.maximum(ink, another).sum()
        assert difference > SAME_SHAPE, f"“{one}” and “{other}” differ only in colour: {difference:.2f} [1.4.1]"


def test_growth_plot_of_12_customers_has_12_legend_entries() -> None:
    assert len(in_one_colour(plots.growth(MANY))) == 12


def test_plot_of_an_event_sequence_has_one_row_for_each_colour() -> None:
    ax = plots.event_sequence(EMAIL_HISTORY)
    rows = {(line.get_markeredgecolor(), float(np.asarray(line.get_ydata())[0])) for line in marks(ax)}
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert len(rows) == len({row for _, row in rows}) == len(names) == 4


def marks(ax: Axes) -> list[Line2D]:
    return [line for line in ax.lines if line.get_marker() != "None" and len(np.asarray(line.get_xdata()))]


def test_each_type_of_outage_looks_different_even_without_colour() -> None:
    ax = plots.timeline(EMAIL_HISTORY, UPTIMES)
    written = [text.get_text() for text in ax.texts]
    assert {"no worker", "mail server down"} <= set(written)
    for look in zip(*worker_bars.DOWN.values(), strict=True):
        assert len(set(look)) == len(worker_bars.DOWN), "label, hatch and colour are each different"
    assert len({marker for marker, _ in worker_bars.ENDS.values()}) == len(worker_bars.ENDS)
