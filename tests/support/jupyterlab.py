"""A real JupyterLab for tests, with a base URL and a token: its pages, kernels and processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from loyalty.lab.processes.ports import ReservedPort
from tests.support import leash
from tests.support.helpers import eventually

TOKEN = "a-token-of-this-test"
BASE = "/user/ada/"


def answer(url: str, token: str = TOKEN, data: bytes | None = None, timeout: float = 10) -> tuple[int, str]:
    """Return the status and the body of a page. The status is 0 without a connection, and 403 without the token."""
    request = urllib.request.Request(url, data=data, headers={"Authorization": f"token {token}"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as page:
            return 403 if "/login?" in page.url else page.status, page.read().decode(errors="replace")
    except urllib.error.HTTPError as refused:
        return refused.code, ""
    except OSError:  # refused, broken or too slow connection
        return 0, ""


def landing(url: str) -> str:
    """Return the address to which a page redirects, without the query part of the address."""
    with urllib.request.urlopen(f"{url}?token={TOKEN}", timeout=10) as page:
        address: str = page.url
    return address.partition("?")[0]


def descendants(pid: int) -> dict[int, str]:
    """Return a dict of all descendants of the process `pid`: pid, command line."""
    listed = subprocess.run(["ps", "-ww", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [(int(row.split()[0]), int(row.split()[1]), row.split(maxsplit=2)[2]) for row in listed.splitlines()]
    found: dict[int, str] = {}
    families = {pid}
    for _ in rows:
        newcomers = {child: args for child, parent, args in rows if parent in families and child not in found}
        if not newcomers:
            break
        found |= newcomers
        families |= set(newcomers)
    return found


@dataclass
class Session:
    """A running JupyterLab."""

    process: subprocess.Popen[bytes]
    origin: str
    runtime: Path
    base: str = BASE
    kernels: list[BlockingKernelClient] = field(default_factory=list)
    port: ReservedPort | None = None
    """The port of JupyterLab. It is reserved, so that no lab takes it before JupyterLab starts."""

    @property
    def url(self) -> str:
        return self.origin + self.base

    def new_kernel(self) -> BlockingKernelClient:
        return self.client_of(self.start_kernel())

    def start_kernel(self) -> str:
        """Return the id of a new kernel, which may not be ready yet."""
        # The first kernel starts only after the fork server has imported the shared modules.
        status, body = answer(self.url + "api/kernels", data=b"{}", timeout=60)
        assert status == 201
        return str(json.loads(body)["id"])

    def client_of(self, kernel_id: str) -> BlockingKernelClient:
        """Connect to a kernel, wait until it is ready, and return the client."""
        kernel = BlockingKernelClient(connection_file=str(self.runtime / f"kernel-{kernel_id}.json"))
        self.kernels.append(kernel)
        kernel.load_connection_file()
        kernel.start_channels(hb=False)  # no heartbeat: it would declare a slowly starting kernel dead
        kernel.wait_for_ready(timeout=60)
        return kernel


def run(kernel: BlockingKernelClient, source: str) -> str:
    """Return the printed text of a cell, without lines that start with "Still waiting".

    Fail if the cell raises an error.
    """
    printed: list[str] = []

    def collect(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])
        if message["msg_type"] == "error":
            pytest.fail("\n".join(message["content"]["traceback"]))

    kernel.execute_interactive(source, output_hook=collect, timeout=60)
    lines = "".join(printed).splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("Still waiting"))


FORKED = "loyalty.lab.jupyter.forking.forked_kernels"
IMPORTS_BEFOREHAND = f"--ServerApp.jpserver_extensions={{'{FORKED}': True}}"
"""As in `make lab`: JupyterLab imports the shared modules before the first kernel. Most tests do not use this."""

IMPORTS_WHEN_ASKED = IMPORTS_BEFOREHAND.replace("True", "False")


def start_jupyterlab(
    runtime: Path, *arguments: str, base: str = BASE, cwd: str | None = None, **environment: str
) -> Session:
    """Start JupyterLab as `make lab` does, with more arguments and variables. JupyterLab's own files are in `runtime`.

    The first kernel waits for the imports if the arguments do not contain IMPORTS_BEFOREHAND.
    """
    port = ReservedPort()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("JPY_", "JUPYTER"))}
    process = subprocess.Popen(
        [
            *(sys.executable, "-I", "-S", leash.__file__),
            *(sys.executable, "-I", "-X", "utf8", "-m", "loyalty.lab", "--no-browser", f"--port={port.number}"),
            *(f"--ServerApp.base_url={base}", f"--IdentityProvider.token={TOKEN}"),
            *([] if IMPORTS_BEFOREHAND in arguments else [IMPORTS_WHEN_ASKED]),
            *arguments,
        ],
        env={
            **inherited,
            "JUPYTER_RUNTIME_DIR": str(runtime),
            "JUPYTER_CONFIG_DIR": str(runtime),
            "TMPDIR": str(runtime),
            **environment,
        },
        stdout=subprocess.DEVNULL,
        stderr=(runtime / "log").open("wb"),
        start_new_session=True,
        cwd=cwd,
    )
    return Session(process, f"http://127.0.0.1:{port.number}", runtime, base, port=port)


@asynccontextmanager
async def jupyterlab(
    runtime: Path, *arguments: str, base: str = BASE, cwd: str | None = None, **environment: str
) -> AsyncIterator[Session]:
    """Run JupyterLab during the block. The block starts after JupyterLab has answered."""
    session = start_jupyterlab(runtime, *arguments, base=base, cwd=cwd, **environment)
    try:
        await eventually(
            lambda: answer(session.url + "api/status")[0] == 200, waiting_for="an answer of JupyterLab", timeout=60
        )
        yield session
    finally:
        session.process.kill()
        session.process.wait()
        for kernel in session.kernels:  # the garbage collector could block forever on an open ZeroMQ context
            kernel.stop_channels()
            kernel.context.destroy(linger=0)
