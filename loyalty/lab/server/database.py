"""Check the database file of an embedded server before the server starts."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from loyalty.lab.client.waiting import block_until
from loyalty.lab.errors import LabError, WaitedTooLong

SERVER_TABLE = "executions"
"""Each database of a Temporal server has this table."""

RELEASE_SECONDS = 3.0
"""After a kernel has ended, its server may have the file open for this time."""

HEADER = b"SQLite format 3\0"

PROCESSES = Path("/proc")
LSOF_SECONDS = 10


def refuse_unusable(database: Path) -> None:
    """Raise LabError if the file is unusable for an embedded server, or if another program has opened the file."""
    if not database.parent.is_dir():
        raise LabError(f"Cannot use the database file {database}: there is no folder {database.parent}")
    try:
        with database.open("ab"):
            pass
    except OSError as error:
        raise LabError(
            f"Cannot use the database file {database} ({error.strerror}); choose a file that this user can write"
        ) from None
    if not database.is_file():
        raise LabError(f"Cannot use {database} as a database: it is not a file; choose a file, or a new path")
    if not os.access(database.parent, os.W_OK | os.X_OK):  # the server writes its journal beside the database
        raise LabError(
            f"Cannot use the database file {database}: this user cannot write in its folder; choose another folder"
        )
    if not database.stat().st_size:  # the server creates its tables only in a new file
        database.unlink()
        return
    _refuse_foreign(database)
    with suppress(WaitedTooLong):
        block_until(lambda: not users(database), f"{database} is released", RELEASE_SECONDS)
    if others := users(database):
        raise LabError(
            f"Cannot use the database file {database}: the file is in use by {' and '.join(others)}; stop the "
            "lab or the server that uses the file, or choose another file"
        )


def _refuse_foreign(database: Path) -> None:
    with database.open("rb") as file:
        beginning = file.read(len(HEADER))
    if beginning != HEADER:
        raise LabError(f"Cannot use the file {database}: it is not an SQLite database; choose another file")
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.OperationalError:  # a server writes to the file just now; `users` names that server
        return
    except sqlite3.DatabaseError as error:
        raise LabError(f"Cannot use the database file {database} ({error}); choose another file") from None
    if tables and SERVER_TABLE not in tables:
        raise LabError(
            f"Cannot use the database file {database}: it is not a Temporal server's database; choose another file"
        )


def users(file: Path) -> list[str]:
    """Return this user's processes that have opened `file`. On Windows the list is always empty."""
    if PROCESSES.joinpath("self", "fd").is_dir():
        return sorted({f"process {pid}" for pid in _holders(file)})
    lsof = shutil.which("lsof")
    if lsof is None:
        return []
    try:
        listed = subprocess.run(
            [lsof, "-t", "--", str(file)], capture_output=True, encoding="utf-8", timeout=LSOF_SECONDS
        )
    except subprocess.TimeoutExpired:
        return []
    return [f"process {pid}" for pid in listed.stdout.split()]


def _holders(file: Path) -> Iterator[str]:
    wanted = file.stat()
    for opened in PROCESSES.glob("[0-9]*/fd/*"):
        with suppress(OSError):  # the process has ended, or another user runs it
            if os.path.samestat(opened.stat(), wanted):
                yield opened.parts[2]
