"""A real PostgreSQL server on a free port, if PostgreSQL is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from loyalty.lab.client.waiting import block_until
from loyalty.lab.processes.child import Child
from loyalty.lab.processes.ports import HOST, ReservedPort

REQUIRED = "LOYALTY_POSTGRES"
"""Environment variable. With `required`, a missing PostgreSQL fails the tests; otherwise they are skipped."""


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, or None if PostgreSQL is not installed."""
    found = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    path = Path(found).resolve() if found else debian[-1] if debian else None
    return path.parent if path else None


@contextmanager
def running(bin_: Path) -> Iterator[str]:
    """Run a server with an empty database on loopback during the block, and yield its URL."""
    with tempfile.TemporaryDirectory(prefix="loyalty-postgres-") as folder:
        user, as_user = None, list[str]()
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            user = "nobody"
            as_user = ["setpriv", f"--reuid={user}", "--clear-groups"]
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        data, reserved = Path(folder) / "data", ReservedPort()
        initialize: list[str | Path] = [bin_ / "initdb", "-D", data, "-U", "shop", "--auth=trust", "--no-sync"]
        subprocess.run(initialize, check=True, capture_output=True, user=user, cwd=folder)
        url = f"postgresql://shop@{HOST}:{reserved.number}/postgres"
        options = [f"--listen_addresses={HOST}", "--unix_socket_directories=", "--fsync=off"]
        server = Child(
            [*as_user, str(bin_ / "postgres"), "-D", str(data), "-p", str(reserved.number), *options],
            Path(folder) / "log",
        )
        try:
            block_until(lambda: server.alive and serves(url), "PostgreSQL serves", timeout=30)
            yield url.replace("postgresql:", "postgresql+psycopg:")
        finally:
            server.stop()


def serves(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True
