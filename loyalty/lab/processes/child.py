"""Child processes that end when their owner ends. JupyterLab's stop button does not interrupt these processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from loyalty.lab.errors import WaitedTooLong
from loyalty.lab.processes import guardian, run_module
from loyalty.lab.processes.uptime import End, Role, Uptime

GRACE_SECONDS = 5.0
"""A child has this time to end after SIGTERM. Then it gets SIGKILL."""


def python_module(module: str, *arguments: str) -> list[str]:
    """Return a command that runs a module like `python -m module arguments...`.

    Python searches for modules in the current folder after all other folders.
    """
    return [sys.executable, "-P", run_module.__file__, module, *arguments]


class Child:
    """A running command; the file `log` contains the command's output.

    If the owner ends before the command, the guardian removes the log's folder.
    """

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)  # a clean-up of temporary files may have removed the folder
        with log.open("ab") as output:
            self._log_begins = output.tell()  # the output of earlier commands ends here
            self._guardian = subprocess.Popen(
                # -I -S: without site-packages and PYTHON* variables, the guardian starts within 10 milliseconds.
                [sys.executable, "-I", "-S", guardian.__file__, str(GRACE_SECONDS), str(log.parent), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                # A Python process writes UTF-8 into its log, whatever the machine's encoding is.
                env={**(os.environ if environment is None else environment), "PYTHONUTF8": "1"},
                encoding="utf-8",
                start_new_session=os.name == "posix",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        assert self._guardian.stdout is not None
        self.pid = int(self._guardian.stdout.readline())
        self._ordered: End | None = None
        self._ended: datetime | None = None
        self._up_since = datetime.now(UTC)
        threading.Thread(target=self._record_end, daemon=True).start()

    def _record_end(self) -> None:
        self._guardian.wait()
        self._ended = datetime.now(UTC)

    def start_uptime(self) -> None:
        """Record that the uptime of the command begins now."""
        self._up_since = datetime.now(UTC)

    def uptime(self, role: Role, name: str, identity: str | None = None) -> Uptime:
        """Return the uptime of this command."""
        ended_by = (self._ordered or "died") if self._ended else None
        return Uptime(role, name, identity, self._up_since, self._ended, ended_by)

    @property
    def ended_without_notice(self) -> bool:
        """Whether the command has ended without a call of `stop`.

        The Temporal server may still offer tasks to a killed worker.
        """
        return not self.alive and self._ordered != "stopped"

    @property
    def alive(self) -> bool:
        """Whether the command is still running."""
        return self._guardian.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The lowest eight bits of the command's exit code, or None while the command runs."""
        return self._guardian.poll()

    def kill(self) -> None:
        """Kill the command (SIGKILL), and wait until its process has ended."""
        self._end("kill", "killed")

    def stop(self) -> None:
        """Stop the command (SIGTERM), and wait until its process has ended. After GRACE_SECONDS, send SIGKILL."""
        self._end("stop", "stopped")

    def _end(self, how: str, in_words: End) -> None:
        assert self._guardian.stdin is not None
        if self.alive:
            self._ordered = in_words
            try:
                self._guardian.stdin.write(how + "\n")
                self._guardian.stdin.flush()
            except OSError:
                pass  # the command has just ended: a broken pipe, on Windows EINVAL
        try:
            self._guardian.wait(GRACE_SECONDS * 2)
        except subprocess.TimeoutExpired as error:
            raise WaitedTooLong(f"Waited {GRACE_SECONDS * 2:g} s until process {self.pid} ended") from error

    def lines(self) -> list[str]:
        """Return the command's output. If the log was removed, return one line about the removal."""
        try:
            written = self.log.read_bytes()
        except FileNotFoundError:
            return [f"(The log {self.log} was removed, probably by a clean-up of temporary files.)"]
        return written[self._log_begins :].decode(errors="replace").splitlines()

    def last_lines(self, count: int) -> str:
        """Return the newest `count` lines of the command's output."""
        return "\n".join(self.lines()[-count:])
