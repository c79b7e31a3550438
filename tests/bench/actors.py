"""Functions that start the measured workflows: the customer, and workflows for comparison."""

from __future__ import annotations

from typing import Any, TypeAlias

from temporalio.client import WorkflowHandle

from loyalty.lab import Lab
from loyalty.messages import TASK_QUEUE, Customer, CustomerInput, workflow_id
from loyalty.workflow import CustomerLoyaltyWorkflow
from tests.bench.worker import TASK_QUEUE as COMPARED
from tests.bench.workflows import Adder, LocalCustomer, Straightforward

Handle: TypeAlias = WorkflowHandle[Any, Any]

ONE_LONG_RUN = 60_000
"""A history threshold above the history limit. It disables continue-as-new."""

MANY_SIGNALS = {"history.maximumSignalsPerExecution": 1_000_000}
"""A server setting: a run reaches the limit of events before the limit of signals."""

ONLY_HERE = "tests.bench.worker"
"""The module of the worker process for the workflows for comparison."""


async def start_customer(lab: Lab, name: str, email: str = "", threshold: int | None = ONE_LONG_RUN) -> Handle:
    """Start `customer-<name>`."""
    start = CustomerInput(Customer(name, email=email), history_threshold=threshold)
    return await lab.client.start_workflow(
        CustomerLoyaltyWorkflow.run, start, id=workflow_id(name), task_queue=TASK_QUEUE
    )


async def start_straightforward(lab: Lab, name: str, email: str = "") -> Handle:
    """Start `straightforward-<name>`."""
    return await lab.client.start_workflow(
        Straightforward.run, email, id=f"straightforward-{name}", task_queue=COMPARED
    )


async def start_adder(lab: Lab, name: str) -> Handle:
    """Start `adder-<name>`."""
    return await lab.client.start_workflow(Adder.run, id=f"adder-{name}", task_queue=COMPARED)


async def start_local(lab: Lab, name: str, email: str = "") -> Handle:
    """Start `local-<name>`."""
    start = CustomerInput(Customer(f"local-{name}", email=email), history_threshold=ONE_LONG_RUN)
    return await lab.client.start_workflow(
        LocalCustomer.run, start, id=workflow_id(f"local-{name}"), task_queue=COMPARED
    )
