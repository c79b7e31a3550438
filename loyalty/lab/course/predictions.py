"""Predictions of learners; a later cell compares each prediction with the measured number."""

from __future__ import annotations

from typing import Any

CLOSE = 1.1
"""Up to this ratio a guess counts as very close."""


class Prediction:
    """A question with a numeric answer; `default` is the guess until the learner enters a number."""

    def __init__(self, question: str, default: float, unit: str) -> None:
        self.question, self.unit = question, unit
        self._guess = float(default)

    @property
    def guess(self) -> float:
        """The number that the learner predicts, in `unit`."""
        return self._guess

    def _commit(self, change: dict[str, Any]) -> None:
        self._guess = float(change["new"])

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self._form())  # type: ignore[no-untyped-call]

    def _form(self) -> Any:
        """Return a widget with the question and, below it, a field for a number."""
        import ipywidgets as widgets

        number = widgets.FloatText(
            value=self._guess,
            description="Your prediction:",  # a screen reader reads the label of the field
            style={"description_width": "initial"},
            layout=widgets.Layout(width="16em"),
        )
        number.observe(self._commit, names="value")
        question = widgets.HTML(f"<b>{self.question[0].upper()}{self.question[1:]}</b>")
        return widgets.VBox([question, widgets.HBox([number, widgets.Label(self.unit)])])

    def score(self, measured: float) -> str:
        """Return a sentence that compares the guess with the number `measured`."""
        said = f"Your prediction: {self._guess:,.10g}, measured: {measured:,.10g} {self.unit}"
        if self._guess == measured:
            return f"{said}. Exactly!"
        if min(self._guess, measured) <= 0:
            return f"{said}."
        ratio = max(self._guess, measured) / min(self._guess, measured)
        if ratio < CLOSE:
            return f"{said}. Very close!"
        if measured > self._guess:
            return f"{said}. The measured number is {ratio:.2g} times your prediction."
        return f"{said}. Your prediction is {ratio:.2g} times the measured number."
