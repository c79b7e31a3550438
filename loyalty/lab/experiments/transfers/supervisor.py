"""Start the worker processes of an experiment, and start new workers after crashes."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from loyalty.lab.errors import LabError
from loyalty.lab.experiments.transfers.gift_worker import CRASHES
from loyalty.lab.experiments.transfers.planning import Crashes, Plan
from loyalty.lab.lab import Lab
from loyalty.lab.processes.child import Child, python_module

T = TypeVar("T")

WORKERS = 2
"""While one worker starts again, the other worker continues."""

LOOK_EVERY_SECONDS = 0.02
LAST_LINES = 10


class GiftWorkers:
    """Worker processes that run `transfers.gift_worker`. The attribute `crashes` is the number of crashed workers."""

    def __init__(self, lab: Lab, plan: Plan) -> None:
        folder = Path(tempfile.mkdtemp(prefix="gifts-", dir=lab.folder))
        Crashes(folder / "crashes").arm(plan)
        self._environment = {**lab.environment, CRASHES: str(folder / "crashes")}
        self._log = folder / "workers.log"
        self._planned = plan.crashes
        self._children: list[Child] = []
        self.crashes = 0

    async def serve_until_done(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for `work` and return its result. Start a new worker after each crash; stop all workers at the end."""
        working = asyncio.ensure_future(work)
        try:
            while not working.done():
                self._restart_crashed_workers()
                await asyncio.wait({working}, timeout=LOOK_EVERY_SECONDS)
            return working.result()
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            self._remove_crashed_workers()
            await asyncio.gather(*(asyncio.to_thread(child.stop) for child in self._children))

    def _restart_crashed_workers(self) -> None:
        self._remove_crashed_workers()
        if self.crashes > self._planned:
            words = "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:])
            raise LabError(f"A worker failed without a planned crash; its last lines:\n{words}")
        while len(self._children) < WORKERS:
            command = python_module("loyalty.lab.experiments.transfers.gift_worker")
            self._children.append(Child(command, self._log, self._environment))

    def _remove_crashed_workers(self) -> None:
        alive = [child for child in self._children if child.alive]
        self.crashes += len(self._children) - len(alive)
        self._children = alive
