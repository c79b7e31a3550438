"""`python -m loyalty.lab.experiments.transfers.gift_worker` runs a worker that crashes during gifts.

The worker runs the unchanged workflow of `loyalty.workflow`. Two interceptors add the crashes.
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
"""Environment variable with the folder of the planned crashes. Without this variable, no crash is planned."""

STICKY_TIMEOUT = timedelta(seconds=1)
"""How long a task waits for the worker with the cached customer, before another worker may take the task. With the
usual 10 s, thirty crashes would last for minutes."""

TRANSFER = "transfer"
"""The header with the number of the transfer, in the signal of a gift. The customers do not read this header."""

UPDATE_ID = "transfer-"
"""The first part of a gift's update id. The number of the transfer follows."""


class CrashInterceptor(Interceptor):
    """Crash the worker process as planned."""

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        """Return the interceptor of incoming calls; the SDK calls this method."""
        return InboundCrashes


class InboundCrashes(WorkflowInboundInterceptor):
    """Intercept the signals and updates that a customer receives."""

    transfer = ""

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        """Add the interceptor of outgoing signals; the SDK calls this method."""
        super().init(OutboundCrashes(outbound, self))

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:
        """Remember the number of the transfer. In this experiment, a giver makes one transfer at a time."""
        self.transfer = input.id.removeprefix(UPDATE_ID)
        return await super().handle_update_handler(input)

    async def handle_signal(self, input: HandleSignalInput) -> None:
        """Crash after the receiver has added the points, and before the server receives a response."""
        before = points()
        await super().handle_signal(input)
        if TRANSFER in input.headers:
            await workflow.wait_condition(lambda: points() > before)
            crash_if_planned(input.headers[TRANSFER].data.decode(), AFTER_DEPOSITING)


class OutboundCrashes(WorkflowOutboundInterceptor):
    """Intercept the signals that a customer sends."""

    def __init__(self, next: WorkflowOutboundInterceptor, inbound: InboundCrashes) -> None:
        super().__init__(next)
        self._inbound = inbound

    async def signal_external_workflow(self, input: SignalExternalWorkflowInput) -> None:
        """Crash after the giver has subtracted the points, and before the server receives a response."""
        if input.signal == "addPoints":
            crash_if_planned(self._inbound.transfer, AFTER_WITHDRAWING)
            input.headers = {**input.headers, TRANSFER: Payload(data=self._inbound.transfer.encode())}
        await super().signal_external_workflow(input)


def points() -> int:
    """Return the current points of the customer."""
    customer: CustomerLoyaltyWorkflow = workflow.instance()
    return customer.get_status().points


def crash_if_planned(transfer: str, point: CrashPoint) -> None:
    """Kill the worker process if the plan contains this crash."""
    if CRASHES in os.environ:
        Crashes(Path(os.environ[CRASHES])).crash_if_planned(int(transfer), point)


def build_gift_worker(client: Client, _mailer: Mailer | None = None) -> Worker:
    """Return a worker for customers; the worker sends no e-mails and does not run yet."""
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[CustomerLoyaltyWorkflow],
        interceptors=[CrashInterceptor()],
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
    )


if __name__ == "__main__":
    run(build_gift_worker)
