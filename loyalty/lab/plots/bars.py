"""Draw one horizontal bar per value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loyalty.lab.plots.shared.drawing import GREY, PALE, PALETTE, axes_or_new, finish, note

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


ROUNDED_DECIMALS = 3
"""A value with at most this number of decimals counts as rounded."""


def bars(values: pd.Series[Any], title: str, xlabel: str, ax: Axes | None = None, *, of: float | None = None) -> Axes:
    """Draw one horizontal bar per value, and write the number beside the bar. The first value is on top.

    The index of `values` contains the names of the bars. The name of the index is the label of the y axis.
    The parameter `of` is a total, such as the number of sent messages. A pale bar behind each bar shows the total.
    """
    ax = axes_or_new(ax)
    places, numbers = range(len(values)), [float(value) for value in values]
    longest = max([*numbers, of or 0])
    if of is not None:
        ax.barh(places, of, color=PALE, edgecolor=GREY, lw=0.8, height=0.62)
    ax.barh(places, numbers, color=PALETTE["blue"], height=0.62)
    words = [_words(value, of) for value in numbers]
    for place, value, text in zip(places, numbers, words, strict=True):
        note(ax, text, (max(value, of or 0), place), (6, 0), va="center")
    ax.set_yticks(places, [str(name) for name in values.index])
    ax.invert_yaxis()
    ax.set_xlim(0, 1.16 * longest or 1)
    bar_texts = ", ".join(f"{name} {text}" for name, text in zip(values.index, words, strict=True))
    return finish(
        ax, title, xlabel, str(values.index.name or ""), description=f"One bar per value, in {xlabel}: {bar_texts}"
    )


def _words(value: float, of: float | None) -> str:
    """Return the value of a bar as text. A value with more than ROUNDED_DECIMALS decimals is rounded."""
    if value.is_integer():
        text = f"{value:,.0f}"
    else:
        text = f"{value:,}" if value == round(value, ROUNDED_DECIMALS) else f"{value:,.3g}"
    return text if of is None else f"{text} of {of:,g}"
