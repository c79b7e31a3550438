"""What a wait says while it lasts: one sentence after some seconds, under the cell that waits."""

from __future__ import annotations

import time

HINT_AFTER_SECONDS = 5.0
"""A wait that lasts longer than this says what it waits for, and what is missing."""

_last_said = -HINT_AFTER_SECONDS


def is_due(began: float) -> bool:
    """Return whether a wait that began at `began`, by time.monotonic(), has lasted long enough for a hint."""
    return time.monotonic() - began >= HINT_AFTER_SECONDS


def say(sentence: str) -> None:
    """Print one sentence under the cell; of hints that come at the same time, as from 200 calls at once, the first."""
    global _last_said
    now = time.monotonic()
    if now - _last_said >= HINT_AFTER_SECONDS:
        _last_said = now
        print(sentence, flush=True)


def counted(number: int, noun: str) -> str:
    """Return "1 mail", "2 mails"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
