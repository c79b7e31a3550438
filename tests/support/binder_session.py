"""Launch JupyterLab as BinderHub does: as another user, only with the loopback network, and with 2 GB of memory."""

from __future__ import annotations

import contextlib
import secrets
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support.binder_build import AS_JOVYAN, ON_A_LEASH, UID, USER, Place, Trouble
from tests.support.binder_machine import LIMIT, MIB, Cgroup, pss

SAMPLE_SECONDS = 0.2
ROOM_SECONDS = 15.0
END_SECONDS = 30.0
FORK_SERVER = "fork server"
PORT = 8888
"""The port is free, because the session has a new network namespace."""

ROOM = r"""
set -e
folder=$1 cgroup=$2; shift 2
[ -z "$cgroup" ] || echo 0 > "$cgroup/cgroup.procs"
ip link set lo up
mount --bind "$folder/passwd" /etc/passwd
case $folder in  # a folder in /tmp keeps its path in the session's own /tmp
    /tmp/*) mkdir -p "$folder$folder"; mount --rbind "$folder" "$folder$folder" ;;
esac
mount --rbind "$folder/tmp" /tmp
echo ready > "$folder/ready"
exec "$@"
"""


def wait(look: Callable[[], object], waiting_for: str, seconds: float) -> None:
    """Wait until the function `look` returns true. Raise Trouble at the deadline; the error contains `waiting_for`."""
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            raise Trouble(f"Waited {seconds:g} s for {waiting_for}")
        time.sleep(SAMPLE_SECONDS / 4)


KINDS = {
    "guardian.py": "guardian",
    "jupyter-lab": "JupyterLab",
    "start-dev": "server",
    "ipykernel_launcher": "kernel",
    "fork_server.py": FORK_SERVER,
    "run_module.py": "worker",
}
"""A part of the command line for each kind of process. Guardians come first: they contain their child's command."""


def kind(process: psutil.Process) -> str:
    """Return the kind of a process. A forked kernel has the command line of its parent, the fork server."""
    try:
        words = " ".join(process.cmdline())
        found = next((name for mark, name in KINDS.items() if mark in words), "other")
        parent = process.parent()
        is_forked = found == FORK_SERVER and parent is not None and parent.cmdline() == process.cmdline()
    except psutil.NoSuchProcess:
        return "ended"
    return "kernel" if is_forked else found


@dataclass(frozen=True)
class Sample:
    """Memory in bytes and number of processes at one moment, for each kind of process."""

    when: float
    by_kind: Mapping[str, int]
    count: Mapping[str, int]

    @property
    def taken(self) -> int:
        return sum(self.by_kind.values())

    def in_words(self) -> str:
        """Return the number of processes and the MiB for each kind of process, largest kind first."""
        kinds = sorted(self.by_kind, key=lambda kind: -self.by_kind[kind])
        return ", ".join(f"{self.count[kind]} {kind} {self.by_kind[kind] / MIB:,.0f}" for kind in kinds)


