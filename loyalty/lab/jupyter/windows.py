"""JupyterLab on Windows: download the Temporal server first, then run JupyterLab as a child process."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from loyalty import config
from loyalty.lab.client.waiting import block_until
from loyalty.lab.course.location import FOLDER
from loyalty.lab.errors import LabError, WaitedTooLong
from loyalty.lab.processes.child import GRACE_SECONDS
from loyalty.lab.server.download import download
from loyalty.lab.server.embedded import binary


def fetch_server() -> None:
    """Download the Temporal server if the server is missing and no cluster is configured."""
    try:
        if binary() is None and "target_host" not in config.cluster():
            print("Downloading the Temporal server, once ...", flush=True)
            asyncio.run(download())
    except (LabError, config.ConfigurationError) as error:
        print(error, file=sys.stderr)


def run_as_child(jupyter: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run JupyterLab, and wait until JupyterLab ends. Then remove the session's folder, and return the exit status."""
    # Ctrl-C reaches JupyterLab, too, which asks for a confirmation. A child could inherit SIG_IGN, but no handler.
    signal.signal(signal.SIGINT, lambda *_: None)
    status = subprocess.call(jupyter, env=environment)
    folder = Path(environment[FOLDER])

    def is_removed() -> bool:  # Windows removes no open file, and the server may be about to end
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()

    with suppress(WaitedTooLong):
        block_until(is_removed, f"{folder} is removed", GRACE_SECONDS)
    return status
