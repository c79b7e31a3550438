"""Run a command, and stop the command when the owner process ends: `python guardian.py SECONDS FOLDER COMMAND...`.

The owner process writes "stop" (SIGTERM) or "kill" (SIGKILL) to the guardian's standard input. When the owner ends, the
operating system closes the guardian's standard input. The guardian then stops the command and removes FOLDER, so no
server, worker or log remains. JupyterLab's stop button does not interrupt the command, because the command runs outside
of the kernel's process group. The guardian imports only the standard library, to start fast.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading


def without_launcher(command: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return a command and an environment that start the real Python instead of a launcher.

    On Windows, `python` in a virtual environment is a launcher. The launcher starts the real Python with another pid. A
    worker's identity in the Event History contains the pid of the real Python.
    """
    base = getattr(sys, "_base_executable", sys.executable)
    if sys.platform == "win32" and command[0] == sys.executable != base:
        # multiprocessing does the same. The variable names the virtual environment for the real Python.
        return [base, *command[1:]], {**os.environ, "__PYVENV_LAUNCHER__": sys.executable}
    return command, dict(os.environ)


def guard(grace_seconds: float, folder: str, command: list[str]) -> int:
    """Run `command` until the command ends or the owner stops the command. Print the pid, and return the exit code."""
    called, environment = without_launcher(command)
    child = subprocess.Popen(called, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr)

    owner_is_gone = threading.Event()

    def stop(*_: object) -> None:
        child.terminate()
        try:
            child.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            child.kill()

    def read_orders() -> None:
        for line in sys.stdin:
            if line.strip() == "kill":
                child.kill()
            elif line.strip() == "stop":
                stop()
        owner_is_gone.set()
        stop()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(child.pid, flush=True)
    threading.Thread(target=read_orders, daemon=True).start()
    code = child.wait()
    if owner_is_gone.is_set():
        shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(guard(float(sys.argv[1]), sys.argv[2], sys.argv[3:]) & 0xFF)
