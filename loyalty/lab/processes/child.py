"""Child processes under a guardian: they survive the stop button and do not survive their owner."""

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
"""How long a child may take to end politely."""


def python_module(module: str, *arguments: str) -> list[str]:
    """Return the command `python -m module arguments...`; Python looks for modules in the current folder last."""
    return [sys.executable, "-P", run_module.__file__, module, *arguments]


class Child:
    """A running command; everything that it writes goes to the file `log`.

    The log's folder is removed when the owner dies without stopping the child: nobody is left to read it.
    """

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)  # a clean-up of temporary files may have removed it
        with log.open("ab") as output:
            self._log_begins = output.tell()  # an earlier command may have written to it
            self._guardian = subprocess.Popen(
                # -I -S: no site-packages, no PYTHON* variables; the guardian is up in a hundredth of a second.
                [sys.executable, "-I", "-S", guardian.__file__, str(GRACE_SECONDS), str(log.parent), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                # Whatever the machine's encoding is, what a Python process writes into its log is UTF-8.
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
        threading.Thread(target=self._note_the_end, daemon=True).start()

    def _note_the_end(self) -> None:
        self._guardian.wait()
        self._ended = datetime.now(UTC)

    def is_up(self) -> None:
        """Begin the uptime of this command now; the caller has seen the command ready."""
        self._up_since = datetime.now(UTC)

    def uptime(self, role: Role, name: str, identity: str | None = None) -> Uptime:
        """Return from when to when this command was up."""
        ended_by = (self._ordered or "died") if self._ended else None
        return Uptime(role, name, identity, self._up_since, self._ended, ended_by)

    @property
    def ended_without_notice(self) -> bool:
        """Whether the command was killed or died, so that it could not sign off from a server."""
        return not self.alive and self._ordered != "stopped"

    @property
    def alive(self) -> bool:
        """Whether the command is still running."""
        return self._guardian.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The lowest eight bits of the command's exit code; None while it is running."""
        return self._guardian.poll()

    def kill(self) -> None:
        """End the command as a power cut would (SIGKILL), and wait until it is gone."""
        self._end("kill", "killed")

    def stop(self) -> None:
        """Ask the command to end (SIGTERM), insist after GRACE_SECONDS, and wait until it is gone."""
        self._end("stop", "stopped")

    def _end(self, how: str, in_words: End) -> None:
        assert self._guardian.stdin is not None
        if self.alive:
            self._ordered = in_words
            try:
                self._guardian.stdin.write(how + "\n")
                self._guardian.stdin.flush()
            except OSError:
                pass  # it ended between the question and the order: a broken pipe; Windows calls it EINVAL
        try:
            self._guardian.wait(GRACE_SECONDS * 2)
        except subprocess.TimeoutExpired as error:
            raise WaitedTooLong(f"Waited {GRACE_SECONDS * 2:g} s until process {self.pid} ended") from error

    def lines(self) -> list[str]:
        """Return what the command has written; one line that says so if a clean-up has removed its log."""
        try:
            written = self.log.read_bytes()
        except FileNotFoundError:
            return [f"(The log {self.log} was removed, as a clean-up of temporary files does.)"]
        return written[self._log_begins :].decode(errors="replace").splitlines()

    def last_lines(self, count: int) -> str:
        """Return the newest `count` lines of what the command has written."""
        return "\n".join(self.lines()[-count:])
