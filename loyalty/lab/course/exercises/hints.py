"""Hints of a check, with facts from the history and the learner's next step."""

from __future__ import annotations


class NotYet(Exception):
    """The exercise is not done yet; `found` describes the history, and `todo` the next step with this workflow.

    If `todo` is empty or the workflow has ended, the next step is another try with a new id.
    """

    def __init__(self, found: str, todo: str = "") -> None:
        super().__init__(f"{found}. {todo}" if todo else found)
        self.found = found
        self.todo = todo


def require(condition: bool, found: str, todo: str = "") -> None:
    """Raise NotYet unless `condition` holds."""
    if not condition:
        raise NotYet(found, todo)
