"""A plan of crashes in the middle of transfers. Calls, queues and gifts use the same plan.

Each planned crash happens once.
"""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

POINTS = 100
"""Points per transfer."""

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
"""The signal that ends a process at once. Windows has no SIGKILL, but SIGTERM has the same effect there."""

ONE_PER_PROCESS = threading.Lock()
"""A lock that is never released. While one thread kills the process, no other thread can use up another crash."""


class CrashPoint(StrEnum):
    """During a transfer, a process can crash at two moments."""

    AFTER_WITHDRAWING = "after withdrawing"
    """The giver has lost the points, and no message has been sent."""

    AFTER_DEPOSITING = "after depositing"
    """The receiver has gained the points, and no message has been sent."""


AFTER_WITHDRAWING, AFTER_DEPOSITING = CrashPoint


@dataclass(frozen=True)
class Plan:
    """The crash point of each transfer, or None for a transfer without a crash."""

    crash_points: tuple[CrashPoint | None, ...]

    def __len__(self) -> int:
        return len(self.crash_points)

    def count(self, point: CrashPoint) -> int:
        """Return the number of planned crashes at this crash point."""
        return Counter(self.crash_points)[point]

    @property
    def crashes(self) -> int:
        """The number of all crashes."""
        return sum(map(self.count, CrashPoint))

    def __repr__(self) -> str:
        crashes = ", ".join(f"{self.count(point)} crashes {point}" for point in CrashPoint)
        return f"{len(self)} transfers of {POINTS} points; {crashes}"


def plan(transfers: int = 100, crashes: int = 15, seed: int = 2026) -> Plan:
    """Return a random plan.

    A process can crash at two points. At each point, there are `crashes` crashes. No transfer has two crashes.
    """
    lots: list[CrashPoint | None] = [point for point in CrashPoint for _ in range(crashes)]
    if len(lots) > transfers:
        raise ValueError(f"Cannot hit {len(lots)} of {transfers} transfers; each is hit once at most")
    lots += [None] * (transfers - len(lots))
    random.Random(seed).shuffle(lots)
    return Plan(tuple(lots))


class Crashes:
    """The crashes that have not happened yet. All processes share a folder with one file per crash."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def arm(self, plan: Plan) -> None:
        """Create a file for each crash in `plan`."""
        self._folder.mkdir(parents=True)
        for transfer, point in enumerate(plan.crash_points):
            if point is not None:
                self._file(transfer, point).touch()

    def crash_if_planned(self, transfer: int, point: CrashPoint) -> None:
        """Kill this process if this crash is planned and has not happened yet."""
        planned = self._file(transfer, point)
        if planned.exists():
            ONE_PER_PROCESS.acquire()
            planned.unlink()
            os.kill(os.getpid(), KILL)

    def pending(self) -> list[str]:
        """Return the names of the crashes that have not happened yet."""
        return sorted(file.name for file in self._folder.iterdir())

    def _file(self, transfer: int, point: CrashPoint) -> Path:
        return self._folder / f"{transfer} {point}"
