"""Open accounts in the labs of tests."""

from __future__ import annotations

from temporalio.client import WorkflowHandle

from loyalty.lab import Lab
from loyalty.messages import TASK_QUEUE, Customer, CustomerInput, workflow_id
from loyalty.workflow import CustomerLoyaltyWorkflow


async def open_account(
    lab: Lab, customer_id: str = "ada", task_queue: str = TASK_QUEUE
) -> WorkflowHandle[CustomerLoyaltyWorkflow, None]:
    """Start a customer with an e-mail address."""
    return await lab.client.start_workflow(
        CustomerLoyaltyWorkflow.run,
        CustomerInput(Customer(customer_id, email=f"{customer_id}@example.com")),
        id=workflow_id(customer_id),
        task_queue=task_queue,
    )
