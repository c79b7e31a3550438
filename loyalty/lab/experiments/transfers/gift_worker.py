"""`python -m loyalty.lab.experiments.transfers.gift_worker`: a worker of the real actor that crashes during gifts.

The workflow is the course's own, and in its sandbox; interceptors, which it knows nothing of, stand around it.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.worker import (
    HandleSignalInput,
    HandleUpdateInput,
    Interceptor,
    SignalExternalWorkflowInput,
    Worker,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from loyalty.activities import Mailer
from loyalty.lab.experiments.transfers.planning import AFTER_DEPOSITING, AFTER_WITHDRAWING, Crashes, CrashPoint
from loyalty.worker import run
from loyalty.workflow import CustomerLoyaltyWorkflow

TASK_QUEUE = "gifts"
CRASHES = "LOYALTY_LAB_CRASHES"
"""Environment variable: the folder of the planned crashes. Without it, none is planned."""

STICKY_TIMEOUT = timedelta(seconds=1)
"""How long a task waits for the worker that has the customer in memory, and may be dead, before any other one may take
it. The usual 10 s would make thirty crashes last for minutes."""

TRANSFER = "transfer"
"""Header of the signal that carries a gift: the number of the transfer, which the actors know nothing of."""

UPDATE_ID = "transfer-"
"""What the id of the update that asks for a transfer begins with; the number follows."""


class Crashing(Interceptor):
    """Lets the process crash where that is planned."""

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        """Return what stands around each customer; called by the SDK."""
        return Arriving


class Arriving(WorkflowInboundInterceptor):
    """Sees what comes to a customer."""

    transfer = ""

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        """Stand at the way out, too; called by the SDK."""
        super().init(Leaving(outbound, self))

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:
        """Remember which transfer was asked for; a giver of this experiment is asked for one at a time."""
        self.transfer = input.id.removeprefix(UPDATE_ID)
        return await super().handle_update_handler(input)

    async def handle_signal(self, input: HandleSignalInput) -> None:
        """Crash once the receiver has the points, and before the server hears of it."""
        before = points()
        await super().handle_signal(input)
        if TRANSFER in input.headers:
            await workflow.wait_condition(lambda: points() > before)
            crash_if_planned(input.headers[TRANSFER].data.decode(), AFTER_DEPOSITING)


class Leaving(WorkflowOutboundInterceptor):
    """Sees what leaves a customer."""

    def __init__(self, next: WorkflowOutboundInterceptor, arriving: Arriving) -> None:
        super().__init__(next)
        self._arriving = arriving

    async def signal_external_workflow(self, input: SignalExternalWorkflowInput) -> None:
        """Crash when the points have left the giver, and before the server hears of it."""
        if input.signal == "addPoints":
            crash_if_planned(self._arriving.transfer, AFTER_WITHDRAWING)
            input.headers = {**input.headers, TRANSFER: Payload(data=self._arriving.transfer.encode())}
        await super().signal_external_workflow(input)


def points() -> int:
    """Return the current points of the customer whose workflow is running."""
    customer: CustomerLoyaltyWorkflow = workflow.instance()
    return customer.get_status().points


def crash_if_planned(transfer: str, point: CrashPoint) -> None:
    """End the worker's process, where that is planned."""
    if CRASHES in os.environ:
        Crashes(Path(os.environ[CRASHES])).crash_if_planned(int(transfer), point)


def build_gift_worker(client: Client, _mailer: Mailer | None = None) -> Worker:
    """Return a worker, not yet running, that serves customers without e-mail."""
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[CustomerLoyaltyWorkflow],
        interceptors=[Crashing()],
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
    )


if __name__ == "__main__":
    run(build_gift_worker)
