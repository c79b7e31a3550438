"""A real PostgreSQL on a port of its own, where this machine has one."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loyalty.lab.ports import free_port

REQUIRED = "LOYALTY_POSTGRES"
"""Environment variable: `required` lets the tests fail where there is no PostgreSQL, instead of being skipped."""


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, or None where it is not installed."""
    found = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    path = Path(found).resolve() if found else debian[-1] if debian else None
    return path.parent if path else None


@contextmanager
def running(bin_: Path) -> Iterator[str]:
    """Serve an empty database on loopback for as long as the block lasts, and yield its URL."""
    with tempfile.TemporaryDirectory(prefix="loyalty-postgres-") as folder:
        user = None
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            user = "nobody"
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        data, port = Path(folder) / "data", free_port()
        initialize: list[str | Path] = [bin_ / "initdb", "-D", data, "-U", "shop", "--auth=trust", "--no-sync"]
        subprocess.run(initialize, check=True, capture_output=True, user=user, cwd=folder)
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        control: list[str | Path] = [bin_ / "pg_ctl", "-D", data, "-w", "-l", Path(folder) / "log"]
        subprocess.run([*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, user=user, cwd=folder)
        try:
            yield f"postgresql+psycopg://shop@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run(
                [*control, "-m", "immediate", "stop"], check=True, capture_output=True, user=user, cwd=folder
            )
