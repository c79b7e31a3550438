"""`python -m loyalty.worker` as in production: a separate process, configured from environment variables."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetStickyTaskQueueRequest

from loyalty.messages import TASK_QUEUE
from tests.support.helpers import Handle, Shop, comes_to, ends, eventually
from tests.support.post_office import PostOffice

pytestmark = pytest.mark.slow

STARTING = 20
"""Deadline in seconds for the start of a worker on a busy machine."""


class WorkerProcess:
    """A worker process and its log so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.log = ""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr
        async for line in self.process.stderr:
            self.log += line.decode()

    async def logs(self, text: str) -> None:
        await eventually(
            lambda: self.log, lambda log: text in log, waiting_for=f"the worker to log {text!r}", timeout=STARTING
        )

    async def ended(self) -> int:
        """Wait until the process has ended and the whole log was read; return the exit code."""
        await asyncio.wait_for(self._reading, STARTING)
        return await asyncio.wait_for(self.process.wait(), STARTING)


@asynccontextmanager
async def worker(
    shop: Shop, *task_queues: str, python: Sequence[str] = (sys.executable,), **environment: str
) -> AsyncIterator[WorkerProcess]:
    """Run a worker process for the shop's namespace; kill the process at the end if it still runs."""
    base = {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "LOYALTY_"))}
    where = {
        "TEMPORAL_ADDRESS": shop.client.service_client.config.target_host,
        "TEMPORAL_NAMESPACE": shop.client.namespace,
        "TEMPORAL_CONFIG_FILE": os.devnull,
    }
    process = await asyncio.create_subprocess_exec(
        *(*python, "-m", "loyalty.worker", *task_queues),
        env=base | where | environment,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield WorkerProcess(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
def closed_shop(closed_shop: Shop) -> Shop:
    closed_shop.task_queue = TASK_QUEUE
    return closed_shop


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT], ids=lambda stop: stop.name)
async def test_worker_stops_cleanly_on_sigterm_and_sigint(closed_shop: Shop, stop: signal.Signals) -> None:
    async with worker(closed_shop) as process:
        ada = await closed_shop.opens("ada", email="ada@example.org")
        await ada.signal("addPoints", 100)
        await comes_to(ada, 100, timeout=STARTING)
        process.process.send_signal(stop)
        assert await process.ended() == 0
    assert "Serving task queue customer-loyalty" in process.log
    assert process.log.rstrip().endswith("Stopped"), process.log
    assert "Traceback" not in process.log, process.log


async def test_worker_logs_emails_without_a_mail_server(closed_shop: Shop) -> None:
    async with worker(closed_shop) as process:
        await closed_shop.opens("ada", email="ada@example.org")
        await process.logs("E-mail to ada@example.org: Welcome to the loyalty program")


async def test_worker_sends_emails_to_the_mail_server(closed_shop: Shop, post_office: PostOffice) -> None:
    async with worker(closed_shop, LOYALTY_SMTP_URL=f"smtp://127.0.0.1:{post_office.port}"):
        ada = await closed_shop.opens("ada", email="ada@example.org")
        await ada.signal("cancelAccount")
        await ends(ada, timeout=STARTING)
    assert [mail["Subject"] for mail in post_office.received] == ["Welcome to the loyalty program", "Goodbye"]


async def forget_the_killed_worker(customer: Handle, shop: Shop) -> None:
    """Spare the test the 10 s for which the server hopes that a worker with this customer in its cache comes back."""
    await shop.client.workflow_service.reset_sticky_task_queue(
        ResetStickyTaskQueueRequest(
            namespace=shop.client.namespace, execution=WorkflowExecution(workflow_id=customer.id)
        )
    )


async def test_customer_keeps_its_points_after_worker_is_killed(closed_shop: Shop) -> None:
    ada = await closed_shop.opens("ada")
    await ada.signal("addPoints", 1)
    async with worker(closed_shop) as first:
        await comes_to(ada, 1, timeout=STARTING)
        first.process.kill()
        assert await first.ended() == -signal.SIGKILL
    await forget_the_killed_worker(ada, closed_shop)
    await ada.signal("addPoints", 10)
    async with worker(closed_shop):
        await comes_to(ada, 11, timeout=STARTING)


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        (
            {"TEMPORAL_ADDRESS": "127.0.0.1:1"},
            "Cannot reach a Temporal server at 127.0.0.1:1; start one, or name another by TEMPORAL_ADDRESS",
        ),
        (
            {"TEMPORAL_ADDRESS": "nonsense::"},
            "Cannot reach a Temporal server at nonsense::; start one, or name another by TEMPORAL_ADDRESS",
        ),
        ({"TEMPORAL_PROFILE": "nonsense"}, "Cannot read Temporal's configuration: "),
        ({"TEMPORAL_NAMESPACE": "nowhere"}, "Cannot find the namespace 'nowhere' at 127.0.0.1:"),
        (
            {"LOYALTY_SMTP_URL": "localhost"},
            "Cannot use LOYALTY_SMTP_URL='localhost'; possible is smtp://host:port",
        ),
    ],
    ids=lambda value: next(iter(value.values())) if isinstance(value, dict) else "",
)
async def test_wrong_environment_stops_worker_with_one_sentence(
    closed_shop: Shop, environment: dict[str, str], sentence: str
) -> None:
    async with worker(closed_shop, **environment) as process:
        assert await process.ended() == 1
    assert process.log.startswith(sentence), process.log
    assert len(process.log.splitlines()) == 1, f"The log has more than one line: {process.log}"
