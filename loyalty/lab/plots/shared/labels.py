"""Labels beside each other in a row of a picture: which have room, and how much of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from loyalty.lab.plots.shared.drawing import INK

CHARACTER = 0.0075
"""Inches; the mean width of a character, per point of its size."""

BETWEEN = 1
"""Characters between two labels."""

SLACK = 3
"""Characters by which a label may stand beside the place that it belongs to."""


class Label(NamedTuple):
    """What may be written at `x`: the longest of `texts` that has room; they are given from long to short."""

    x: float
    texts: tuple[str, ...]
    color: str = INK


def with_room(labels: Iterable[Label], character: float, begin: float, end: float) -> Iterator[Label]:
    """Yield those labels that have room between `begin` and `end`, from left to right: at its beginning, with one text.

    `character` is how wide one is, in units of x. A label is shortened, or moved a little, for the sake of the next.
    """
    between, slack = BETWEEN * character, SLACK * character
    ordered = sorted(label for label in labels if label.texts)
    free = begin
    for number, (x, texts, color) in enumerate(ordered):
        before_next = ordered[number + 1].x - between if number + 1 < len(ordered) else end
        for text in texts:
            width, at = len(text) * character, max(x, free)
            if at + width > min(before_next, end) and text == texts[-1]:
                at = max(min(at, end - width), free)
                before_next = end
            if at + width <= min(before_next, end) and at - x <= slack:
                yield Label(at, (text,), color)
                free = at + width + between
                break
