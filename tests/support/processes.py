"""Read and check process ids."""

from __future__ import annotations

import os
from pathlib import Path


def gone(pid: int) -> bool:
    """Return whether a process has ended; a zombie process has ended, too."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z"


def numbers_in(text: str) -> list[int]:
    """Return the numbers in a text of numbers, for example printed process ids."""
    return [int(word) for word in text.split()]
