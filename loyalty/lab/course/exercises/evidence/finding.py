"""Find a learner's tries, for example `customer-grace-2`, and workflows with a similar id."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionDescription
from temporalio.service import RPCError, RPCStatusCode

from loyalty.lab.client.call_errors import names_lost_namespace

LARGEST_GAP = 8
"""The learner may leave out at most this many numbers in a row. The server's list of workflows would show every try,
but this list is seconds late."""

DEFAULT_NAMESPACE = "default"
"""The namespace of a client that is connected without `namespace=`."""


async def described(client: Client, workflow_id: str) -> WorkflowExecutionDescription | None:
    """Return the description of a workflow, or None if the workflow does not exist."""
    try:
        return await client.get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND or names_lost_namespace(error):
            raise
        return None


async def tries(
    client: Client, name: str, workflow_id: Callable[[str], str]
) -> tuple[list[WorkflowExecutionDescription], str]:
    """Return the tries for `name`, newest first, together with the next free name."""
    found, first, last = dict[int, WorkflowExecutionDescription](), 1, 0
    while first <= last + LARGEST_GAP + 1:
        numbers = range(first, last + LARGEST_GAP + 2)
        looks = await asyncio.gather(*(described(client, workflow_id(_numbered(name, one))) for one in numbers))
        found |= {number: one for number, one in zip(numbers, looks, strict=True) if one}
        first, last = numbers.stop, max(found, default=0)
    newest_first = sorted(found.values(), key=lambda one: one.start_time, reverse=True)
    return newest_first, _numbered(name, last + 1)


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"


async def similar(client: Client, name: str, workflow_id: Callable[[str], str]) -> str:
    """Return a hint if a workflow has a similar id, or if the workflow is in the default namespace.

    Otherwise, return an empty string.
    """
    right = workflow_id(name)
    alike = [name, name.title(), name.upper(), right.title(), right.upper(), right.replace("-", "_"), f"{right} "]
    alike += [workflow_id(one) for one in (name.title(), name.upper(), right)]
    looks = await asyncio.gather(*(described(client, one) for one in alike))
    for one in filter(None, looks):
        return f", but there is {one.id!r}"
    if client.namespace != DEFAULT_NAMESPACE and await _is_in_default_namespace(client, right):
        return (
            f", but the namespace {DEFAULT_NAMESPACE!r} has a workflow with this id. Start the workflow with "
            "lab.client, the client of this lab"
        )
    return ""


async def _is_in_default_namespace(client: Client, workflow_id: str) -> bool:
    request = DescribeWorkflowExecutionRequest(
        namespace=DEFAULT_NAMESPACE, execution=WorkflowExecution(workflow_id=workflow_id)
    )
    try:
        await client.workflow_service.describe_workflow_execution(request)
    except RPCError as error:
        if error.status not in (RPCStatusCode.NOT_FOUND, RPCStatusCode.PERMISSION_DENIED):
            raise
        return False
    return True
