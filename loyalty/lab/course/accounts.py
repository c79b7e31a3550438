"""Open customers' accounts in notebooks."""

from __future__ import annotations

from typing import Any

from temporalio.client import WorkflowHandle

from loyalty.lab.client.waiting import settled
from loyalty.lab.lab import Lab
from loyalty.messages import DEFAULT_HISTORY_THRESHOLD, TASK_QUEUE, Customer, CustomerInput, workflow_id
from loyalty.workflow import CustomerLoyaltyWorkflow


async def open_account(
    lab: Lab, customer_id: str, *, history_threshold: int | None = DEFAULT_HISTORY_THRESHOLD, **fields: Any
) -> WorkflowHandle[CustomerLoyaltyWorkflow, None]:
    """Start one customer's workflow in the lab's namespace, and return the workflow's handle.

    `fields` are passed to `Customer`, for example `points=1_000`. The default name is the customer id with a capital
    first letter.
    `history_threshold` is a number of events.
    """
    customer = Customer(customer_id, **{"name": customer_id.title(), **fields})
    return await lab.client.start_workflow(
        CustomerLoyaltyWorkflow.run,
        CustomerInput(customer, history_threshold=history_threshold),
        id=workflow_id(customer_id),
        task_queue=TASK_QUEUE,
    )


async def open_account_with_email(
    lab: Lab, customer_id: str, **options: Any
) -> WorkflowHandle[CustomerLoyaltyWorkflow, None]:
    """Open an account with the e-mail address `<customer_id>@example.com` and wait for the welcome e-mail.

    `options` are passed to `open_account`. Return the handle after the workflow has
    finished all its work.
    """
    email = f"{customer_id}@example.com"
    handle = await open_account(lab, customer_id, email=email, **options)
    await lab.inbox.wait_for(1, to=email)
    await settled(handle)
    return handle
