"""Refusals: a value or a message that is not accepted, and the sentence that says why. Pure."""

from __future__ import annotations

SHOWN = 60
"""Characters of a bad value that a refusal repeats: sentences stay readable, logs stay small."""


class Refused(Exception):
    """A message that is not obeyed; its text states what was asked and what is possible."""


def shown(value: object) -> str:
    """Return a bad value as a refusal repeats it."""
    try:
        words = repr(value)
    except RecursionError:  # JSON that is nested only just less deeply than what the SDK cannot read either
        return f"a deeply nested {type(value).__name__}"
    return words if len(words) <= SHOWN else f"{words[:SHOWN]}... ({len(words):,} characters)"
