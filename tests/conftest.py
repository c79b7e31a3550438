"""One real server for the whole session; for each test a namespace and a worker of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import settings
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from tests.helpers import Shop, fresh_namespace, start_server

settings.register_profile("loyalty", deadline=None, derandomize=True)
settings.load_profile("loyalty")


@pytest.fixture(scope="session")
async def server() -> AsyncIterator[WorkflowEnvironment]:
    async with await start_server() as server:
        yield server


@pytest.fixture
async def client(server: WorkflowEnvironment) -> Client:
    return await fresh_namespace(server.client)


@pytest.fixture
def closed_shop(client: Client) -> Shop:
    """A shop whose worker the test starts itself."""
    return Shop(client)


@pytest.fixture
async def shop(closed_shop: Shop) -> AsyncIterator[Shop]:
    async with closed_shop.serving():
        yield closed_shop
