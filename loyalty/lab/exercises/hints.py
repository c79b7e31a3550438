"""How a check says that an exercise is not done yet."""

from __future__ import annotations


class NotYet(Exception):
    """The exercise is not done; the text is the hint."""


def require(condition: bool, hint: str) -> None:
    """Raise NotYet with `hint` unless `condition` holds."""
    if not condition:
        raise NotYet(hint)
