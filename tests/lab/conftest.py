"""A shared lab for the tests of one file."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from loyalty.lab import Lab
from loyalty.lab.server.address import SESSION_ADDRESS, SESSION_UI_PORT


@pytest.fixture(scope="module")
async def lab() -> AsyncIterator[Lab]:
    """One lab with its own server, shared by all tests of a file."""
    async with await Lab.start("shared", own_server=True) as lab:
        yield lab


@pytest.fixture
def server_of_the_session(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Set the environment variables as in a JupyterLab session. The session's server is the server of `lab`."""
    monkeypatch.setenv(SESSION_ADDRESS, lab.where.address)
    monkeypatch.setenv(SESSION_UI_PORT, str(lab.where.ui_port))
    return lab
