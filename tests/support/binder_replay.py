"""`python -m tests.support.binder_replay [NOTEBOOK ...]`: run notebooks as on Binder, without Docker.

The script builds as repo2docker's Python build pack does, launches JupyterLab as BinderHub does, and runs the notebooks
there. Prints time and memory of each notebook.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.support.binder_build import HOUSE, SYSTEM_PATH, UID, Place, Trouble, build, listing, may, what_is_missing
from tests.support.binder_machine import MIB, Cgroup, Janitor
from tests.support.binder_session import FORK_SERVER, Session, kind, wait

MOST_MIB = 1716
"""1.8 GB for JupyterLab and all kernels together. Binder kills a session at 2,048 MiB."""

VISIT_SECONDS = 1200.0
QUIET_SECONDS = 20.0


@dataclass
class Visit:
    """The run of one notebook. `peak` is the highest memory of all processes of the session, in MiB (PSS).

    The peak includes the kernels of earlier notebooks. `biggest` lists the memory for each kind of process at the peak.
    """

    name: str
    cells: int
    seconds: float
    peak: float
    biggest: str
    failure: str | None
    links: list[str]
    web_ui: bool
    facts: dict[str, Any]

    def complaints(self, session: Session) -> list[str]:
        """Return one sentence for each fault."""
        proxy = f"{session.base_url}proxy/"
        direct = [link for link in self.links if not link.startswith(proxy)]
        found: dict[str, object] = {
            f"failed: {self.failure}": self.failure,
            f"used {self.peak:,.0f} MiB ({self.biggest}); at most {MOST_MIB:,} are allowed": self.peak > MOST_MIB,
            "shows no link to the Web UI": not self.links,
            f"links to the Web UI without JupyterLab's proxy: {direct}": direct,
            f"links to {self.links[:1]}, which shows no Web UI": self.links and not self.web_ui,
        }
        if self.facts:  # a failed notebook has no facts
            uid, network = self.facts["uid"], self.facts["network"]
            found |= {
                f"ran as user {uid}, not {UID}": uid != UID,
                f"could reach the network: {network}": network != "ENETUNREACH",
            }
        return [f"{self.name} {sentence}" for sentence, is_so in found.items() if is_so]


@dataclass
class Report:
    """The result of a replay. The replay was successful if `complaints` is empty. Memory is in MiB."""

    base_url: str = ""
    idle: float = 0
    cgroup_peak: float | None = None
    visits: list[Visit] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    left_in_tmp: list[str] = field(default_factory=list)
    at_the_end: str = ""

    def table(self) -> str:
        """Return one line per notebook, and lines about the whole session."""
        rows = ["notebook                  cells  seconds  peak MiB"]
        rows += [
            f"{one.name:25} {one.cells:5} {one.seconds:8.1f} {one.peak:9,.0f}  {one.biggest}" for one in self.visits
        ]
        rows.append(f"{'(before the first)':25} {'':5} {'':8} {self.idle:9,.0f}")
        highest = max((one.peak for one in self.visits), default=0)
        rows.append(f"{'(at most)':25} {'':5} {'':8} {highest:9,.0f}  of {MOST_MIB:,}; at the end: {self.at_the_end}")
        if self.cgroup_peak is not None:
            rows.append(  # without pages of files that the build has read first
                f"The peak memory of the cgroup: {self.cgroup_peak:,.0f} of 2,048 MiB."
            )
        if self.left_in_tmp:
            rows.append(f"Remaining files in /tmp: {', '.join(self.left_in_tmp)}")
        return "\n".join(rows)


def say(words: str) -> None:
    """Print a line to stderr, with the current time."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {words}\n")


