"""Refusals: the error for a value or a message that is not accepted. Pure."""

from __future__ import annotations

SHOWN = 60
"""The number of characters of a bad value that a refusal repeats."""


class Refused(Exception):
    """A value or a message is refused. The error's text contains the bad value and the possible values."""


def shown(value: object) -> str:
    """Return a bad value as text, shortened to SHOWN characters."""
    try:
        words = repr(value)
    except RecursionError:  # the SDK can read JSON that is nested too deeply for `repr`
        return f"a deeply nested {type(value).__name__}"
    return words if len(words) <= SHOWN else f"{words[:SHOWN]}... ({len(words):,} characters)"
