"""A process that lives exactly as long as its owner wants: `python guardian.py SECONDS FOLDER COMMAND...`.

The owner holds the writing end of this process's standard input. "stop" ends the command politely, "kill" at once,
and so does the end of input, which the operating system sends when the owner is gone, however it went: that is what
leaves no server, no worker and no FOLDER of logs behind. Owner and command are in different sessions, so that
JupyterLab's stop button (SIGINT to the kernel's process group) does not reach the command. Imports nothing of ours: it
has to start fast.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading


def without_launcher(command: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the command, and the environment, of the process whose pid counts: a worker calls itself by its own.

    On Windows `python` in a virtual environment is a launcher, which starts the real one as its child.
    """
    base = getattr(sys, "_base_executable", sys.executable)
    if sys.platform == "win32" and command[0] == sys.executable != base:
        # multiprocessing does the same; by the variable, the real one knows its virtual environment.
        return [base, *command[1:]], {**os.environ, "__PYVENV_LAUNCHER__": sys.executable}
    return command, dict(os.environ)


def guard(grace_seconds: float, folder: str, command: list[str]) -> int:
    """Run `command` until it ends or the owner says so; print its pid, return its exit code."""
    called, environment = without_launcher(command)
    child = subprocess.Popen(called, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr)

    owner_is_gone = threading.Event()

    def stop(*_: object) -> None:
        child.terminate()
        try:
            child.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            child.kill()

    def obey() -> None:
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
    threading.Thread(target=obey, daemon=True).start()
    code = child.wait()
    if owner_is_gone.is_set():
        shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(guard(float(sys.argv[1]), sys.argv[2], sys.argv[3:]) & 0xFF)
