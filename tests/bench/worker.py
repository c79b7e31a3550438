"""`python -m tests.bench.worker`: serves what the customer is compared with, configured as `loyalty.worker` is."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from loyalty.worker import LOG_FORMAT, build_worker, main
from tests.bench.workflows import Adder, LocalCustomer, Straightforward

TASK_QUEUE = "compared"

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    compared = [Adder, Straightforward, LocalCustomer]
    asyncio.run(main(partial(build_worker, task_queue=TASK_QUEUE, workflows=compared)))
