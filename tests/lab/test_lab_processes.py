"""The processes of a lab end when the kernel ends, and listen only on loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import psutil
import pytest

from loyalty.lab import Lab
from tests.support.helpers import eventually
from tests.support.processes import gone, numbers_in

pytestmark = pytest.mark.slow


OWNER = """
    import asyncio, sys, time
    from loyalty.lab import Lab

    async def main():
        lab = await Lab.start("owner", own_server=True)
        print(lab.server.pid, lab.worker.pid, flush=True)
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                print("interrupted", flush=True)

    asyncio.run(main())
"""


@pytest.fixture
def owner() -> subprocess.Popen[str]:
    """A running process that has started a lab, as a kernel does."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(OWNER)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
async def test_the_server_and_the_worker_end_when_the_kernel_ends(
    owner: subprocess.Popen[str], number: signal.Signals
) -> None:
    assert owner.stdout is not None
    pids = numbers_in(owner.stdout.readline())
    assert len(pids) == 2
    owner.send_signal(number)
    owner.wait()
    await eventually(lambda: all(gone(pid) for pid in pids), waiting_for=f"the processes {pids} to end")


async def test_interrupting_the_kernel_does_not_end_the_server_or_the_worker(owner: subprocess.Popen[str]) -> None:
    assert owner.stdout is not None
    pids = numbers_in(owner.stdout.readline())
    os.killpg(owner.pid, signal.SIGINT)
    assert owner.stdout.readline() == "interrupted\n"
    assert not any(gone(pid) for pid in pids)
    owner.kill()
    owner.wait()


def test_all_processes_listen_only_on_loopback(lab: Lab) -> None:
    pids = [lab.server.pid, lab.worker.pid, os.getpid()]
    open_ports = [one for pid in pids for one in psutil.Process(pid).net_connections("inet")]
    listening = [one.laddr.ip for one in open_ports if one.status == psutil.CONN_LISTEN]
    assert len(listening) >= 3, "gRPC, Web UI and SMTP listen"
    assert set(listening) == {"127.0.0.1"}
