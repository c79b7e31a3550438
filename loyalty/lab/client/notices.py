"""Print hints about long waits, and other sentences for the learner."""

from __future__ import annotations

import sys
import time

from loyalty.lab.this_process import in_kernel

HINT_AFTER_SECONDS = 5.0
"""A longer wait prints the awaited condition and the reason for the delay."""

_last_said = -HINT_AFTER_SECONDS


def is_due(began: float) -> bool:
    """Return True if a wait has lasted long enough for a hint; `began` comes from time.monotonic()."""
    return time.monotonic() - began >= HINT_AFTER_SECONDS


def say(sentence: str) -> None:
    """Print one sentence; if several waits print at the same time, only the first sentence appears.

    A notebook shows the sentence below the cell. A script prints the sentence on standard error.
    """
    global _last_said
    now = time.monotonic()
    if now - _last_said >= HINT_AFTER_SECONDS:
        _last_said = now
        announce(sentence)


def announce(sentence: str) -> None:
    """Print one sentence immediately."""
    print(sentence, file=sys.stdout if in_kernel() else sys.stderr, flush=True)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, for example "2 e-mails"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
