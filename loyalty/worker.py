"""What is registered where, and `python -m loyalty.worker`, which serves it until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker

from loyalty import config
from loyalty.activities import LoyaltyActivities, Mailer
from loyalty.household.workflow import HouseholdWorkflow
from loyalty.messages import TASK_QUEUE
from loyalty.workflow import CustomerLoyaltyWorkflow

GRACE = timedelta(seconds=5)
"""How long an e-mail that is being sent may take when the worker is asked to stop."""

LOG_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"

log = logging.getLogger("loyalty.worker")


WORKFLOWS = (CustomerLoyaltyWorkflow, HouseholdWorkflow)


def build_worker(
    client: Client, mailer: Mailer, *, task_queue: str = TASK_QUEUE, workflows: Sequence[type] = WORKFLOWS
) -> Worker:
    """Return a worker, not yet running, that serves customers and households, or other workflows, and side effects."""
    activities = LoyaltyActivities(client, mailer)
    return Worker(
        client,
        task_queue=task_queue,
        workflows=workflows,
        activities=[activities.send_email, activities.start_guest],
        graceful_shutdown_timeout=GRACE,
    )


async def serve(worker: Worker) -> None:
    """Run `worker` until this process is asked to stop, then let it finish what it has begun."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows has no signal handlers on its event loop
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    async with worker:
        log.info("Serving task queue %s; stop with Ctrl-C or SIGTERM", worker.task_queue)
        await stop.wait()
        log.info("Stopping: no new tasks, and up to %d s for those begun", GRACE.total_seconds())
    log.info("Stopped")


async def main(task_queue: str = TASK_QUEUE, workflows: Sequence[type] = WORKFLOWS) -> None:
    """Connect where the environment says, and serve."""
    mailer = config.mailer()
    client = await config.connect()
    log.info("Connected to %s, namespace %s", client.service_client.config.target_host, client.namespace)
    await serve(build_worker(client, mailer, task_queue=task_queue, workflows=workflows))


def run() -> int:
    """Serve until asked to stop, and return the exit code."""
    try:
        asyncio.run(main())
    except config.ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    code = run()
    logging.shutdown()
    sys.stderr.flush()
    # Everything is settled. Python's own shutdown could only spoil it: a thread of the SDK that is just handing over a
    # result then aborts the process, in one exit of ten to twenty (github.com/temporalio/sdk-python/issues/300).
    os._exit(code)
