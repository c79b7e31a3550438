"""Stop a notebook's workers while another notebook runs cells, because Binder's memory is small.

No work is lost. While the workers are stopped, the server keeps new tasks. Before the notebook's next cell runs, the
workers start again. The kernel that ran the newest cell is called the kernel in front. All kernels of a JupyterLab
share one file, which contains the process id of the kernel in front. This module never stops workers in VS Code or in
scripts.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from loyalty.lab.client.notices import announce
from loyalty.lab.errors import LabError
from loyalty.lab.this_process import in_kernel

if TYPE_CHECKING:
    from loyalty.lab.processes.worker import WorkerProcess

IN_FRONT = "LOYALTY_LAB_IN_FRONT"
"""Variable of kernels: the path of the file with the process id of the kernel in front."""

REST_AFTER_SECONDS = 20.0
"""Workers rest after their kernel was idle for this time. A short visit to another notebook stops no worker."""

LOOK_EVERY_SECONDS = 2.0


class Rest:
    """Stops this kernel's workers while another notebook runs cells, and starts the workers again later."""

    of_this_kernel: ClassVar[Rest | None] = None

    def __init__(self, in_front: Path) -> None:
        self._in_front = in_front
        self._workers: weakref.WeakSet[WorkerProcess] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._idle_since: float | None = None
        self._come_to_front()
        threading.Thread(target=self._look, name="rest", daemon=True).start()

    def include(self, worker: WorkerProcess) -> None:
        """Add a worker process."""
        self._workers.add(worker)

    def cell_begins(self, *_: object) -> None:
        """Record that this kernel is in front, and start its stopped workers; IPython calls this before each cell."""
        self._idle_since = None
        self._come_to_front()
        try:
            with self._lock:
                resting = [worker for worker in self._workers if worker.rests]
                if resting:
                    announce(f"Another notebook ran cells; this notebook's workers start again: {len(resting)}.")
                for worker in resting:
                    worker.start()
        except (LabError, KeyboardInterrupt) as error:
            because = str(error) or "interrupted"
            announce(f"Not all workers have started ({because}); `lab.worker.start()` starts the first one.")

    def cell_ended(self, *_: object) -> None:
        """Record that the kernel is idle; IPython calls this after each cell."""
        self._idle_since = time.monotonic()

    def _come_to_front(self) -> None:
        with suppress(OSError):  # a clean-up of temporary files removed the folder: workers no longer rest
            self._in_front.write_text(str(os.getpid()), encoding="utf-8")

    def _another_is_in_front(self) -> bool:
        try:
            return self._in_front.read_text(encoding="utf-8") not in ("", str(os.getpid()))
        except OSError:
            return False

    def _is_idle(self) -> bool:
        since = self._idle_since
        return since is not None and time.monotonic() - since >= REST_AFTER_SECONDS

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_EVERY_SECONDS)
            if self._is_idle() and self._another_is_in_front():
                with self._lock, suppress(LabError):  # a process that did not end in time gets SIGTERM again
                    for worker in list(self._workers):
                        if worker.alive and self._is_idle():
                            worker.rest()


def rest_of_this_kernel() -> Rest | None:
    """Return the `Rest` object of this kernel, or None outside of the course's JupyterLab."""
    file = os.environ.get(IN_FRONT)
    if file and Rest.of_this_kernel is None and in_kernel():
        from IPython import get_ipython

        rest = Rest.of_this_kernel = Rest(Path(file))
        events = get_ipython().events
        events.register("pre_run_cell", rest.cell_begins)
        events.register("post_run_cell", rest.cell_ended)
    return Rest.of_this_kernel
