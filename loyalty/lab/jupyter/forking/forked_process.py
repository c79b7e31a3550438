"""Start a fork server, and control the forked processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sysconfig
import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import IO, Any

from loyalty.lab.jupyter.forking import fork_server

OF_ONE_KERNEL = ("JPY_SESSION_NAME", "JPY_PARENT_PID")
"""These variables differ between kernels. The shared imports do not depend on the values here."""

DEADLINE_SECONDS = 60.0
"""The imports may take this long on a busy machine. Other answers come at once."""

ATTEMPTS = 2
"""If the fork server has ended since the last kernel, the second attempt starts a new one."""


class ForkServer:
    """A running fork server.

    The fork server ends when this object is deleted. Each ForkedProcess has a reference to this object.
    """

    def __init__(self, interpreter: Sequence[str], environment: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(DEADLINE_SECONDS)
        self._answers = self._socket.makefile("rb")
        with theirs:
            self._process = subprocess.Popen(
                [*interpreter, fork_server.__file__],
                stdin=theirs.fileno(),
                env=dict(environment),
                start_new_session=True,  # Ctrl-C in the terminal must reach JupyterLab only
            )
        self.pid = self._process.pid
        weakref.finalize(self, _end, self._process, self._answers, self._socket)
        self._read()

    def request(self, **content: object) -> dict[str, Any]:
        """Return the fork server's answer; raise OSError if the fork server has ended or cannot fork."""
        with self._lock:
            self._socket.sendall(json.dumps(content).encode() + b"\n")
            return self._read()

    def _read(self) -> dict[str, Any]:
        line = self._answers.readline()
        if not line:
            raise ConnectionError(f"The fork server of kernels, process {self.pid}, has ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise OSError(answer["error"])
        return answer


def _end(process: subprocess.Popen[bytes], *connection: IO[bytes] | socket.socket) -> None:
    process.kill()
    process.wait()
    for end in connection:
        end.close()


class ForkedProcess:
    """A forked process. LocalProvisioner uses this class instead of subprocess.Popen."""

    stdin = stdout = stderr = None

    def __init__(self, server: ForkServer, pid: int) -> None:
        self._server = server
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or None while the process runs. After a signal, the exit code is negative."""
        if self.returncode is None:
            try:
                self.returncode = self._server.request(poll=self.pid)["code"]
            except OSError:  # the operating system has ended the process together with the fork server
                self.returncode = -signal.SIGKILL
        return self.returncode

    def wait(self) -> int | None:
        """Return the exit code; LocalProvisioner calls `wait` only after the process has ended."""
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Send a signal if the process runs. The process id is not reused before `poll` has returned an exit code."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


class ForkServers:
    """Keeps one fork server running.

    If the interpreter, the variables or the installed packages change, a new fork server replaces the old one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: ForkServer | None = None
        self._started_for: tuple[object, ...] = ()

    def prepare(self, interpreter: Sequence[str], environment: Mapping[str, str]) -> ForkServer:
        """Return a fork server that has finished its imports; raise OSError if no fork server starts."""
        shared = {name: value for name, value in environment.items() if name not in OF_ONE_KERNEL}
        installed_at = [os.stat(sysconfig.get_path(kind)).st_mtime_ns for kind in ("purelib", "platlib")]
        needed = (list(interpreter), shared, installed_at)
        with self._lock:
            if self._newest is None or self._started_for != needed:
                self._newest = None
                self._newest, self._started_for = ForkServer(interpreter, shared), needed
            return self._newest

    def fork(
        self, interpreter: Sequence[str], arguments: Sequence[str], folder: str | None, environment: Mapping[str, str]
    ) -> ForkedProcess:
        """Return a new, forked process that runs the module `arguments[0]`. Raise OSError if the fork fails."""
        order = {"arguments": list(arguments), "folder": folder, "environment": dict(environment)}
        for attempt in range(ATTEMPTS):
            server = self.prepare(interpreter, environment)
            try:
                return ForkedProcess(server, server.request(start=order)["pid"])
            except OSError:
                self._forget(server)
                if attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _forget(self, server: ForkServer) -> None:
        with self._lock:
            if self._newest is server:
                self._newest = None
