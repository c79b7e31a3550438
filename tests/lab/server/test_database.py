"""An unusable database file is refused before the server starts."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from loyalty.lab import Lab, LabError
from loyalty.lab.server.database import HEADER, refuse_unusable, users

pytestmark = pytest.mark.slow


async def test_database_of_a_running_server_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    async with await Lab.start("first", database=file, worker=False) as first:
        with pytest.raises(LabError, match=rf"the file is in use by process {first.server.pid}; stop the lab"):
            await Lab.start("second", database=file, worker=False)
        assert await first.client.service_client.check_health()
    async with await Lab.start("third", database=file, worker=False) as third:
        assert third.client.namespace.startswith("third"), "A released database can be used again"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda file: file.mkdir(), "Is a directory"),
        (lambda file: file.write_text("Dear diary, ..."), "is not an SQLite database"),
        (lambda file: file.write_bytes(HEADER + b"\xff" * 4096), "Cannot use the database file"),
        (lambda file: sqlite3.connect(file).execute("CREATE TABLE diary (day)"), "not a Temporal server's database"),
    ],
    ids=["folder", "text", "broken", "another program's"],
)
def test_unusable_database_is_refused(make: Callable[[Path], object], sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    make(file)
    before = file.is_file() and file.read_bytes()
    with pytest.raises(LabError, match=sentence):
        refuse_unusable(file)
    assert (file.is_file() and file.read_bytes()) == before, "A refused file stays unchanged"


@pytest.mark.parametrize("place", ["/nowhere/a.db", "/dev/null/a.db", "/proc/a.db", "/dev/null"])
def test_database_at_an_impossible_path_is_refused(place: str) -> None:
    with pytest.raises(LabError, match=f"Cannot use .*{place}"):
        refuse_unusable(Path(place))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    file.touch(0o444)
    with pytest.raises(LabError, match="Permission denied"):
        refuse_unusable(file)


@pytest.mark.parametrize("exists", [False, True])
async def test_server_can_start_with_a_new_or_empty_database(exists: bool, tmp_path: Path) -> None:
    file = tmp_path / "new.db"
    if exists:
        file.touch()
    async with await Lab.start("new", database=file, worker=False):
        assert users(file)
    assert users(file) == []


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the lab calls lsof only on a machine without /proc")
def test_lsof_finds_the_processes_that_use_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("lsof") is None:
        pytest.skip("This machine has no lsof")
    monkeypatch.setattr("loyalty.lab.server.database.PROCESSES", tmp_path)
    with (tmp_path / "a.db").open("w"):
        assert users(tmp_path / "a.db") == [f"process {os.getpid()}"]
