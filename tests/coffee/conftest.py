"""One coffee shop per test, with its own namespace and its own database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import Client

from tests.support.coffee import CoffeeShop, sqlite_url


@pytest.fixture
def closed_shop(client: Client, tmp_path: Path) -> CoffeeShop:
    """A coffee shop without a worker; the test starts the worker."""
    return CoffeeShop(client, sqlite_url(tmp_path))


@pytest.fixture
async def shop(closed_shop: CoffeeShop) -> AsyncIterator[CoffeeShop]:
    """A coffee shop with a running worker."""
    async with closed_shop.serving():
        yield closed_shop
