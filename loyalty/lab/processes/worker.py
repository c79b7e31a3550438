"""Start, stop and kill worker processes, and read their logs."""

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
from loyalty.lab.processes.worker_end import LAST_LINES, why_it_ended

READY = "Serving task queue"
"""`loyalty.worker` writes these words after its worker has started to poll."""

START_TIMEOUT_SECONDS = 30


class WorkerProcess:
    """A worker process, `python -m MODULE TASK_QUEUES`, which can be killed and started again."""

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
        """Whether the process was stopped for another notebook. The next cell of this notebook starts it again."""

    def start(self) -> WorkerProcess:
        """Start the process, and wait until the process serves a task queue. Do nothing if the process already runs.

        If the previous process was killed, print how long the first answers may be delayed.
        """
        self.rests = False
        if not self.alive:
            before = self._child
            number = 1 + len(list(self._folder.glob("worker-*.log")))
            while f"worker {number}" in self._children:  # a clean-up of temporary files has removed a log
                number += 1
            child = Child(self._command, self._folder / f"worker-{number}.log", self._environment)
            self._child = self._children[f"worker {number}"] = child

            def serves() -> bool:
                if any(READY in line for line in child.lines()):
                    return True
                if child.exit_code is not None:
                    raise LabError(why_it_ended(self._module, child.exit_code, child.last_lines(LAST_LINES)))
                return False

            def missing() -> str:
                words = child.last_lines(LAST_LINES)
                return f"it runs, and has not written {READY!r}" + (f"; its last lines:\n{words}" if words else "")

            what = f"worker process {child.pid}, python -m {self._module}, serves its task queue"
            try:
                block_until(serves, what, START_TIMEOUT_SECONDS, missing=missing)
            except BaseException:
                child.kill()  # after a timeout or an interrupt: no unknown process may stay
                raise
            child.start_uptime()
            if before is not None and before.ended_without_notice:
                announce(
                    f"Worker process {child.pid} runs. The first answers may take {sticky_seconds():g} s: "
                    "for that time the server offers a workflow's task only to the workflow's previous worker process, "
                    "even if that process has ended."
                )
        return self

    def kill(self) -> None:
        """Kill the process (SIGKILL)."""
        self._running().kill()

    def stop(self) -> None:
        """Stop the process (SIGTERM). The process first finishes its running tasks."""
        if self.rests:  # the process has ended; now the next cell does not start it again
            self.rests = False
        else:
            self._running().stop()

    def rest(self) -> None:
        """Stop the process. The notebook's next cell starts the process again."""
        self._running().stop()
        self.rests = True

    @property
    def alive(self) -> bool:
        """Whether the process is running."""
        return self._child is not None and self._child.alive

    @property
    def pid(self) -> int | None:
        """The process id; None if no process is running."""
        return self._child.pid if self._child is not None and self._child.alive else None

    def task_queues(self) -> list[str]:
        """Return the task queues in the log of the newest process."""
        served = [line.partition(READY)[2] for line in self._child.lines() if READY in line] if self._child else []
        return [queue.strip() for line in served for queue in line.partition(";")[0].split(",")]

    def uptimes(self) -> list[Uptime]:
        """Return one uptime for each start of the process.

        An uptime contains the process's identity in the Event History.
        """
        host = socket.gethostname()
        return [child.uptime("worker", name, f"{child.pid}@{host}") for name, child in self._children.items()]

    def log(self, lines: int = 20) -> str:
        """Return the newest lines of the newest process's log."""
        return self._child.last_lines(lines) if self._child else ""

    def _running(self) -> Child:
        if self._child is None or not self._child.alive:
            raise LabError("Cannot end the worker: no process is running; `lab.worker.start()` starts one")
        return self._child

    def __repr__(self) -> str:
        return f"Worker process {self.pid}, running" if self.alive else "Worker process, not running"


def sticky_seconds() -> float:
    """Return the timeout of a worker's sticky task queue.

    After the timeout, the server offers the Workflow Task to all workers.
    """
    from temporalio.worker import Worker  # imported only after a kill: the module is slow to import

    default = inspect.signature(Worker.__init__).parameters["sticky_queue_schedule_to_start_timeout"].default
    assert isinstance(default, timedelta)
    return default.total_seconds()


def sqlite_url(file: Path) -> str:
    """Return SQLAlchemy's URL of a database file. In the URL, special characters of the path are escaped."""
    from sqlalchemy.engine import URL  # imported only when a lab starts: SQLAlchemy is slow to import

    return URL.create("sqlite", database=str(file)).render_as_string(hide_password=False)