class Session:
    """A running JupyterLab, and a thread that samples the memory of all its processes."""

    def __init__(self, place: Place, cgroup: Cgroup | None) -> None:
        self.base_url = f"/user/loyalty-course-{secrets.token_hex(4)}/"
        self.token = secrets.token_urlsafe(16)
        self.cgroup = cgroup
        self.ended_by_us: str | None = None
        self.log = place.folder / "jupyterlab.log"
        others = [line for line in Path("/etc/passwd").read_text().splitlines() if f":x:{UID}:" not in line]
        jovyan = f"{USER}:x:{UID}:{UID}::{place.home}:/bin/bash"
        (place.folder / "passwd").write_text("\n".join([*others, jovyan, ""]))
        # The first process of repo2docker's container; it runs binder/start. Without its `bash -l`: that would read
        # conda's profile on Binder, but the machine's own /etc/profile here.
        (entrypoint,) = place.venv.glob("lib/python3*/site-packages/repo2docker/buildpacks/repo2docker-entrypoint")
        launch = [
            *(f"{place.venv}/bin/python3", "-u", str(entrypoint)),
            *("jupyter-lab", "--ip=127.0.0.1", f"--port={PORT}", "--no-browser"),
            *(f"--ServerApp.base_url={self.base_url}", f"--IdentityProvider.token={self.token}"),
            *("--ServerApp.trust_xheaders=True", "--ServerApp.allow_origin=*"),
            "--MappingKernelManager.cull_idle_timeout=0",  # the visitor's kernels must not be culled
        ]
        room = ["sh", "-c", ROOM, "room", str(place.folder), str(cgroup.folder) if cgroup else ""]
        environment = {
            **place.environment,
            "R2D_ENTRYPOINT": f"{place.repo}/binder/start",
            "PYTHONUNBUFFERED": "1",
        }
        ready = place.folder / "ready"
        ready.unlink(missing_ok=True)
        with self.log.open("wb") as log:
            self._outer = subprocess.Popen(
                # ON_A_LEASH ends in `unshare ... --`; with `--net` the session has its own network namespace.
                [*ON_A_LEASH[:-1], "--net", "--", *room, *AS_JOVYAN, *launch],
                env=environment,
                cwd=place.repo,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C stops only the script; the script then ends the session
            )
        try:
            self._init = self._enter_room(ready)
        except BaseException:
            self._outer.kill()
            raise
        self.samples: list[Sample] = []
        threading.Thread(target=self._watch, daemon=True).start()

    def _enter_room(self, ready: Path) -> psutil.Process:
        """Return the first process in the namespaces of the session.

        The script ROOM has created the namespaces by then.
        """
        wait(lambda: ready.exists() or not self.alive, "the namespaces of the session", ROOM_SECONDS)
        if not ready.exists():
            raise Trouble(f"Could not make the namespaces of the session:\n{self.last_words()}")
        (first,) = psutil.Process(self._outer.pid).children()
        return first

    @property
    def alive(self) -> bool:
        return self._outer.poll() is None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{PORT}{self.base_url}"

    def last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])

    def enter(self) -> list[str]:
        """Return the command prefix that runs a command in the session's network."""
        return [*ON_A_LEASH[:3], "nsenter", f"--net=/proc/{self._init.pid}/ns/net", "--"]

    def processes(self) -> list[psutil.Process]:
        """Return all running processes of the session, without zombies."""
        try:
            family = psutil.Process(self._outer.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [one for one in family if self._runs(one)]

    @staticmethod
    def _runs(process: psutil.Process) -> bool:
        try:
            return bool(process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def sample(self) -> Sample:
        """Return the memory of all processes now."""
        by_kind, count = Counter[str](), Counter[str]()
        for process in self.processes():
            name = kind(process)
            by_kind[name] += pss(process)
            count[name] += 1
        return Sample(time.monotonic(), by_kind, count)

    def _watch(self) -> None:
        while self.alive:
            sample = self.sample()
            taken = sample.taken
            self.samples.append(sample)
            if self.cgroup is None and taken > LIMIT:
                self.ended_by_us = (
                    f"the session was killed with {taken / MIB:,.0f} MiB, more than Binder's {LIMIT // MIB:,}"
                )
                self._outer.kill()
            time.sleep(SAMPLE_SECONDS)

    def peak(self, since: float) -> Sample:
        """Return the sample with the most memory among the samples since this time."""
        found = [sample for sample in self.samples if sample.when >= since]
        return max(found or [self.sample()], key=lambda sample: sample.taken)

    def end(self) -> bool:
        """Send SIGTERM to JupyterLab, and SIGKILL after END_SECONDS. Return whether SIGTERM stopped JupyterLab."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self._init.send_signal(signal.SIGTERM)
        try:
            self._outer.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._outer.kill()
            self._outer.wait(END_SECONDS)
            return False
        return True
