"""The resources of a session: memory, a cgroup with a memory limit, and a process that removes the session's folder."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from pathlib import Path

import psutil

from tests.support.binder_build import SYSTEM_PATH

MIB = 1024 * 1024
LIMIT = 2048 * MIB
CLEAR_SECONDS = 180.0
"""Deadline for the removal of about twenty thousand files on a busy disk."""


class Cgroup:
    """A memory limit for all processes together, for version 1 or 2 of the kernel's interface."""

    def __init__(self, folder: Path, peak: str, events: str) -> None:
        self.folder, self._peak, self._events = folder, peak, events

    @classmethod
    def make(cls, name: str) -> Cgroup | None:
        """Return a new cgroup, or None if this machine does not allow cgroups."""
        second = cls(Path("/sys/fs/cgroup", name), "memory.peak", "memory.events")
        first = cls(Path("/sys/fs/cgroup/memory", name), "memory.max_usage_in_bytes", "memory.oom_control")
        is_second = Path("/sys/fs/cgroup/cgroup.controllers").exists()
        made, limit = (second, "memory.max") if is_second else (first, "memory.limit_in_bytes")
        try:
            made.folder.mkdir()
        except OSError:
            return None
        try:
            (made.folder / limit).write_text(str(LIMIT))
        except OSError:
            made.folder.rmdir()
            return None
        with contextlib.suppress(OSError):  # a machine without swap has no such file
            (made.folder / "memory.swap.max").write_text("0")
        return made

    @property
    def peak(self) -> int | None:
        """The highest memory use that the kernel recorded, with page cache, in bytes."""
        path = self.folder / self._peak
        return int(path.read_text()) if path.exists() else None

    @property
    def killed(self) -> int:
        """The number of processes that the kernel killed because of the memory limit."""
        found = re.search(r"^oom_kill (\d+)", (self.folder / self._events).read_text(), re.MULTILINE)
        return int(found[1]) if found else 0


def pss(process: psutil.Process) -> int:
    """Return the memory of a process in bytes. A page that four processes share counts a quarter for each process."""
    try:
        return int(re.findall(r"^Pss: +(\d+)", Path(f"/proc/{process.pid}/smaps_rollup").read_text(), re.M)[0]) * 1024
    except (OSError, IndexError):  # the process has ended meanwhile
        return 0


JANITOR = r"""
cat > /dev/null
for attempt in $(seq 200); do
    [ -z "$1" ] || [ ! -d "$1" ] || rmdir "$1" 2> /dev/null
    [ -z "$2" ] || rm -rf "$2" 2> /dev/null
    { [ -n "$1" ] && [ -d "$1" ]; } || { [ -n "$2" ] && [ -d "$2" ]; } || exit 0
    sleep 0.1
done
"""


class Janitor:
    """A process that removes the cgroup and the folder when this script ends, even after a crash."""

    def __init__(self, cgroup: Cgroup | None, folder: Path | None) -> None:
        names = [str(cgroup.folder) if cgroup else "", str(folder) if folder else ""]
        self._names = [name for name in names if name]
        self._process = subprocess.Popen(
            ["sh", "-c", JANITOR, "janitor", *names],
            stdin=subprocess.PIPE,
            env={"PATH": SYSTEM_PATH},
            cwd="/",
            start_new_session=True,
        )

    def clear(self) -> None:
        """Remove the cgroup and the folder now. Wait until both are removed."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(CLEAR_SECONDS)
        except subprocess.TimeoutExpired:  # only a warning: an exception would hide an earlier, more important one
            sys.stderr.write(f"Waited {CLEAR_SECONDS:g} s until {' and '.join(self._names)} were removed\n")
