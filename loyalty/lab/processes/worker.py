"""Worker processes: start, kill, restart, and what they write. A worker is a process, so it is one here too."""

from __future__ import annotations

import inspect
import socket
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from loyalty.lab.client.notices import announce
from loyalty.lab.client.waiting import block_until
from loyalty.lab.errors import LabError
from loyalty.lab.processes.child import Child, python_module
from loyalty.lab.processes.uptime import Uptime
from loyalty.lab.processes.worker_end import LAST_WORDS, why_it_ended

READY = "Serving task queue"
"""What `loyalty.worker` writes once it polls."""

START_TIMEOUT_SECONDS = 30


class WorkerProcess:
    """One worker process, `python -m <module> <task queues>`, that can be killed and started again."""

    def __init__(
        self, environment: Mapping[str, str], folder: Path, module: str = "loyalty.worker", *task_queues: str
    ) -> None:
        self._environment = dict(environment)
        self._folder = folder
        self._module = module
        self._command = python_module(module, *task_queues)
        self._child: Child | None = None
        self._children: dict[str, Child] = {}
        self.rests = False
        """Whether the process has ended because another notebook runs, and will be started again."""

    def start(self) -> WorkerProcess:
        """Start the process and wait until it serves its task queue; does nothing where it runs already.

        If it replaces a process that was killed, it says how long the server may wait for that one.
        """
        self.rests = False
        if not self.alive:
            before = self._child
            number = 1 + len(list(self._folder.glob("worker-*.log")))
            while f"worker {number}" in self._children:  # a clean-up of temporary files has removed its log
                number += 1
            child = Child(self._command, self._folder / f"worker-{number}.log", self._environment)
            self._child = self._children[f"worker {number}"] = child

            def serves() -> bool:
                if any(READY in line for line in child.lines()):
                    return True
                if child.exit_code is not None:
                    raise LabError(why_it_ended(self._module, child.exit_code, child.last_lines(LAST_WORDS)))
                return False

            def missing() -> str:
                words = child.last_lines(LAST_WORDS)
                return f"it runs, and has not written {READY!r}" + (f"; its last words:\n{words}" if words else "")

            what = f"worker process {child.pid}, python -m {self._module}, serves its task queue"
            try:
                block_until(serves, what, START_TIMEOUT_SECONDS, missing=missing)
            except BaseException:
                child.kill()  # too late, or interrupted: a process that serves nothing would go on unseen
                raise
            child.is_up()
            if before is not None and before.ended_without_notice:
                announce(
                    f"Worker process {child.pid} runs. First answers may take {sticky_seconds():g} s: for that time "
                    "the server offers a workflow's task only to the process that served it last, even if it has ended."
                )
        return self

    def kill(self) -> None:
        """End the process as a power cut would (SIGKILL)."""
        self._running().kill()

    def stop(self) -> None:
        """Ask the process to end (SIGTERM): it finishes what it has begun."""
        if self.rests:  # it has ended; now for good
            self.rests = False
        else:
            self._running().stop()

    def rest(self) -> None:
        """Do as `stop`, until the notebook's next cell starts the process again."""
        self._running().stop()
        self.rests = True

    @property
    def alive(self) -> bool:
        """Whether the process is running."""
        return self._child is not None and self._child.alive

    @property
    def pid(self) -> int | None:
        """The process id; None where no process is running."""
        return self._child.pid if self._child is not None and self._child.alive else None

    def task_queues(self) -> list[str]:
        """Return the task queues that the newest process has said it serves."""
        served = [line.partition(READY)[2] for line in self._child.lines() if READY in line] if self._child else []
        return [queue.strip() for line in served for queue in line.partition(";")[0].split(",")]

    def uptimes(self) -> list[Uptime]:
        """Return when its processes were up, one after the other, under the identities that histories know."""
        host = socket.gethostname()
        return [child.uptime("worker", name, f"{child.pid}@{host}") for name, child in self._children.items()]

    def log(self, lines: int = 20) -> str:
        """Return the newest lines that the newest process has written."""
        return self._child.last_lines(lines) if self._child else ""

    def _running(self) -> Child:
        if self._child is None or not self._child.alive:
            raise LabError("Cannot end the worker: no process is running; `lab.worker.start()` brings one back")
        return self._child

    def __repr__(self) -> str:
        return f"Worker process {self.pid}, running" if self.alive else "Worker process, not running"


def sticky_seconds() -> float:
    """Return how long the server offers a task to the worker that has the workflow in its cache, before it asks all."""
    from temporalio.worker import Worker  # only where a worker was killed: the module is slow to import

    default = inspect.signature(Worker.__init__).parameters["sticky_queue_schedule_to_start_timeout"].default
    assert isinstance(default, timedelta)
    return default.total_seconds()


def sqlite_url(file: Path) -> str:
    """Return SQLAlchemy's URL of a database file; a path may have characters that mean something in a URL."""
    from sqlalchemy.engine import URL  # only where a lab starts: SQLAlchemy is slow to import

    return URL.create("sqlite", database=str(file)).render_as_string(hide_password=False)
