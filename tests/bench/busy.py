"""The CPU time of each process during a measurement. The CPU time shows whether the cores were the bottleneck."""

from __future__ import annotations

import os
import time
from types import TracebackType

import psutil

from loyalty.lab.processes.worker import WorkerProcess
from loyalty.lab.server.embedded import EmbeddedServer

FULL = 0.9
"""Above this share of all cores, the machine is the bottleneck. Below it, one process waits for another."""


class Busy:
    """`with Busy(server, worker) as busy: ...` measures these processes and the current process.

    `str(busy)` is a text for a table.
    """

    def __init__(self, server: EmbeddedServer, *workers: WorkerProcess) -> None:
        self._processes = {"server": [psutil.Process(server.pid)], "notebook": [psutil.Process()]}
        self._processes["workers"] = [psutil.Process(worker.pid) for worker in workers]
        self.cores: dict[str, float] = {}

    def __enter__(self) -> Busy:
        self._started, self._before = time.perf_counter(), self._seconds()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        took = time.perf_counter() - self._started
        self.cores = {who: (after - self._before[who]) / took for who, after in self._seconds().items()}

    def add(self, who: str, cpu_seconds: float, seconds: float) -> None:
        """Add a process that has ended and has reported its own CPU time."""
        self.cores[who] = cpu_seconds / seconds

    def _seconds(self) -> dict[str, float]:
        return {who: sum(map(_cpu_seconds, processes)) for who, processes in self._processes.items()}

    def __str__(self) -> str:
        cores, most = os.cpu_count() or 1, max(self.cores, key=lambda who: self.cores[who])
        shares = ", ".join(f"{who} {share:.1f}" for who, share in self.cores.items() if share >= 0.05)
        full = sum(self.cores.values()) >= FULL * cores
        why = f"the machine, mostly the {most}" if full else "one process waits for another"
        return f"{why}: {shares} of {cores} cores busy"


def _cpu_seconds(process: psutil.Process) -> float:
    spent = process.cpu_times()
    return spent.user + spent.system
