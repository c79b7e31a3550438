"""`python -m tests.bench.worker`: serves what the customer is compared with, configured as `loyalty.worker` is."""

from __future__ import annotations

from functools import partial

from loyalty.worker import build_worker, run
from tests.bench.workflows import Adder, LocalCustomer, Straightforward

TASK_QUEUE = "compared"

if __name__ == "__main__":
    compared = [Adder, Straightforward, LocalCustomer]
    run(partial(build_worker, task_queue=TASK_QUEUE, workflows=compared))
