"""Describe a lab's server, workers and workflows in hints for the learner.

A hint needs requests to the server. Each of these requests has a short deadline, so a hint does not make a wait longer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import TaskQueueType, WorkflowExecutionStatus
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeWorkflowExecutionRequest,
    DescribeWorkflowExecutionResponse,
    ListWorkflowExecutionsRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from loyalty.lab.client.call_errors import LabWasStopped, ServerIsGone, names_lost_namespace

if TYPE_CHECKING:
    from loyalty.lab.processes.uptime import Uptime

LOOK_SECONDS = 2.0
HEALTH_IS_KNOWN_FOR_SECONDS = 0.5
"""Calls that wait at the same time share one health check of the server."""

SHOWN = 3
"""A sentence names at most this many workflows."""

LOOKED_AT = 20
"""At most this many running workflows are described, in order to find their problem."""

NO_CUSTOMER = "no customer runs here; did you run the cell above?"


class ServerLike(Protocol):
    """The server that a lab started."""

    @property
    def alive(self) -> bool:
        """Whether the server's process runs."""
        ...


class WorkerLike(Protocol):
    """A worker process of a lab."""

    @property
    def alive(self) -> bool:
        """Whether the worker's process runs."""
        ...

    def task_queues(self) -> list[str]:
        """Return the task queues that the worker polls."""
        ...

    def uptimes(self) -> list[Uptime]:
        """Return the uptimes of the worker's processes."""
        ...


@dataclass
class LabState:
    """The state of one lab. The lab sets the fields. Calls of the client read the fields while they wait."""

    server: ServerLike | None = None
    workers: Sequence[WorkerLike] = ()
    stopped: bool = False
    _answers: bool = True
    _looked: float = 0.0

    def refuse_if_stopped(self, what: str, namespace: str) -> None:
        """Raise LabWasStopped if the lab of this client was stopped."""
        if self.stopped:
            raise LabWasStopped(
                f"No answer to {what}: this call uses the namespace {namespace} of a lab that was stopped (the start "
                "of a lab stops the earlier lab). Run the cells again that start the lab and make this handle"
            )

    async def server_answers(self, client: Client) -> bool:
        """Return whether the server answers. For the lab's own server, return whether the server's process runs."""
        if self.server is not None:
            return self.server.alive
        if time.monotonic() - self._looked > HEALTH_IS_KNOWN_FOR_SECONDS:
            self._looked = time.monotonic()
            try:
                await client.service_client.check_health(timeout=timedelta(seconds=LOOK_SECONDS))
                self._answers = True
            except RPCError as error:  # any other error is an answer, too
                self._answers = error.status != RPCStatusCode.UNAVAILABLE
        return self._answers

    def server_is_gone(self, client: Client, what: str) -> ServerIsGone:
        """Return the exception for a server that does not answer; `what` is the name of the call."""
        if self.server is not None:
            repair = "`await lab.server.start()` starts it again"
        else:
            repair = "restart JupyterLab with `make lab`, or start a lab with its own server: "
            repair += "`await Lab.start(own_server=True)`"
        address = client.service_client.config.target_host
        return ServerIsGone(f"No answer to {what}: no Temporal server answers at {address}; {repair}")

    async def about_workflow(self, client: Client, id: str, run_id: str | None = None) -> str:
        """Return why a workflow does not answer. The text is the second half of a sentence."""
        return await self._told(client, self._about_workflow(client, id, run_id))

    async def about_mail(self, client: Client) -> str:
        """Return why no e-mail arrives. The text is the second half of a sentence."""
        return await self._told(client, self._about_mail(client))

    async def _told(self, client: Client, looking: Coroutine[Any, Any, str]) -> str:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                return await looking
        except TimeoutError:
            return f"the Temporal server at {client.service_client.config.target_host} does not answer"
        except RPCError as error:
            if names_lost_namespace(error):
                return f"the namespace {client.namespace} does not exist any more"
            if error.status == RPCStatusCode.NOT_FOUND:
                return (
                    f"the workflow does not exist in the namespace {client.namespace}; did you run the cell that "
                    "starts the workflow?"
                )
            address = client.service_client.config.target_host
            if error.status == RPCStatusCode.UNAVAILABLE:
                return f"no Temporal server answers at {address}"
            return f"the Temporal server at {address} answers: {error.message}"

    async def _about_workflow(self, client: Client, id: str, run_id: str | None) -> str:
        described = await client.workflow_service.describe_workflow_execution(
            DescribeWorkflowExecutionRequest(
                namespace=client.namespace, execution=WorkflowExecution(workflow_id=id, run_id=run_id or "")
            )
        )
        status = described.workflow_execution_info.status
        if status != WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING:
            return f"the workflow is {WorkflowExecutionStatus.Name(status).removeprefix('WORKFLOW_EXECUTION_STATUS_')}"
        trouble = await self._trouble(client, described) or "and a worker polls its task queue"
        return f"the workflow is RUNNING, {trouble}"

    async def _trouble(self, client: Client, described: DescribeWorkflowExecutionResponse) -> str | None:
        task_queue = described.execution_config.task_queue.name
        if not await self.pollers(client, task_queue):
            return f"and no worker polls its task queue {task_queue}; {self._workers_in_words()}"
        for activity in described.pending_activities:
            if activity.attempt > 1:
                name, failure = activity.activity_type.name, activity.last_failure.message
                return f"and attempt {activity.attempt - 1} of its activity {name} failed ({failure})"
        return None

    def _workers_in_words(self) -> str:
        served = sorted({queue for worker in self.workers if worker.alive for queue in worker.task_queues()})
        if not served:
            return "no worker process of this lab runs; `lab.worker.start()` starts one"
        return f"the workers of this lab poll {', '.join(served)}"

    async def pollers(self, client: Client, task_queue: str) -> int:
        """Return the number of workers that poll `task_queue`. Workers that this lab has ended do not count.

        The server lists an ended worker for some more minutes.
        """
        answer = await client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=client.namespace,
                task_queue=TaskQueue(name=task_queue),
                task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
            )
        )
        ended = {up.identity for worker in self.workers for up in worker.uptimes() if up.end is not None}
        return sum(poller.identity not in ended for poller in answer.pollers)

    async def _about_mail(self, client: Client) -> str:
        running = await client.workflow_service.list_workflow_executions(
            ListWorkflowExecutionsRequest(
                namespace=client.namespace, query="ExecutionStatus = 'Running'", page_size=LOOKED_AT
            )
        )
        if not running.executions:
            return NO_CUSTOMER
        for info in running.executions:
            described = await client.workflow_service.describe_workflow_execution(
                DescribeWorkflowExecutionRequest(namespace=client.namespace, execution=info.execution)
            )
            if trouble := await self._trouble(client, described):
                return f"{info.execution.workflow_id} runs, {trouble}"
        ids = [info.execution.workflow_id for info in running.executions]
        named = ", ".join(ids[:SHOWN]) + (", ..." if len(ids) > SHOWN else "")
        return f"workflows that run here: {named}; did you run all cells above?"
