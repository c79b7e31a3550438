"""A kernel and its lab end some time after the notebook is closed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect
from traitlets.config.loader import PyFileConfigLoader

from loyalty.lab.__main__ import CONFIGURATION
from loyalty.lab.jupyter import closed_tabs
from tests.support.helpers import eventually
from tests.support.jupyterlab import TOKEN, Session, answer, descendants, jupyterlab, run

pytestmark = pytest.mark.slow

IDLE_SECONDS = 4
LOOK_EVERY_SECONDS = 1
QUICK = (
    f"--MappingKernelManager.cull_idle_timeout={IDLE_SECONDS}",
    f"--MappingKernelManager.cull_interval={LOOK_EVERY_SECONDS}",
)

START_LAB = """from loyalty.lab import Lab
lab = await Lab.start(own_server=True)
print(lab.worker.pid, lab.server.pid)"""


def kernels(session: Session) -> dict[str, dict[str, Any]]:
    return {kernel["id"]: kernel for kernel in json.loads(answer(session.url + "api/kernels")[1])}


async def open_tab(session: Session, kernel: str) -> WebSocketClientConnection:
    """Connect to a kernel as a notebook in JupyterLab does."""
    url = f"{session.url}api/kernels/{kernel}/channels".replace("http:", "ws:")
    return await websocket_connect(HTTPRequest(url, headers={"Authorization": f"token {TOKEN}"}))


async def test_kernel_and_lab_end_after_the_tab_is_closed(tmp_path: Path) -> None:
    async with jupyterlab(tmp_path, *QUICK) as session:
        first, second = session.start_kernel(), session.start_kernel()
        tabs = {kernel: await open_tab(session, kernel) for kernel in (first, second)}
        started = {int(pid) for pid in run(session.client_of(first), START_LAB).split()}
        with_tab = session.client_of(second)
        assert started <= set(descendants(session.process.pid))
        tabs[first].close()
        await eventually(lambda: first not in kernels(session), waiting_for="the closed notebook's kernel to end")
        assert not started & set(descendants(session.process.pid)), "worker and server end with the kernel"
        assert run(with_tab, "print(1)") == "1\n", "a kernel with an open tab keeps running"

        began = datetime.now(UTC)
        tabs[second].close()
        await eventually(lambda: kernels(session)[second]["connections"] == 0, waiting_for="the tab to be closed")
        last_activity = datetime.fromisoformat(kernels(session)[second]["last_activity"])
        assert last_activity >= began, "the idle time starts when the tab is closed"
        await eventually(lambda: second not in kernels(session), waiting_for="the second kernel to end")


def test_jupyterlab_settings_for_closed_tabs_match_the_readme() -> None:
    configured = PyFileConfigLoader("jupyter_server_config.py", path=str(CONFIGURATION)).load_config()
    module, _, name = configured.ServerApp.kernel_manager_class.rpartition(".")
    assert (module, name) == (closed_tabs.__name__, closed_tabs.KernelsOfOpenTabs.__name__)
    assert configured.MappingKernelManager.cull_idle_timeout == closed_tabs.IDLE_SECONDS
    assert configured.MappingKernelManager.cull_interval == closed_tabs.LOOK_EVERY_SECONDS
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    assert f"its kernel and its lab end {closed_tabs.IDLE_SECONDS // 60} minutes later" in readme
