"""Forked kernels share memory, and behave like ordinary kernels."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import NATIVE_KERNEL_NAME
from jupyter_client.manager import AsyncKernelManager

from loyalty.lab.jupyter.forking import fork_server, forked_kernels
from loyalty.lab.jupyter.forking.forked_process import ForkedProcess, ForkServers
from loyalty.lab.jupyter.kernelspec import FORKED, CourseKernels
from tests.support.helpers import eventually
from tests.support.jupyterlab import IMPORTS_BEFOREHAND, answer, descendants, jupyterlab, run
from tests.support.processes import gone

pytestmark = [pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only"), pytest.mark.slow]

PLAIN = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}


ENDLESS = ["http.server", "0"]
"""A module of the standard library that never ends by itself."""


class Kernel:
    """A running kernel and its client."""

    def __init__(self, manager: AsyncKernelManager, client: AsyncKernelClient) -> None:
        self.manager, self._client = manager, client

    @property
    def process(self) -> ForkedProcess:
        assert self.manager.provisioner is not None
        process: ForkedProcess = self.manager.provisioner.process  # type: ignore[attr-defined]
        return process

    async def run(self, source: str) -> str:
        """Run a cell; return its printed text, the types of its displays, and the name of its error."""
        said: list[str] = []

        def collect(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                said.append(content["text"])
            elif message["msg_type"] in {"error", "display_data"}:
                said.append(content.get("ename") or " ".join(content["data"]))

        await self._client.execute_interactive(source, output_hook=collect, timeout=60)
        return "".join(said).strip()

    async def restart(self) -> None:
        """Restart the kernel, as JupyterLab's restart button does."""
        await self.manager.restart_kernel(now=True)
        await self._client.wait_for_ready(timeout=60)


@asynccontextmanager
async def kernel(folder: Path, environment: dict[str, str] = PLAIN, *, forked: bool = True) -> AsyncIterator[Kernel]:
    """A kernel that starts in the same way as in the course's JupyterLab."""
    manager = AsyncKernelManager(
        kernel_spec_manager=CourseKernels(), connection_file=str(folder / f"{os.urandom(4).hex()}.json")
    )
    assert manager.kernel_spec is not None
    assert manager.kernel_spec.metadata.pop("kernel_provisioner") == {"provisioner_name": FORKED}
    if forked:
        manager.kernel_spec.metadata["kernel_provisioner"] = {"provisioner_name": FORKED}
    await manager.start_kernel(cwd=str(folder), env={**environment, "LOYALTY_TEST": "é"})
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


