"""A shop whose customers pass the checks of the exercises."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from loyalty.messages import TASK_QUEUE
from loyalty.worker import build_worker
from tests.support.helpers import Shop


@pytest.fixture(scope="session")
async def worker_client(server: WorkflowEnvironment) -> Client:
    """A client with a separate identity, like a worker process; a guest's history contains the starter's identity."""
    return await Client.connect(server.client.service_client.config.target_host, identity="worker")


@pytest.fixture
async def exercise_shop(client: Client, worker_client: Client) -> AsyncIterator[Shop]:
    """A shop whose customers use the task queue that the checks expect."""
    shop = Shop(client, task_queue=TASK_QUEUE)
    settings = worker_client.config()
    settings["namespace"] = client.namespace
    async with build_worker(Client(**settings), shop.mails, task_queue=TASK_QUEUE):
        yield shop