def visit(session: Session, order: dict[str, str], what: str) -> dict[str, Any]:
    """Run `tests.support.binder_visitor` in the session's network, and return its JSON output."""
    try:
        done = subprocess.run(
            [*session.enter(), sys.executable, "-m", "tests.support.binder_visitor"],
            input=json.dumps({"url": session.url, "token": session.token, **order}),
            env={"PATH": SYSTEM_PATH, "HOME": "/nonexistent", "LANG": "C.UTF-8"},
            cwd=HOUSE,
            capture_output=True,
            text=True,
            timeout=VISIT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise Trouble(f"Waited {VISIT_SECONDS:g} s for {what}") from error
    if done.returncode or not session.alive:
        killed = session.cgroup.killed if session.cgroup else 0
        why = session.ended_by_us or (f"the kernel killed {killed} processes at the memory limit" if killed else "")
        logs = f"{done.stderr[-3000:]}\nThe end of JupyterLab's log:\n{session.last_words()}"
        raise Trouble(f"Could not run {what}: {why}\n{logs}")
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def run(place: Place, session: Session, notebooks: Sequence[Path]) -> Report:
    """Run the notebooks one after another, each in its own kernel. All kernels keep running until the end."""
    report = Report(session.base_url)
    visit(session, {}, "JupyterLab")
    report.idle = session.sample().taken / MIB
    alone = {process.pid for process in session.processes()}
    say(f"JupyterLab is up and uses {report.idle:,.0f} MiB.")
    for notebook in notebooks:
        since = time.monotonic()
        path = f"notebooks/{notebook.name}"
        seen = visit(session, {"path": path, "output": str(place.home / "executed" / notebook.name)}, path)
        peak = session.peak(since)
        one = Visit(name=notebook.stem, peak=peak.taken / MIB, biggest=peak.in_words(), **seen)
        report.visits.append(one)
        say(f"{one.name}: {one.cells} cells, {one.seconds:.1f} s, {one.peak:,.0f} MiB: {one.biggest}.")
        report.complaints += one.complaints(session)
    report.at_the_end = session.sample().in_words()
    visit(session, {"leave": "all"}, "the end of the kernels")
    wait(
        lambda: {process.pid for process in session.processes() if kind(process) != FORK_SERVER} <= alone,
        "the end of all processes of the labs",
        QUIET_SECONDS,
    )
    addresses = {one.facts["address"] for one in report.visits if one.facts}
    if len(addresses) > 1:
        report.complaints.append(f"The notebooks of one session used different Temporal servers: {addresses}")
    return report


def replay(notebooks: Sequence[Path], folder: Path | None = None) -> Report:
    """Build, launch JupyterLab, run the notebooks, and clean up.

    Keep the files if `folder` is given. Raises Trouble.
    """
    missing = what_is_missing()
    if missing:
        raise Trouble(missing)
    if folder is not None and folder.exists() and any(folder.iterdir()):
        raise Trouble(f"{folder} is not empty; name a new folder")
    parent = tempfile.gettempdir() if may("-x", Path(tempfile.gettempdir())) else "/var/tmp"
    place = Place((folder or Path(tempfile.mkdtemp(prefix="loyalty-binder-", dir=parent))).resolve())
    cgroup = Cgroup.make(f"loyalty-binder-{os.getpid()}-{secrets.token_hex(2)}")
    janitor = Janitor(cgroup, None if folder else place.folder)
    session: Session | None = None
    try:
        place.folder.mkdir(parents=True, exist_ok=True)
        place.folder.chmod(0o755)
        say("Building (about half a minute) ...")
        build(place)
        before = listing(place)
        say(f"Launching, with a limit of 2,048 MiB from {'a cgroup' if cgroup else 'a thread'} ...")
        session = Session(place, cgroup)
        report = run(place, session, notebooks)
        if cgroup is not None:
            report.cgroup_peak = None if cgroup.peak is None else cgroup.peak / MIB
            if cgroup.killed:
                report.complaints.append(f"The kernel killed {cgroup.killed} processes at the memory limit")
        if not session.end():
            report.complaints.append("JupyterLab did not end after SIGTERM")
        after = listing(place)
        changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
        if changed:
            report.complaints.append(f"The session changed files outside HOME and /tmp: {', '.join(changed[:10])}")
        way_to_the_folder = place.folder.parts[2:3]  # a folder in /tmp is in the session's /tmp, too
        report.left_in_tmp = sorted({path.name for path in place.tmp.iterdir()}.difference(way_to_the_folder))
        (place.home / "executed" / "report.json").write_text(json.dumps(asdict(report), indent=1))
        return report
    finally:
        if session is not None:
            session.end()
        janitor.clear()


def main() -> None:
    """Print the report; exit with 1 if there are complaints."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.binder_replay", description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK", help="default: all")
    parser.add_argument(
        "--folder", type=Path, help="a new folder for all files; default: a temporary folder, removed at the end"
    )
    asked = parser.parse_args()
    try:
        report = replay(asked.notebooks or sorted((HOUSE / "notebooks").glob("*.ipynb")), asked.folder)
    except Trouble as trouble:
        sys.exit(str(trouble))
    sys.stdout.write(report.table() + "\n")
    if report.complaints:
        sys.exit("\n".join(report.complaints))


if __name__ == "__main__":
    main()
