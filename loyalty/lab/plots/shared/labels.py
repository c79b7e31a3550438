"""Shorten the texts of labels, and choose the labels that fit into one row."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from loyalty.lab.plots.shared.drawing import INK

CHARACTER = 0.0075
"""Inches; the mean width of a character of one point."""

BETWEEN = 1
"""Characters of space between two labels."""

SLACK = 3
"""The largest move of a label to the right, in characters."""


TEXT_LENGTH = 32
"""Characters of an argument or an answer."""


class Label(NamedTuple):
    """A label at `x`; `texts` contains possible texts for the label, longest first."""

    x: float
    texts: tuple[str, ...]
    color: str = INK


def with_room(labels: Iterable[Label], character: float, begin: float, end: float) -> Iterator[Label]:
    """Yield the labels that fit between `begin` and `end`, from left to right. Each label must have one text.

    `character` is the width of a character in units of the x axis.
    A label becomes shorter or moves a little if the next label is too close.
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


def short(detail: Any) -> str:
    """Return the values in `detail` without field names, such as `grace, Silver`.

    E-mail addresses and repeated values are removed. A text longer than TEXT_LENGTH ends with `…`.
    """
    text = detail if isinstance(detail, str) else ""
    try:
        values = [str(value) for value in _flat(json.loads(f"[{text}]")) if value not in (None, "")]
        first = {value.lower(): value for value in reversed(values) if "@" not in value}
        text = ", ".join(reversed(first.values()))
    except ValueError:
        if text[:1] in "{[":  # JSON that was cut at the length of a detail; any other text is the message of a failure
            text = re.sub(r'\w+":|[{}\[\]"]', "", text).replace(",", ", ")
    return text if len(text) <= TEXT_LENGTH else text[: TEXT_LENGTH - 1].rstrip(" ,") + "…"


def _flat(values: Any) -> Iterator[Any]:
    for value in values.values() if isinstance(values, dict) else values:
        if isinstance(value, (dict, list)):
            yield from _flat(value)
        else:
            yield value
