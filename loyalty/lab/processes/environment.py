"""The environment variables of the lab's child processes.

Each process inherits its parent's variables, with these changes. The names in capitals are lists of variables, below:

* JupyterLab gets the variables of `jupyterlab_environment`, but no variables in OTHER_SESSION, INTERPRETER or FIGURES.
* JupyterLab also gets the variables of `loyalty.lab.processes.folders` if this user cannot write in HOME.
* Kernels get IPYTHONDIR from `loyalty.lab.jupyter.kernelspec`.
* Kernels also get the variables that `loyalty.lab.jupyter.session` sets, for example the server's address.
* The fork server gets the same variables as a kernel, except JPY_SESSION_NAME.
* The lab's server gets GOGC, but no variables in TEMPORAL.
* A worker gets the variables of `worker_environment`, but no variables in TEMPORAL, INTERPRETER or FIGURES.
* A worker of a configured cluster gets the variables in TEMPORAL, but no variables in INTERPRETER or FIGURES.
* A worker of an experiment also gets the list of its planned crashes.
* A script of an experiment gets no variables in INTERPRETER or FIGURES.
* A guardian gets the same variables as its command, but ignores the variables in INTERPRETER (Python's option `-I`).

Because of PYTHONUTF8, each process except the server reads and writes UTF-8.
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
"""The `temporal` program reads these variables, too. TEMPORAL_ENV=prod would stop the lab's own server."""

INTERPRETER = ("PYTHON",)
"""PYTHONPATH, PYTHONHOME, PYTHONSTARTUP, ...: these variables are for another Python, or change this one."""

HARMLESS = (
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHASHSEED",
    "PYTHONNOUSERSITE",
    "PYTHONPYCACHEPREFIX",
    "PYTHONUNBUFFERED",
    "PYTHONUTF8",
)
"""Every process inherits these variables of INTERPRETER: they change no module and no result."""

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
"""A JupyterLab sets some of these variables in its terminals, and `make lab` may run there. The others would hide the
course's configuration or select another JupyterLab."""

LEAN = {"GOGC": "50"}
"""The server collects its garbage twice as often as by Go's default. After notebook 05 this saves 150 of 800 MiB and
costs no time (measured). Binder has 2 GB for all processes."""

SHOWN = re.compile(r"(TEMPORAL|LOYALTY)_")
"""The lab shows these variables only. The learner's other variables stay private."""

SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|GRPC_META|DATA", re.IGNORECASE)
"""Words in the names of secret variables. GRPC_META may contain an authorization header."""

PASSWORD_IN_URL = re.compile(r"(?<=://)[^/@\s]*@")


class ChildEnvironment(dict[str, str]):
    """The environment of a worker process. A printed environment contains only the SHOWN variables."""

    def shown(self) -> dict[str, str]:
        """Return the SHOWN variables; "***" replaces the value of a secret variable."""
        return {name: _without_secret(name, self[name]) for name in sorted(self) if SHOWN.match(name)}

    def __repr__(self) -> str:
        lines = [f"{name}={value}" for name, value in self.shown().items()]
        return "\n".join([*lines, f"and {len(self) - len(lines)} other variables"])

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def _without_secret(name: str, value: str) -> str:
    return "***" if SECRET.search(name) else PASSWORD_IN_URL.sub("***@", value)


def without(inherited: Mapping[str, str], *beginnings: str) -> dict[str, str]:
    """Return the inherited variables, except variables whose names start with one of `beginnings`.

    HARMLESS variables are always returned.
    """
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
    """Return the environment of a worker for the server at `address`, without the learner's Temporal settings."""
    from loyalty import config  # not at the top: this import would slow the launcher down

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
    """Return the environment of a worker for the configured cluster.

    If the learner has set LOYALTY_DATABASE_URL, the learner's value replaces `database_url`.
    """
    from loyalty import config

    return {
        config.DATABASE_URL: database_url,
        **python_environment(inherited),
        config.SMTP_URL: smtp_url,
    }


def jupyterlab_environment(
    inherited: Mapping[str, str], configuration: Path, folder: Path, started_at: float
) -> dict[str, str]:
    """Return the environment of JupyterLab.

    Jupyter reads the course's folders of configuration and extensions before the folders of the machine.
    """
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
