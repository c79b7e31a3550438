"""What a wait says while it lasts: one sentence after some seconds, under the cell that waits."""

from __future__ import annotations

import sys
import time

from loyalty.lab.jupyter.kernel import in_kernel

HINT_AFTER_SECONDS = 5.0
"""A wait that lasts longer than this says what it waits for, and what is missing."""

_last_said = -HINT_AFTER_SECONDS


def is_due(began: float) -> bool:
    """Return whether a wait that began at `began`, by time.monotonic(), has lasted long enough for a hint."""
    return time.monotonic() - began >= HINT_AFTER_SECONDS


def say(sentence: str) -> None:
    """Print one sentence; of hints that come at the same time, as from 200 calls at once, only the first.

    In a notebook it stands under the cell. A script's standard output is its own, so there it goes to standard error.
    """
    global _last_said
    now = time.monotonic()
    if now - _last_said >= HINT_AFTER_SECONDS:
        _last_said = now
        announce(sentence)


def announce(sentence: str) -> None:
    """Print one sentence at once, in the same place as a hint."""
    print(sentence, file=sys.stdout if in_kernel() else sys.stderr, flush=True)


def counted(number: int, noun: str) -> str:
    """Return "1 mail", "2 mails"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
