"""`python -m loyalty.worker` as a separate process with a log."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tests.support.helpers import Shop, eventually

STARTING = 20
"""Deadline in seconds for the start of a worker on a busy machine."""


class WorkerProcess:
    """A worker process, and the log of this process so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.log = ""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr
        async for line in self.process.stderr:
            self.log += line.decode()

    async def logs(self, text: str) -> None:
        await eventually(
            lambda: self.log, lambda log: text in log, waiting_for=f"{text!r} in the worker's log", timeout=STARTING
        )

    async def ended(self) -> int:
        """Wait until the process has ended and the whole log was read; return the exit code."""
        await asyncio.wait_for(self._reading, STARTING)
        return await asyncio.wait_for(self.process.wait(), STARTING)


@asynccontextmanager
async def worker(
    shop: Shop, *task_queues: str, python: Sequence[str] = (sys.executable,), **environment: str
) -> AsyncIterator[WorkerProcess]:
    """Run a worker process for the shop's namespace. Kill the process at the end if the process still runs."""
    base = {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "LOYALTY_"))}
    where = {
        "TEMPORAL_ADDRESS": shop.client.service_client.config.target_host,
        "TEMPORAL_NAMESPACE": shop.client.namespace,
        "TEMPORAL_CONFIG_FILE": os.devnull,
    }
    process = await asyncio.create_subprocess_exec(
        *(*python, "-m", "loyalty.worker", *task_queues),
        env=base | where | environment,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield WorkerProcess(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
