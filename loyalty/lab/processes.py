"""Child processes under a guardian: they survive the stop button and do not survive their owner."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from loyalty.lab import guardian
from loyalty.lab.errors import WaitedTooLong

GRACE_SECONDS = 5.0
"""How long a child may take to end politely."""


class Child:
    """A running command; everything that it writes goes to the file `log`.

    The log's folder is removed when the owner dies without stopping the child: nobody is left to read it.
    """

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as output:
            self._guardian = subprocess.Popen(
                # -I -S: no site-packages, no PYTHON* variables; the guardian is up in a hundredth of a second.
                [sys.executable, "-I", "-S", guardian.__file__, str(GRACE_SECONDS), str(log.parent), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env=environment,
                text=True,
                start_new_session=os.name == "posix",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        assert self._guardian.stdout is not None
        self.pid = int(self._guardian.stdout.readline())

    @property
    def alive(self) -> bool:
        """Whether the command is still running."""
        return self._guardian.poll() is None

    def kill(self) -> None:
        """End the command as a power cut would (SIGKILL), and wait until it is gone."""
        self._end("kill")

    def stop(self) -> None:
        """Ask the command to end (SIGTERM), insist after GRACE_SECONDS, and wait until it is gone."""
        self._end("stop")

    def _end(self, how: str) -> None:
        assert self._guardian.stdin is not None
        if self.alive:
            try:
                self._guardian.stdin.write(how + "\n")
                self._guardian.stdin.flush()
            except BrokenPipeError:
                pass  # it ended between the question and the order
        try:
            self._guardian.wait(GRACE_SECONDS * 2)
        except subprocess.TimeoutExpired as error:
            raise WaitedTooLong(f"Waited {GRACE_SECONDS * 2:g} s until process {self.pid} ended") from error

    def last_lines(self, count: int) -> str:
        """Return the newest `count` lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])
