"""Download the Temporal server with the SDK; for some machines, no wheel contains the server.

This module imports `temporalio.testing`, and with it the SDK's code for workers. So notebooks do not import this
module.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from loyalty.lab.client.runtime import quiet_runtime
from loyalty.lab.errors import LabError


async def download() -> Path:
    """Download the `temporal` program into Python's folder, and return the program's path.

    Raise LabError if the download fails.
    """
    beside = Path(sys.executable).parent
    program = beside / "temporal.exe"
    with tempfile.TemporaryDirectory(dir=beside, prefix="temporal-", ignore_cleanup_errors=True) as folder:
        try:
            trial = await WorkflowEnvironment.start_local(download_dest_dir=folder, runtime=quiet_runtime())
        except RuntimeError as error:
            raise LabError(
                f"Cannot download the Temporal server: {error}; TEMPORAL_ADDRESS can name a server that runs elsewhere"
            ) from error
        await trial.shutdown()
        return _put(Path(folder), program)


def _put(folder: Path, program: Path) -> Path:
    (downloaded,) = folder.glob("temporal*.exe")
    try:
        return downloaded.replace(program)
    except OSError:  # Windows does not replace a running program: another kernel was faster
        if program.exists():
            return program
        raise
