"""The embedded Temporal server is a child process of a lab or of JupyterLab."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from temporalio.client import Client

from loyalty.lab.client.runtime import quiet_runtime
from loyalty.lab.client.waiting import block_until, until
from loyalty.lab.errors import LabError
from loyalty.lab.processes.child import Child
from loyalty.lab.processes.environment import server_environment
from loyalty.lab.processes.ports import HOST, ReservedPort, is_open, refuse_taken
from loyalty.lab.processes.uptime import Uptime
from loyalty.lab.server.address import PUBLIC_PATH, Server
from loyalty.lab.server.database import refuse_unusable

START_TIMEOUT_SECONDS = 30
ATTEMPTS = 3
PORT_TAKEN = ("address already in use", "Only one usage of each socket address", "failed assigning ephemeral port")
"""Error texts for a port in use: of Linux and macOS, of Windows, and of the server for its internal ports."""

LAST_LINES = 5
"""The error about a server that ended shows this many lines of the server's log."""

TUNING: Mapping[str, object] = {
    "history.transferProcessorMaxPollRPS": 1000,
    "history.timerProcessorMaxPollRPS": 1000,
    "history.timerProcessorMaxTimeShift": "10ms",
    "history.workflowIdReuseMinimalInterval": "0s",
}
"""With these values the server polls its own queues faster. A production cluster has thousands of shards, and the
development server has one. By default the server polls each shard 20 times a second, so each task of a single customer
would wait up to 50 ms. These values raise the rate of single purchases from 22 to 83 a second (measured, two cores). A
timer of one millisecond fires at once, not after two seconds. After a run shorter than a second, the next run starts at
once, not after a second. No limit changes."""


def binary() -> Path | None:
    """Return the path of the `temporal` program. Search Python's folder first, then the PATH."""
    beside = shutil.which("temporal", path=str(Path(sys.executable).parent))
    found = beside or shutil.which("temporal")
    return Path(found) if found else None


NO_WAIT_FOR_DISK = ("--sqlite-pragma", "synchronous=0")
"""A killed server still loses nothing. After a power cut the database file may be unusable."""


def command(
    program: Path, where: Server, database: Path | None, limits: Mapping[str, object], *, waits_for_disk: bool = True
) -> list[str]:
    """Return the command line of the embedded server. `limits` maps dynamic configuration keys to JSON values."""
    port = where.address.rpartition(":")[2]
    arguments = [str(program), "server", "start-dev", "--ip", HOST, "--port", port, "--log-level", "warn"]
    # The settings file in HOME is for the learner's own clusters. An error in that file would stop this server.
    arguments += ["--env-file", os.devnull, "--disable-config-file"]
    arguments += ["--ui-port", str(where.ui_port), "--ui-disable-news-fetch"]
    if where.ui_path != "/":  # with "/", the server would redirect /namespaces/... to a host named namespaces
        arguments += ["--ui-public-path", PUBLIC_PATH]
    if database is not None:
        arguments += ["--db-filename", str(database), *([] if waits_for_disk else NO_WAIT_FOR_DISK)]
    for key, value in {**TUNING, **limits}.items():
        arguments += ["--dynamic-config-value", f"{key}={json.dumps(value)}"]
    return arguments


class EmbeddedServer:
    """The real Temporal server as a child process. The server's data is in memory or in the file `database`.

    With `waits_for_disk=False`, the server is faster with a file, but a power failure may damage the file.
    """

    def __init__(
        self,
        program: Path,
        log: Path,
        *,
        port: int | None = None,
        database: Path | None = None,
        limits: Mapping[str, object] | None = None,
        waits_for_disk: bool = True,
    ) -> None:
        if port is not None:
            refuse_taken(port)
        if database is not None:
            database = database.absolute()  # the notebook may change its folder before the server starts again
            refuse_unusable(database)
        self._log = log
        for attempts_left in reversed(range(ATTEMPTS)):
            self._reserved = [ReservedPort(), ReservedPort()]
            free_port, ui_port = (one.number for one in self._reserved)
            self.where = Server(f"{HOST}:{port or free_port}", ui_port)
            self._command = command(program, self.where, database, limits or {}, waits_for_disk=waits_for_disk)
            self._child = self._start_child()
            if self._listens():
                self._child.start_uptime()
                self._children = [self._child]
                return
            # Another program may have taken a port after the lab chose it and before the server listened there.
            words = self._last_lines()
            if attempts_left == 0 or not any(taken in words for taken in PORT_TAKEN):
                raise LabError(f"The Temporal server ended at once; its last lines:\n{words}")

    def _start_child(self) -> Child:
        return Child(self._command, self._log, server_environment())

    def _listens(self) -> bool:
        """Wait until the server accepts connections. Return False if the server has ended."""

        def accepts_or_ended() -> bool:
            return not self._child.alive or all(is_open(port) for port in self.where.ports)

        what = f"the Temporal server listens at {self.where.address}"
        block_until(accepts_or_ended, what, START_TIMEOUT_SECONDS, missing=self._state)
        return self._child.alive

    def _state(self) -> str:
        """Return the end of an error message about a server that does not answer."""
        words = self._last_lines()
        return f"its process {self.pid} runs; " + (f"its last lines:\n{words}" if words else "it has written nothing")

    def _last_lines(self) -> str:
        """Return the last lines of the log, or the first line of a Go panic."""
        lines = self._child.lines()
        panic = next((number for number, line in enumerate(lines) if line.startswith("panic: ")), None)
        return "\n".join(lines[-LAST_LINES:] if panic is None else lines[panic : panic + 1])

    async def ready(self) -> None:
        """Wait until the server answers; raise LabError if the server has ended."""

        async def answers() -> bool:
            if not self._child.alive:
                raise LabError(f"The Temporal server ended; its last lines:\n{self._last_lines()}")
            return await is_reachable(self.where.address)

        async def missing() -> str:
            return self._state()

        what = f"the Temporal server answers at {self.where.address}"
        await until(answers, what, START_TIMEOUT_SECONDS, missing=missing)

    async def stop(self) -> None:
        """Stop the server (SIGTERM). Data in a file is kept, but data in memory is lost."""
        self._child.stop()

    def kill(self) -> None:
        """Kill the server (SIGKILL)."""
        self._child.kill()

    async def start(self) -> None:
        """Start the server again after `kill` or `stop`, with the same ports and the same file."""
        if not self._child.alive:
            self._child = self._start_child()
            self._children.append(self._child)
        await self.ready()

    def uptimes(self) -> list[Uptime]:
        """Return the uptimes of the server."""
        return [child.uptime("Temporal server", "Temporal server") for child in self._children]

    @property
    def alive(self) -> bool:
        """Whether the server's process runs. The server may not answer yet."""
        return self._child.alive

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._child.pid


async def is_reachable(address: str) -> bool:
    """Return whether a Temporal server answers at `address`."""
    try:
        client = await Client.connect(address, runtime=quiet_runtime())
        return await client.service_client.check_health()
    except RuntimeError:  # the SDK raises this error for a refused connection
        return False
