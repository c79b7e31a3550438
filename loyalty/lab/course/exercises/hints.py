"""How a check says that an exercise is not done yet: what the history shows, and the next thing to do."""

from __future__ import annotations


class NotYet(Exception):
    """The exercise is not done: `found` is what the history shows, `todo` the next thing to do with this workflow.

    Without `todo`, or once the workflow has ended, the next thing to do is another try under the next free id.
    """

    def __init__(self, found: str, todo: str = "") -> None:
        super().__init__(f"{found}. {todo}" if todo else found)
        self.found = found
        self.todo = todo


def require(condition: bool, found: str, todo: str = "") -> None:
    """Raise NotYet unless `condition` holds."""
    if not condition:
        raise NotYet(found, todo)
