"""The file in which an embedded server keeps its histories. A file that it cannot use is refused in a sentence."""

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
"""A table of every database of a Temporal server."""

RELEASE_SECONDS = 3.0
"""How long the server of a kernel that has just ended may still hold its file."""

HEADER = b"SQLite format 3\0"

PROCESSES = Path("/proc")
LSOF_SECONDS = 10


def refuse_unusable(database: Path) -> None:
    """Raise LabError if a server cannot keep its histories in this file, or if another program has it open."""
    if not database.parent.is_dir():
        raise LabError(f"Cannot use the database file {database}: there is no folder {database.parent}")
    try:
        with database.open("ab"):
            pass
    except OSError as error:
        raise LabError(
            f"Cannot use the database file {database} ({error.strerror}); name a file that this user can write"
        ) from None
    if not database.is_file():
        raise LabError(f"Cannot use {database} as a database: it is not a file; name a file, or a new one")
    if not os.access(database.parent, os.W_OK | os.X_OK):  # the server's journal is a second file beside it
        raise LabError(
            f"Cannot use the database file {database}: this user cannot write in its folder; name another folder"
        )
    if not database.stat().st_size:  # the server makes its tables in a file that it has made itself
        database.unlink()
        return
    _refuse_foreign(database)
    with suppress(WaitedTooLong):
        block_until(lambda: not users(database), f"{database} is released", RELEASE_SECONDS)
    if others := users(database):
        raise LabError(
            f"Cannot use the database file {database}: that database is in use by {' and '.join(others)}; stop the "
            "lab or the server that uses it, or name another file"
        )


def _refuse_foreign(database: Path) -> None:
    with database.open("rb") as file:
        beginning = file.read(len(HEADER))
    if beginning != HEADER:
        raise LabError(f"Cannot use the file {database}: it is not an SQLite database; name another file, or a new one")
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.OperationalError:  # a server writes to it just now; `users` names that server
        return
    except sqlite3.DatabaseError as error:
        raise LabError(f"Cannot use the database file {database} ({error}); name another file, or a new one") from None
    if tables and SERVER_TABLE not in tables:
        raise LabError(
            f"Cannot use the database file {database}: it is not a Temporal server's database; name another file, "
            "or a new one"
        )


def users(file: Path) -> list[str]:
    """Return the processes of this user that have `file` open; empty where the system does not tell, as on Windows."""
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
        with suppress(OSError):  # the process has ended, or belongs to another user
            if os.path.samestat(opened.stat(), wanted):
                yield opened.parts[2]
