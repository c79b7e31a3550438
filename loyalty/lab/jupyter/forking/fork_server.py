"""A process that has imported what every notebook imports, and becomes a kernel by a fork: `python -P fork_server.py`.

Its standard input is a socket of loyalty.lab.jupyter.forking.forked_kernels: one JSON object a line asks, one answers.
It ends when the socket is closed, which the operating system does when JupyterLab is gone, however JupyterLab ended;
its kernels end with it. It imports nothing of ours: a restarted kernel has to see what was edited there.
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
"""ipykernel ends when the process with this id does. It reads the variable while it is imported."""

BACKEND = "MPLBACKEND"
INLINE = "module://matplotlib_inline.backend_inline"
"""matplotlib reads the variable while it is imported; ipykernel sets it, if it is missing, just before that."""

QUIET = "PYDEVD_DISABLE_FILE_VALIDATION"
"""Without it, the debugger warns in the learner's terminal while it is imported; in a kernel this warning is unseen."""

SHARED = (
    *("numpy", "pandas", "matplotlib.figure", "matplotlib.style", "matplotlib.backends.backend_agg", "tqdm.auto"),
    *("PIL.BmpImagePlugin", "PIL.GifImagePlugin", "PIL.JpegImagePlugin", "PIL.PngImagePlugin", "PIL.PpmImagePlugin"),
    *("ipykernel.kernelapp", "ipykernel.zmqshell", "ipykernel.debugger", "ipywidgets", "tornado.platform.asyncio"),
    *("IPython.core.completerlib", "IPython.core.debugger", "IPython.core.logger", "IPython.core.oinspect"),
    *("IPython.core.pylabtools", "IPython.extensions.storemagic", "psutil", "sqlite3", "sqlalchemy"),
    *("temporalio.client", "temporalio.worker", "temporalio.testing", "temporalio.envconfig", "nexusrpc"),
    *("aiosmtpd.controller", "aiosmtplib", "email.headerregistry", "email.policy", "nest_asyncio2"),
)
"""What kernels share. Neither pyplot nor the inline backend: these look, while they are imported, for the kernel.
ipykernel.debugger (debugpy) is one of them, because its import would write into 49 MiB of shared memory."""

PR_SET_PDEATHSIG = 1
"""From Linux's sys/prctl.h: the signal that this process gets when its parent ends."""


def load() -> None:
    """Import what kernels share; raise RuntimeError if that has started a thread, which a fork would not copy."""
    os.environ[PARENT] = str(os.getpid())
    os.environ.setdefault(BACKEND, INLINE)
    os.environ[QUIET] = os.environ.get(QUIET, "1")
    gc.disable()  # until all is loaded: a collection in between leaves holes that kernels would write into
    importlib.import_module("numpy")
    of_numpy = threads()  # OpenBLAS ends its threads before a fork, and starts them again after it
    for name in SHARED:
        importlib.import_module(name)
    gc.collect()
    if threads() > of_numpy:
        raise RuntimeError(f"{threads() - of_numpy} threads run after the imports of {', '.join(SHARED)}")


def threads() -> int:
    """Return how many threads this process has, those of libraries included."""
    return len(os.listdir("/proc/self/task"))


def serve(asked: BinaryIO, answers: RawIOBase) -> dict[str, Any] | None:
    """Answer until the asker is gone, and return None; in each kernel, return how it was asked for."""
    answer(answers, ready=os.getpid())
    for line in asked:
        question = json.loads(line)
        if "poll" in question:
            pid, status = os.waitpid(question["poll"], os.WNOHANG)
            answer(answers, code=os.waitstatus_to_exitcode(status) if pid else None)
            continue
        gc.freeze()  # no kernel's collection writes into what is shared
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:  # no memory, or too many processes: the other kernels go on
            answer(answers, error=f"Cannot fork a kernel: {error.strerror}")
            continue
        if pid == 0:
            end_with(parent)
            return dict(question["start"])
        answer(answers, pid=pid)
    return None


def answer(answers: RawIOBase, **said: object) -> None:
    """Write one line."""
    answers.write(json.dumps(said).encode() + b"\n")


def end_with(parent: int) -> None:
    """Let the operating system end this process when `parent` ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:  # the parent ended before the order was given
        os._exit(1)


def become_kernel(arguments: list[str], folder: str | None, environment: dict[str, str]) -> None:
    """Run the module that the arguments name, as `python -m` does, as if this process had been started for it."""
    os.setsid()  # the stop button signals the kernel's process group
    if QUIET not in environment:
        del os.environ[QUIET]
    os.environ.update(environment)  # it holds all that the fork server was given
    os.environ[PARENT] = str(os.getppid())
    if folder is not None:
        os.chdir(folder)
    gc.enable()
    importlib.import_module("numpy").random.seed()  # random has its own seed after a fork, numpy has not
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


def main() -> None:
    """Serve; in a forked process, be the kernel."""
    load()
    with open(0, "rb", closefd=False) as asked, open(0, "wb", buffering=0, closefd=False) as answers:
        try:
            order = serve(asked, answers)
        except ConnectionError:  # JupyterLab ended while this process imported, or before it read an answer
            order = None
    if order is None:
        os._exit(0)  # there is nothing to clear away, and the kernels end at once
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # the socket stays with the parent
    os.close(nothing)
    become_kernel(**order)


if __name__ == "__main__":
    main()