def memory(pid: int) -> dict[str, int]:
    """Return the memory of a process in KiB; the keys are Linux's names, for example `Private_Dirty`."""
    found = re.findall(r"^(\w+): +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return {name: int(number) for name, number in found}


AS_IT_IS = """
import gc, json, logging, os, signal, sys, threading, warnings
from os import getppid
import matplotlib, numpy, pandas
variables = {name: value for name, value in os.environ.items() if name != "JPY_PARENT_PID"}
print(json.dumps({
    "variables": variables,
    "ends with its parent": get_ipython().kernel.parent.parent_handle == int(os.environ["JPY_PARENT_PID"]) == getppid(),
    "path": sys.path, "flags": str(sys.flags), "folder": os.getcwd(), "arguments": sys.argv[3:],
    "own group": os.getpid() == os.getpgid(0) == os.getsid(0),
    "signals": {str(number): str(signal.getsignal(number)) for number in signal.valid_signals()},
    "collector": [gc.isenabled(), gc.get_threshold()],
    "warnings": sorted(map(str, warnings.filters)), "handlers": str(logging.root.handlers),
    "pictures": {name: str(value) for name, value in matplotlib.rcParams.items()},
    "main": str(sys.modules["__main__"]), "threads": len(threading.enumerate()),
    "descriptors": sorted(int(name) for name in os.listdir("/proc/self/fd"))[:3],
    "streams": [str(sys.__stdout__), str(sys.__stderr__), sys.getfilesystemencoding()],
    "of ours": [name for name in sys.modules if name.startswith("loyalty")],
}))
"""


async def test_forked_kernel_has_the_same_state_as_an_ordinary_kernel(tmp_path: Path) -> None:
    async with kernel(tmp_path) as forked, kernel(tmp_path, forked=False) as other:
        assert isinstance(forked.process, ForkedProcess)
        assert isinstance(other.process, subprocess.Popen)
        seen, expected = json.loads(await forked.run(AS_IT_IS)), json.loads(await other.run(AS_IT_IS))
        assert "image/png" in await forked.run("import matplotlib.pyplot as plt; plt.plot([1, 2]);")
    assert seen == expected
    assert seen["variables"]["LOYALTY_TEST"] == "é"
    assert seen["ends with its parent"]
    assert seen["of ours"] == []


async def test_restarted_kernel_imports_an_edited_module(tmp_path: Path) -> None:
    module = tmp_path / "menu_of_today.py"
    module.write_text("DRINK = 'tea'\n")
    async with kernel(tmp_path) as one:
        assert await one.run("import menu_of_today; print(menu_of_today.DRINK)") == "tea"
        module.write_text("DRINK = 'espresso'\n")
        before = one.process.pid
        await one.restart()
        assert await one.run("import menu_of_today; print(menu_of_today.DRINK)") == "espresso"
        assert one.process.pid != before
        assert gone(before)


async def test_kernels_generate_different_random_numbers(tmp_path: Path) -> None:
    draw = "import random, uuid, numpy; print(random.random(), numpy.random.random(), uuid.uuid4())"
    async with kernel(tmp_path) as one, kernel(tmp_path) as two:
        assert not set((await one.run(draw)).split()) & set((await two.run(draw)).split())


async def test_stop_button_ends_a_cell_and_its_child_process(tmp_path: Path) -> None:
    sleeping = "import os, subprocess\nprint(os.getpid(), flush=True)\nsubprocess.run(['sleep', '600'])"
    async with kernel(tmp_path) as one, kernel(tmp_path) as other:
        cell = asyncio.create_task(one.run(sleeping))
        await eventually(lambda: descendants(one.process.pid), waiting_for="the cell's process to start")
        (child,) = descendants(one.process.pid)
        await one.manager.interrupt_kernel()
        assert "KeyboardInterrupt" in await cell
        assert gone(child)
        assert await one.run("print('still runs')") == await other.run("print('still runs')") == "still runs"


async def test_kernel_frees_unused_memory_after_each_cell(tmp_path: Path) -> None:
    async with kernel(tmp_path) as one:
        await one.run("from loyalty.lab.jupyter.kernel import arrange_kernel; arrange_kernel(); arrange_kernel()")
        assert await one.run("print(len(get_ipython().events.callbacks['post_run_cell']))") == "1", "one handler"
        await one.run("blocks = [bytearray(b'x' * 100_000) for _ in range(1000)]; newest = blocks[-1]")
        full = memory(one.process.pid)["Private_Dirty"]
        await one.run("blocks.append(blocks); del blocks")
        assert memory(one.process.pid)["Private_Dirty"] < full - 50_000, "a list that contains itself is collected, too"


async def test_exit_code_of_an_ended_kernel_is_available(tmp_path: Path) -> None:
    async with kernel(tmp_path) as one:
        await one.run("import threading, os; threading.Timer(0.1, os._exit, [7]).start()")
        await eventually(one.process.poll, waiting_for="the kernel to end")
        assert one.process.poll() == 7
        assert not await one.manager.is_alive()


async def test_kernels_end_when_the_fork_server_ends_and_can_restart(tmp_path: Path) -> None:
    async with kernel(tmp_path) as one:
        parent = int(await one.run("import os; print(os.getppid())"))
        os.kill(parent, signal.SIGKILL)
        await eventually(lambda: gone(one.process.pid), waiting_for="the kernel to end")
        assert one.process.poll() == -signal.SIGKILL
        async with kernel(tmp_path) as two:
            assert isinstance(two.process, ForkedProcess)
            assert int(await two.run("import os; print(os.getppid())")) != parent


async def test_kernel_starts_even_if_the_fork_server_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit('no memory left')")
    monkeypatch.setattr(fork_server, "__file__", str(broken))
    monkeypatch.setattr(forked_kernels, "_servers", ForkServers())
    async with kernel(tmp_path) as one:
        assert isinstance(one.process, subprocess.Popen)
        assert await one.run("print('as before')") == "as before"
    assert "shares no memory" in caplog.text


@pytest.fixture
def quick_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ForkServers:
    """Fork servers that import only numpy."""
    quick = tmp_path / "quick.py"
    quick.write_text(
        "from loyalty.lab.jupyter.forking import fork_server\nfork_server.SHARED = ()\nfork_server.main()\n"
    )
    monkeypatch.setattr(fork_server, "__file__", str(quick))
    return ForkServers()


def test_old_fork_server_ends_after_its_last_kernel_ends(tmp_path: Path, quick_servers: ForkServers) -> None:
    interpreter = [sys.executable, "-P"]
    old = quick_servers.prepare(interpreter, PLAIN).pid
    kept = quick_servers.fork(interpreter, ENDLESS, str(tmp_path), PLAIN)
    new = quick_servers.prepare(interpreter, {**PLAIN, "LANG": "C"}).pid
    assert old != new, "other variables may change the result of an import"
    assert not gone(old)
    assert kept.poll() is None
    del kept
    assert gone(old)
    assert not gone(new)


async def test_forked_processes_end_when_the_fork_server_is_killed(tmp_path: Path, quick_servers: ForkServers) -> None:
    interpreter = [sys.executable, "-P"]
    kept = quick_servers.fork(interpreter, ENDLESS, str(tmp_path), PLAIN)
    os.kill(quick_servers.prepare(interpreter, PLAIN).pid, signal.SIGKILL)
    await eventually(lambda: gone(kept.pid), waiting_for="the process to end", timeout=5)
    assert kept.poll() == -signal.SIGKILL


@pytest.mark.usefixtures("quick_servers")
def test_fork_server_ends_silently_if_jupyterlab_ends_during_the_imports() -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs:
        done = subprocess.run([sys.executable, fork_server.__file__], stdin=theirs.fileno(), capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_fork_server_is_replaced_after_a_package_is_installed(
    tmp_path: Path, quick_servers: ForkServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    before = quick_servers.prepare([sys.executable], PLAIN)
    assert quick_servers.prepare([sys.executable], {**PLAIN, "JPY_SESSION_NAME": "other.ipynb"}) is before
    (tmp_path / "new_package").mkdir()
    assert quick_servers.prepare([sys.executable], PLAIN) is not before


def test_fork_server_refuses_imports_that_start_a_thread(tmp_path: Path) -> None:
    (tmp_path / "starter.py").write_text(
        "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"
    )
    code = "from loyalty.lab.jupyter.forking import fork_server; fork_server.SHARED = ['starter']; fork_server.load()"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**PLAIN, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert "1 threads run after the imports of starter" in done.stderr


async def test_forked_kernel_uses_the_mplbackend_variable(tmp_path: Path) -> None:
    async with kernel(tmp_path, {**PLAIN, "MPLBACKEND": "svg"}) as one:
        assert isinstance(one.process, ForkedProcess)
        assert await one.run("import matplotlib.pyplot as plt; print(plt.get_backend())") == "svg"


def test_only_the_course_kernel_on_linux_is_forked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    foreign = tmp_path / "kernels" / "another"
    foreign.mkdir(parents=True)
    (foreign / "kernel.json").write_text(json.dumps({"argv": ["python"], "display_name": "", "language": "python"}))
    kernels = CourseKernels(kernel_dirs=[str(foreign.parent)])
    assert "kernel_provisioner" in kernels.get_kernel_spec(NATIVE_KERNEL_NAME).metadata
    assert "kernel_provisioner" not in kernels.get_kernel_spec("another").metadata
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "kernel_provisioner" not in kernels.get_kernel_spec(NATIVE_KERNEL_NAME).metadata


# ---- in JupyterLab -----------------------------------------------------------------------------------------------


def fork_servers(pid: int) -> list[int]:
    """Return the process ids of a JupyterLab's fork servers."""
    return [one.pid for one in psutil.Process(pid).children() if fork_server.__file__ in one.cmdline()]


async def test_forked_kernels_share_memory_and_end_when_jupyterlab_ends(tmp_path: Path) -> None:
    async with jupyterlab(tmp_path, IMPORTS_BEFOREHAND) as session:
        (early,) = await eventually(
            lambda: fork_servers(session.process.pid), waiting_for="the fork server to start before any kernel"
        )
        first, second = session.new_kernel(), session.new_kernel()
        ids = "import os, pandas, matplotlib, temporalio.worker; print(os.getpid(), os.getppid())"
        (one, parent), (two, of_second) = (map(int, run(each, ids).split()) for each in (first, second))
        assert parent == of_second == early, "both kernels have the same fork server"
        seen = memory(two)
        assert seen["Shared_Dirty"] > seen["Private_Dirty"], "kernels share more than half of the written memory"
        run(second, "get_ipython().kernel.log.error('printed in the terminal')")
        log = (tmp_path / "log").read_text()
        assert "printed in the terminal" in log
        assert "frozen modules" not in log, "the debugger prints no warning in the terminal"

        first.execute("import os; os._exit(1)")
        path = f"{session.url}api/kernels/{Path(first.connection_file).stem.removeprefix('kernel-')}"
        await eventually(
            lambda: set(descendants(early)) - {one, two}, waiting_for="JupyterLab to restart the kernel that has ended"
        )
        assert answer(path)[0] == 200
        family = {early, *descendants(early)}
        assert len(family) == 3
        session.process.send_signal(signal.SIGKILL)
        await eventually(lambda: all(map(gone, family)), waiting_for="the kernels and their parent to end")
