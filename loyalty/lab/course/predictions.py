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
        from IPython.display import display

        display(self._form())  # type: ignore[no-untyped-call]

    def _form(self) -> Any:
        """Return the question above a number with its label and its unit."""
        import ipywidgets as widgets

        number = widgets.FloatText(
            value=self._guess,
            description="Your prediction:",  # the field's own label, for those who hear it
            style={"description_width": "initial"},
            layout=widgets.Layout(width="16em"),
        )
        number.observe(self._commit, names="value")
        question = widgets.HTML(f"<b>{self.question[0].upper()}{self.question[1:]}</b>")
        return widgets.VBox([question, widgets.HBox([number, widgets.Label(self.unit)])])

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
