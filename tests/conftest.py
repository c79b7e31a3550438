"""One real server for the whole session. Each test has its own namespace and its own worker."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial

import pandas as pd
import pytest
from hypothesis import settings
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from loyalty.lab.server.address import SESSION_ADDRESS, SESSION_UI_PORT
from tests.support import story as ada_and_her_friends
from tests.support.environment import isolate
from tests.support.helpers import Report, Shop, fresh_namespace, start_server
from tests.support.post_office import PostOffice

isolate(os.environ)  # first: kernels, workers and servers of the tests inherit these variables

MEASURED = "measured"
"""Name of the test property for a measured line. The terminal summary prints these lines even for passed tests."""

LONG = ("test_browser", "test_install", "test_model", "test_wrong_")
"""Prefixes of files that take minutes. They start first: two processes share the files, and a long last file would run
alone."""


@pytest.hookimpl(tryfirst=True)  # before pytest deselects tests by `-m`
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the notebooks as slow, and run the notebooks and the long test files first."""
    for item in items:
        if item.path.suffix == ".ipynb":
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.path.suffix != ".ipynb" and not item.path.name.startswith(LONG))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the lines that tests have reported, from all test processes."""
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
def report(record_property: Callable[[str, object], None]) -> Report:
    """Return a function that takes a line of text. The line is printed at the end of the session."""
    return partial(record_property, MEASURED)


@pytest.fixture
def in_session(server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the environment variables of a JupyterLab session that uses the server of the tests."""
    monkeypatch.setenv(SESSION_ADDRESS, server.client.service_client.config.target_host)
    monkeypatch.setenv(SESSION_UI_PORT, "1")


@pytest.fixture
async def client(server: WorkflowEnvironment) -> Client:
    return await fresh_namespace(server.client)


@pytest.fixture
def closed_shop(client: Client) -> Shop:
    """A shop without a worker. The test starts the worker itself."""
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
    """The events of `tests.support.story`, as a DataFrame like `history.frame`."""
    return await ada_and_her_friends.tell(server.client)


@pytest.fixture(autouse=True)
def _closed_figures() -> Iterator[None]:
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
