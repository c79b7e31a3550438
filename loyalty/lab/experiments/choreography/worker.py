"""`python -m loyalty.lab.experiments.choreography.worker` runs a worker for the four services.

The worker runs the activities of the coffee shop, with mishaps.
"""

from __future__ import annotations

from functools import partial

from loyalty.coffee.worker import build_from_environment
from loyalty.lab.experiments.choreography.messages import TASK_QUEUE
from loyalty.lab.experiments.choreography.services import BaristaService, CounterService, PaymentService, StockService
from loyalty.lab.experiments.mishaps import MishapInterceptor
from loyalty.worker import run

WORKFLOWS = (PaymentService, BaristaService, StockService, CounterService)

if __name__ == "__main__":
    run(partial(build_from_environment, task_queue=TASK_QUEUE, workflows=WORKFLOWS, interceptors=[MishapInterceptor()]))
