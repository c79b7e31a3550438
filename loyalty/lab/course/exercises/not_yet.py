"""Hints that contain a fact from the history and the learner's next step."""

from __future__ import annotations


class NotYet(Exception):
    """The exercise is not done yet; `found` describes the history, and `todo` describes the next step.

    If `todo` is empty or the workflow has ended, the next step is another try with a new id.
    """

    def __init__(self, found: str, todo: str = "") -> None:
        super().__init__(f"{found}. {todo}" if todo else found)
        self.found = found
        self.todo = todo


def require(condition: bool, found: str, todo: str = "") -> None:
    """Raise NotYet if `condition` is False."""
    if not condition:
        raise NotYet(found, todo)
