"""`python -m tests.bench.worker`: a worker for the workflows for comparison, configured like `loyalty.worker`."""

from __future__ import annotations

from functools import partial

from loyalty.worker import build_worker, run
from tests.bench.workflows import Adder, LocalCustomer, Straightforward

TASK_QUEUE = "compared"

if __name__ == "__main__":
    compared = [Adder, Straightforward, LocalCustomer]
    run(partial(build_worker, task_queue=TASK_QUEUE, workflows=compared))
