"""The fork server: a process that imports the common modules of all notebooks, and forks one kernel per request.

The fork server's standard input is a socket; the other end is in JupyterLab. Each request and each answer is one JSON
object per line. When JupyterLab ends or is killed, the operating system closes the socket. The fork server and all its
kernels end when the socket is closed. The fork server does not import modules of loyalty, so a restarted kernel loads
the learner's changes. The command of the fork server is `python -P fork_server.py`.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import runpy
import signal
import sys
from io import RawIOBase
from typing import Any, BinaryIO

PARENT = "JPY_PARENT_PID"
"""ipykernel ends when the process with this id ends. ipykernel reads this variable during its import."""

BACKEND = "MPLBACKEND"
INLINE = "module://matplotlib_inline.backend_inline"
"""matplotlib reads this variable during its import. ipykernel sets the variable just before, unless it is set."""

QUIET = "PYDEVD_DISABLE_FILE_VALIDATION"
"""Without this variable, the import of the debugger prints a warning in the learner's terminal."""

SHARED = (
    *("numpy", "pandas", "matplotlib.figure", "matplotlib.style", "matplotlib.backends.backend_agg", "tqdm.auto"),
    *("PIL.BmpImagePlugin", "PIL.GifImagePlugin", "PIL.JpegImagePlugin", "PIL.PngImagePlugin", "PIL.PpmImagePlugin"),
    *("ipykernel.kernelapp", "ipykernel.zmqshell", "ipykernel.debugger", "ipywidgets", "tornado.platform.asyncio"),
    *("IPython.core.completerlib", "IPython.core.debugger", "IPython.core.logger", "IPython.core.oinspect"),
    *("IPython.core.pylabtools", "IPython.extensions.storemagic", "psutil", "sqlite3", "sqlalchemy"),
    *("temporalio.client", "temporalio.worker", "temporalio.testing", "temporalio.envconfig", "nexusrpc"),
    *("aiosmtpd.controller", "aiosmtplib", "email.headerregistry", "email.policy", "nest_asyncio2"),
)
"""Kernels share these modules. pyplot and the inline backend are not shared: their import needs a running kernel.
ipykernel.debugger (debugpy) is shared, because its import in a kernel would write to 49 MiB of shared memory."""

PR_SET_PDEATHSIG = 1
"""The option of Linux's prctl for the signal that this process gets when its parent ends."""


def load() -> None:
    """Import the SHARED modules; raise RuntimeError if an import starts a thread. A fork does not copy threads."""
    os.environ[PARENT] = str(os.getpid())
    os.environ.setdefault(BACKEND, INLINE)
    os.environ[QUIET] = os.environ.get(QUIET, "1")
    gc.disable()  # a collection during the imports would leave gaps, and kernels would write to shared pages
    importlib.import_module("numpy")
    of_numpy = threads()  # OpenBLAS ends its threads before a fork, and starts them again after it
    for name in SHARED:
        importlib.import_module(name)
    gc.collect()
    if threads() > of_numpy:
        raise RuntimeError(f"{threads() - of_numpy} threads run after the imports of {', '.join(SHARED)}")


def threads() -> int:
    """Return the number of threads in this process, including the threads of libraries."""
    return len(os.listdir("/proc/self/task"))


def serve(requests: BinaryIO, answers: RawIOBase) -> dict[str, Any] | None:
    """Answer requests until the socket is closed; then return None.

    In a new kernel process, return the kernel's request.
    """
    answer(answers, ready=os.getpid())
    for line in requests:
        request = json.loads(line)
        if "poll" in request:
            pid, status = os.waitpid(request["poll"], os.WNOHANG)
            answer(answers, code=os.waitstatus_to_exitcode(status) if pid else None)
            continue
        gc.freeze()  # a kernel's garbage collection then writes to no shared object
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:  # no memory, or too many processes: the other kernels keep running
            answer(answers, error=f"Cannot fork a kernel: {error.strerror}")
            continue
        if pid == 0:
            end_with(parent)
            return dict(request["start"])
        answer(answers, pid=pid)
    return None


def answer(answers: RawIOBase, **said: object) -> None:
    """Write one JSON object as a line."""
    answers.write(json.dumps(said).encode() + b"\n")


def end_with(parent: int) -> None:
    """Make the operating system end this process when `parent` ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:  # the parent ended before the call of prctl
        os._exit(1)


def become_kernel(arguments: list[str], folder: str | None, environment: dict[str, str]) -> None:
    """Turn this process into a kernel: run the module `arguments[0]` like `python -m`."""
    os.setsid()  # the stop button sends a signal to the kernel's process group
    if QUIET not in environment:
        del os.environ[QUIET]
    os.environ.update(environment)  # `environment` contains all variables of the fork server
    os.environ[PARENT] = str(os.getppid())
    if folder is not None:
        os.chdir(folder)
    gc.enable()
    importlib.import_module("numpy").random.seed()  # after a fork, `random` has a new seed, and numpy has not
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


def main() -> None:
    """Run the fork server; in a forked process, run the kernel."""
    load()
    with open(0, "rb", closefd=False) as requests, open(0, "wb", buffering=0, closefd=False) as answers:
        try:
            order = serve(requests, answers)
        except ConnectionError:  # JupyterLab ended during the imports, or before it read an answer
            order = None
    if order is None:
        os._exit(0)  # this process has no files to remove, and its kernels end at once
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # only the parent keeps the socket
    os.close(nothing)
    become_kernel(**order)


if __name__ == "__main__":
    main()
