"""One real server for the whole session; for each test a namespace and a worker of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator

import pandas as pd
import pytest
from hypothesis import settings
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from loyalty.lab.server.address import SESSION_ADDRESS, SESSION_UI_PORT
from tests.support import story as ada_and_her_friends
from tests.support.environment import isolate
from tests.support.helpers import Shop, fresh_namespace, start_server
from tests.support.post_office import PostOffice

isolate(os.environ)  # before any test; kernels, workers and servers of the tests inherit it

MEASURED = "measured"
"""Name of the property with which a test records a line that is worth reading when it passes, too."""


LONG = ("test_model.py", "test_wrong_tries.py", "test_browser.py", "test_install.py", "test_wrong_orders.py")
"""Files whose tests take minutes. Two processes take one file after the other; a long one at the end would keep one of
the two waiting."""


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what `-m` does not want
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the notebooks as slow, and put them and the long files first; all others keep their order."""
    for item in items:
        if item.path.suffix == ".ipynb":
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.path.suffix != ".ipynb" and item.path.name not in LONG)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests have measured, in whichever process they ran."""
    ended = [test for outcome in ("passed", "failed") for test in terminalreporter.getreports(outcome)]
    lines = [value for test in ended for name, value in test.user_properties if name == MEASURED]
    if lines:
        terminalreporter.section(MEASURED)
        for line in lines:
            terminalreporter.write_line(str(line))


settings.register_profile("loyalty", deadline=None, derandomize=True)
settings.load_profile("loyalty")


@pytest.fixture(scope="session")
async def server() -> AsyncIterator[WorkflowEnvironment]:
    async with await start_server() as server:
        yield server


@pytest.fixture
def in_session(server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the environment look as it does in a JupyterLab session, whose server is this one."""
    monkeypatch.setenv(SESSION_ADDRESS, server.client.service_client.config.target_host)
    monkeypatch.setenv(SESSION_UI_PORT, "1")


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


@pytest.fixture
def post_office() -> Iterator[PostOffice]:
    office = PostOffice()
    office.start()
    try:
        yield office
    finally:
        office.stop()


@pytest.fixture(scope="session")
async def story(server: WorkflowEnvironment) -> pd.DataFrame:
    """The histories of `tests.support.story`."""
    return await ada_and_her_friends.tell(server.client)


@pytest.fixture(autouse=True)
def _closed_figures() -> Iterator[None]:
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
