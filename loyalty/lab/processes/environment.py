"""Which variables the lab's child processes get, and which of them may be shown.

Each process inherits all variables but some, and gets others in addition:

- JupyterLab: not OTHER_SESSION, INTERPRETER, FIGURES. It gets those of `jupyterlab_environment`, and those of
  `loyalty.lab.processes.folders` where HOME cannot be written.
- Kernel: what JupyterLab has, those of `loyalty.lab.jupyter.session` (the server's address, links, the kernel in
  front), and IPYTHONDIR (`loyalty.lab.jupyter.kernelspec`).
- Fork server of kernels: what a kernel has, but not JPY_SESSION_NAME.
- Server: not TEMPORAL. It gets GOGC.
- Worker: not TEMPORAL, INTERPRETER, FIGURES. It gets those of `worker_environment`.
- Worker of a cluster that Temporal's settings name: not INTERPRETER, FIGURES. It keeps TEMPORAL.
- Workers of an experiment's supervisor: as a worker, and where their planned crashes are listed.
- Script of an experiment: not INTERPRETER, FIGURES.
- Guardian: what the process has that it guards. It reads no variable of INTERPRETER (`python -I`).

All of them but the server read and write UTF-8, by PYTHONUTF8.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from html import escape
from pathlib import Path

from loyalty.lab.course.location import FOLDER, STARTED_AT

TEMPORAL = ("TEMPORAL_",)
"""The `temporal` program reads them, too: TEMPORAL_ENV=prod would stop the lab's own server."""

INTERPRETER = ("PYTHON",)
"""PYTHONPATH, PYTHONHOME, PYTHONSTARTUP, PYTHONINSPECT, ...: they belong to another Python, or change ours."""

HARMLESS = (
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHASHSEED",
    "PYTHONNOUSERSITE",
    "PYTHONPYCACHEPREFIX",
    "PYTHONUNBUFFERED",
    "PYTHONUTF8",
)
"""Variables of the interpreter that every process inherits: they change no module and no result."""

FIGURES = ("MPLBACKEND",)
"""MPLBACKEND=Agg would hide every figure of a notebook."""

OTHER_SESSION = (
    "LOYALTY_LAB_",
    "JPY_PARENT_PID",
    "JPY_SESSION_NAME",
    "JUPYTER_NO_CONFIG",
    "JUPYTERLAB_DIR",
    "IPYTHONDIR",
)
"""What a JupyterLab whose terminal runs `make lab` sets, and what hides our configuration, or another JupyterLab."""

LEAN = {"GOGC": "50"}
"""The server collects its garbage twice as often as Go would: 150 of 800 MiB less after notebook 05, in no more time
(measured). On Binder everything has to fit into 2 GB."""

SHOWN = re.compile(r"(TEMPORAL|LOYALTY)_")
"""The lab shows these variables only; all others belong to the learner."""

SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|GRPC_META|DATA", re.IGNORECASE)
"""Words in the name of a variable whose value is never shown. GRPC_META may hold an authorization header."""

PASSWORD_IN_URL = re.compile(r"(?<=://)[^/@\s]*@")


class ChildEnvironment(dict[str, str]):
    """The environment of a worker process. It shows what concerns Temporal and the program, without secrets."""

    def shown(self) -> dict[str, str]:
        """Return the variables that may be shown, by name; "***" stands for a secret."""
        return {name: _without_secret(name, self[name]) for name in sorted(self) if SHOWN.match(name)}

    def __repr__(self) -> str:
        lines = [f"{name}={value}" for name, value in self.shown().items()]
        return "\n".join([*lines, f"and {len(self) - len(lines)} other variables"])

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def _without_secret(name: str, value: str) -> str:
    return "***" if SECRET.search(name) else PASSWORD_IN_URL.sub("***@", value)


def without(inherited: Mapping[str, str], *beginnings: str) -> dict[str, str]:
    """Return the variables whose names have none of these beginnings, and those that are harmless."""
    return {name: value for name, value in inherited.items() if name in HARMLESS or not name.startswith(beginnings)}


def server_environment(inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of the lab's own server."""
    return {**LEAN, **without(inherited, *TEMPORAL)}


def python_environment(inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a Python process that needs no server."""
    return {**without(inherited, *INTERPRETER, *FIGURES), "PYTHONUTF8": "1"}


def worker_environment(
    address: str, namespace: str, smtp_url: str, database_url: str, inherited: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the environment of a worker for a server that the lab knows: no other Temporal setting gets in between."""
    from loyalty import config  # not by the launcher, which has to be quick

    return {
        **without(python_environment(inherited), *TEMPORAL),
        "TEMPORAL_ADDRESS": address,
        "TEMPORAL_NAMESPACE": namespace,
        "TEMPORAL_CONFIG_FILE": os.devnull,
        config.SMTP_URL: smtp_url,
        config.DATABASE_URL: database_url,
    }


def cluster_worker_environment(
    smtp_url: str, database_url: str, inherited: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the environment of a worker for the cluster that Temporal's settings name; a database of its own stays."""
    from loyalty import config

    return {
        config.DATABASE_URL: database_url,
        **python_environment(inherited),
        config.SMTP_URL: smtp_url,
    }


def jupyterlab_environment(
    inherited: Mapping[str, str], configuration: Path, folder: Path, started_at: float
) -> dict[str, str]:
    """Return the environment of JupyterLab: our configuration and our Python's extensions come before the machine's."""
    kept = without(python_environment(inherited), *OTHER_SESSION)
    return {
        **kept,
        "JUPYTER_CONFIG_PATH": _before(str(configuration), kept.get("JUPYTER_CONFIG_PATH")),
        "JUPYTER_PATH": _before(str(Path(sys.prefix) / "share" / "jupyter"), kept.get("JUPYTER_PATH")),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        FOLDER: str(folder),
        STARTED_AT: str(started_at),
    }


def _before(first: str, others: str | None) -> str:
    return os.pathsep.join([first, *filter(None, [others])])
