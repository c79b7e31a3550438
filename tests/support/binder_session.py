"""A JupyterLab as BinderHub launches it: another user, no network but loopback, 2 GB for everything together."""

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
"""Nobody else listens in a network that has just been made."""

ROOM = r"""
set -e
folder=$1 cgroup=$2; shift 2
[ -z "$cgroup" ] || echo 0 > "$cgroup/cgroup.procs"
ip link set lo up
mount --bind "$folder/passwd" /etc/passwd
case $folder in  # where the folder is in /tmp, it stays at its place in the session's own /tmp
    /tmp/*) mkdir -p "$folder$folder"; mount --rbind "$folder" "$folder$folder" ;;
esac
mount --rbind "$folder/tmp" /tmp
echo ready > "$folder/ready"
exec "$@"
"""


def wait(look: Callable[[], object], waiting_for: str, seconds: float) -> None:
    """Return once `look` sees something true; raise Trouble with what was waited for."""
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
"""How a process's command line shows what it is. A guardian's contains that of its child, so it is looked for first."""


def kind(process: psutil.Process) -> str:
    """Return what a process of the session is; a kernel has the command line of the fork server that it comes from."""
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
    """The memory of all processes at one moment, in bytes: in all, and per kind; `count` processes of each kind."""

    when: float
    by_kind: Mapping[str, int]
    count: Mapping[str, int]

    @property
    def taken(self) -> int:
        return sum(self.by_kind.values())

    def in_words(self) -> str:
        """Return the kinds of processes, the biggest first."""
        kinds = sorted(self.by_kind, key=lambda kind: -self.by_kind[kind])
        return ", ".join(f"{self.count[kind]} {kind} {self.by_kind[kind] / MIB:,.0f}" for kind in kinds)


class Session:
    """The running JupyterLab and a thread that looks how much memory everything in it takes."""

    def __init__(self, place: Place, cgroup: Cgroup | None) -> None:
        self.base_url = f"/user/loyalty-course-{secrets.token_hex(4)}/"
        self.token = secrets.token_urlsafe(16)
        self.cgroup = cgroup
        self.ended_by_us: str | None = None
        self.log = place.folder / "jupyterlab.log"
        others = [line for line in Path("/etc/passwd").read_text().splitlines() if f":x:{UID}:" not in line]
        jovyan = f"{USER}:x:{UID}:{UID}::{place.home}:/bin/bash"
        (place.folder / "passwd").write_text("\n".join([*others, jovyan, ""]))
        # repo2docker's own first process of the container, which runs binder/start. Its `bash -l` is left out: there
        # it finds conda, here the machine's own /etc/profile.
        (entrypoint,) = place.venv.glob("lib/python3*/site-packages/repo2docker/buildpacks/repo2docker-entrypoint")
        launch = [
            *(f"{place.venv}/bin/python3", "-u", str(entrypoint)),
            *("jupyter-lab", "--ip=127.0.0.1", f"--port={PORT}", "--no-browser"),
            *(f"--ServerApp.base_url={self.base_url}", f"--IdentityProvider.token={self.token}"),
            *("--ServerApp.trust_xheaders=True", "--ServerApp.allow_origin=*"),
            "--MappingKernelManager.cull_idle_timeout=0",  # the visitor closes no tab, although it leaves its kernels
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
                # The leash ends in `unshare ... --`; one word more and the room has a network of its own.
                [*ON_A_LEASH[:-1], "--net", "--", *room, *AS_JOVYAN, *launch],
                env=environment,
                cwd=place.repo,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the script, which then ends this in order
            )
        try:
            self._init = self._enter_room(ready)
        except BaseException:
            self._outer.kill()
            raise
        self.samples: list[Sample] = []
        threading.Thread(target=self._watch, daemon=True).start()

    def _enter_room(self, ready: Path) -> psutil.Process:
        """Return the first process of the room, once that is furnished."""
        wait(lambda: ready.exists() or not self.alive, "the room that JupyterLab runs in", ROOM_SECONDS)
        if not ready.exists():
            raise Trouble(f"The room for JupyterLab could not be made:\n{self.last_words()}")
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
        """Return the words before a command that runs in the session's network, as the visitor's browser would."""
        return [*ON_A_LEASH[:3], "nsenter", f"--net=/proc/{self._init.pid}/ns/net", "--"]

    def processes(self) -> list[psutil.Process]:
        """Return all processes of the session; those that have ended and were not asked for their end are none."""
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
        """Return what all processes take now."""
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
                    f"The session took {taken / MIB:,.0f} MiB, more than Binder's {LIMIT // MIB:,}: ended"
                )
                self._outer.kill()
            time.sleep(SAMPLE_SECONDS)

    def peak(self, since: float) -> Sample:
        """Return the sample since then in which the most was taken."""
        found = [sample for sample in self.samples if sample.when >= since]
        return max(found or [self.sample()], key=lambda sample: sample.taken)

    def end(self) -> bool:
        """Ask JupyterLab to end, insist if it does not; return whether it went by itself."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self._init.send_signal(signal.SIGTERM)
        try:
            self._outer.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._outer.kill()
            self._outer.wait(END_SECONDS)
            return False
        return True
