"""The workers of the program. The command `python -m loyalty.worker` runs workers until SIGTERM or SIGINT.

`python -m loyalty.worker` serves the task queue `customer-loyalty`. `python -m loyalty.worker coffee-shop` serves the
task queue of the coffee shop. A command with both names serves both task queues.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import NoReturn, TypeAlias

from temporalio.client import Client
from temporalio.worker import Worker

from loyalty import config
from loyalty.activities import LoyaltyActivities, Mailer
from loyalty.coffee.messages import TASK_QUEUE as COFFEE_SHOP
from loyalty.household.workflow import HouseholdWorkflow
from loyalty.messages import TASK_QUEUE
from loyalty.workflow import CustomerLoyaltyWorkflow

GRACE = timedelta(seconds=5)
"""The time that running activities have to finish after the worker receives SIGTERM or SIGINT."""

LOG_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"

log = logging.getLogger("loyalty.worker")

Builder: TypeAlias = Callable[[Client, Mailer], Worker]

WORKFLOWS = (CustomerLoyaltyWorkflow, HouseholdWorkflow)


def build_worker(
    client: Client, mailer: Mailer, *, task_queue: str = TASK_QUEUE, workflows: Sequence[type] = WORKFLOWS
) -> Worker:
    """Return a worker for the given `workflows`. By default, the worker serves customers and households.

    The caller starts the worker.
    """
    activities = LoyaltyActivities(client, mailer)
    return Worker(
        client,
        task_queue=task_queue,
        workflows=workflows,
        activities=[activities.send_email, activities.start_guest],
        graceful_shutdown_timeout=GRACE,
    )


async def serve(*workers: Worker) -> None:
    """Run the workers until this process receives SIGTERM or SIGINT, then finish the tasks that have started."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows has no signal handlers on its event loop
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    async with AsyncExitStack() as running:
        for worker in workers:
            await running.enter_async_context(worker)
        queues = ", ".join(worker.task_queue for worker in workers)
        log.info("Serving task queue %s; stop with Ctrl-C or SIGTERM", queues)
        await stop.wait()
        log.info("Stopping: no new tasks, and up to %d s for those begun", GRACE.total_seconds())
    log.info("Stopped")


async def main(*builders: Builder) -> None:
    """Connect to the configured cluster, and run one worker for each builder.

    Each builder receives the client and the mailer.
    """
    mailer = config.mailer()
    client = await config.connect()
    log.info("Connected to %s, namespace %s", client.service_client.config.target_host, client.namespace)
    await serve(*(build(client, mailer) for build in builders))


def build_coffee_worker(client: Client, mailer: Mailer) -> Worker:
    """Return a worker for the coffee shop and the configured database. The caller starts the worker."""
    try:
        from loyalty.coffee.worker import build_from_environment  # a worker of customers needs no database
    except ModuleNotFoundError as missing:
        raise config.ConfigurationError(
            f"Cannot serve {COFFEE_SHOP}: {missing.name} is not installed; `pip install 'loyalty[coffee]'` brings it"
        ) from missing
    return build_from_environment(client, mailer)


BUILDERS: dict[str, Builder] = {TASK_QUEUE: build_worker, COFFEE_SHOP: build_coffee_worker}
"""The builder of each task queue."""


def builders(*task_queues: str) -> list[Builder]:
    """Return the functions that build the workers of these task queues. The default is the customers' task queue.

    Raise ConfigurationError for an unknown name.
    """
    if unknown := set(task_queues) - set(BUILDERS):
        raise config.ConfigurationError(f"Cannot serve {', '.join(sorted(unknown))}; expected {', '.join(BUILDERS)}")
    return [BUILDERS[name] for name in dict.fromkeys(task_queues or [TASK_QUEUE])]


def run(*chosen: Builder) -> NoReturn:
    """Run the workers until SIGTERM or SIGINT, then exit the process.

    If `chosen` is empty, the command line determines the workers.
    """
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    code = 0
    try:
        asyncio.run(main(*(chosen or builders(*sys.argv[1:]))))
    except config.ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        code = 1
    logging.shutdown()
    sys.stderr.flush()
    # All work is finished. Python's normal shutdown aborts the process in one of ten to twenty exits, if a thread of
    # the SDK delivers a result at that moment (github.com/temporalio/sdk-python/issues/300).
    os._exit(code)


if __name__ == "__main__":
    run()
