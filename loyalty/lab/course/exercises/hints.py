"""Hints of a check: the history's facts, and the learner's next step."""

from __future__ import annotations


class NotYet(Exception):
    """The exercise is not done yet; `found` is the history's fact, `todo` the next step with this workflow.

    The next step is another try with the next free id if `todo` is empty or the workflow has ended.
    """

    def __init__(self, found: str, todo: str = "") -> None:
        super().__init__(f"{found}. {todo}" if todo else found)
        self.found = found
        self.todo = todo


def require(condition: bool, found: str, todo: str = "") -> None:
    """Raise NotYet unless `condition` holds."""
    if not condition:
        raise NotYet(found, todo)
