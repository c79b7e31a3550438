"""Which transfer is hit by a crash, and where. The same plan for each way, and each of its crashes happens once."""

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
"""Points that each transfer moves."""

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
"""What ends a process at once; Windows, which has no SIGKILL, ends it just as rudely by SIGTERM."""


ONE_PER_PROCESS = threading.Lock()
"""Never released: a second crash, in another thread of a process that is just dying, waits for its next life."""


class CrashPoint(StrEnum):
    """Where a process crashes in the middle of a transfer."""

    AFTER_WITHDRAWING = "after withdrawing"
    """The points have left the giver, and nobody else has been told."""

    AFTER_DEPOSITING = "after depositing"
    """The receiver has the points, and nobody else has been told."""


AFTER_WITHDRAWING, AFTER_DEPOSITING = CrashPoint


@dataclass(frozen=True)
class Plan:
    """For each transfer, by its number, the point at which it is hit by a crash, or None."""

    crash_points: tuple[CrashPoint | None, ...]

    def __len__(self) -> int:
        return len(self.crash_points)

    def count(self, point: CrashPoint) -> int:
        """Return how many transfers are hit at `point`."""
        return Counter(self.crash_points)[point]

    @property
    def crashes(self) -> int:
        """How many transfers are hit at all."""
        return sum(map(self.count, CrashPoint))

    def __repr__(self) -> str:
        crashes = ", ".join(f"{self.count(point)} crashes {point}" for point in CrashPoint)
        return f"{len(self)} transfers of {POINTS} points; {crashes}"


def plan(transfers: int = 100, crashes: int = 15, seed: int = 2026) -> Plan:
    """Draw lots: `crashes` of the transfers are hit at one point, and as many others at the other one."""
    lots: list[CrashPoint | None] = [point for point in CrashPoint for _ in range(crashes)]
    if len(lots) > transfers:
        raise ValueError(f"Cannot hit {len(lots)} of {transfers} transfers; each is hit once at most")
    lots += [None] * (transfers - len(lots))
    random.Random(seed).shuffle(lots)
    return Plan(tuple(lots))


class Crashes:
    """What of a plan has not happened yet: a folder with one file for each crash, seen by all processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def arm(self, plan: Plan) -> None:
        """Prepare all crashes of `plan`."""
        self._folder.mkdir(parents=True)
        for transfer, point in enumerate(plan.crash_points):
            if point is not None:
                self._file(transfer, point).touch()

    def crash_if_planned(self, transfer: int, point: CrashPoint) -> None:
        """End this process as a power cut would, if that is planned here and has not happened yet."""
        planned = self._file(transfer, point)
        if planned.exists():
            ONE_PER_PROCESS.acquire()
            planned.unlink()
            os.kill(os.getpid(), KILL)

    def pending(self) -> list[str]:
        """Return the crashes that have not happened."""
        return sorted(file.name for file in self._folder.iterdir())

    def _file(self, transfer: int, point: CrashPoint) -> Path:
        return self._folder / f"{transfer} {point}"
