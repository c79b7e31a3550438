"""Predict, then run: the learner commits to a number, the run scores it."""

from __future__ import annotations

from typing import Any

CLOSE = 1.1
"""Up to this ratio a guess counts as very close."""


class Prediction:
    """A question with a number as its answer; where nobody is there to answer, `default` is the guess."""

    def __init__(self, question: str, default: float, unit: str) -> None:
        self.question, self.unit = question, unit
        self._guess = float(default)

    @property
    def guess(self) -> float:
        """The number that the learner has committed to, in `unit`."""
        return self._guess

    def _commit(self, change: dict[str, Any]) -> None:
        self._guess = float(change["new"])

    def _ipython_display_(self) -> None:
        import ipywidgets as widgets
        from IPython.display import display

        number = widgets.FloatText(value=self._guess, layout=widgets.Layout(width="9em"))
        number.observe(self._commit, names="value")
        question = widgets.HTML(f"<b>Your prediction:</b> {self.question}")
        display(widgets.VBox([question, widgets.HBox([number, widgets.Label(self.unit)])]))  # type: ignore[no-untyped-call]

    def score(self, measured: float) -> str:
        """Return a sentence that compares the guess with what was `measured`, in `unit`."""
        said = f"You said {self._guess:,.10g}, measured: {measured:,.10g} {self.unit}"
        if self._guess == measured:
            return f"{said}. Exactly!"
        if min(self._guess, measured) <= 0:
            return f"{said}."
        ratio = max(self._guess, measured) / min(self._guess, measured)
        if ratio < CLOSE:
            return f"{said}. Very close!"
        if measured > self._guess:
            return f"{said}. That is {ratio:.2g} times as many as you said."
        return f"{said}. You said {ratio:.2g} times as many."
