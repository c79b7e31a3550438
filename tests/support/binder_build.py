"""Build this repository as repo2docker's Python build pack does, in a folder instead of an image."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).parents[2]
USER = "jovyan"
UID = 1000
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
POSSIBLE = ("3.11", "3.12", "3.13")
TOOLS = ("git", "ip", "mount", "nsenter", "setpriv", "unshare")
BUILD_SECONDS = 600.0

AS_JOVYAN = (
    *("setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--no-new-privs"),
    *("--bounding-set=-all", "--inh-caps=-all", "--pdeathsig=KILL", "--", "env"),
)
"""The user has only a number; the session's /etc/passwd adds the name. Without `env`, setpriv could enter /root."""

ON_A_LEASH = (
    *("setpriv", "--pdeathsig=KILL", "--"),
    *("unshare", "--pid", "--mount-proc", "--fork", "--kill-child=SIGKILL", "--"),
)
"""The kernel kills the first process of the namespace when this script ends, and with it all other processes."""

PACKAGE_CLIENT = ("PIP_", "UV_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "HTTP_", "HTTPS_", "NO_PROXY", "ALL_PROXY")


class Trouble(Exception):
    """The replay has failed. The text of this error is the reason."""


@dataclass(frozen=True)
class Place:
    """The folders of a replay."""

    folder: Path

    @property
    def repo(self) -> Path:
        return self.folder / "srv" / "repo"

    @property
    def venv(self) -> Path:
        return self.folder / "srv" / "venv"

    @property
    def home(self) -> Path:
        return self.folder / "home" / USER

    @property
    def tmp(self) -> Path:
        return self.folder / "tmp"

    @property
    def environment(self) -> dict[str, str]:
        """All environment variables of a Binder session; C.UTF-8, because some machines have no en_US."""
        path = [f"{self.home}/.local/bin", f"{self.repo}/.local/bin", f"{self.venv}/bin", SYSTEM_PATH]
        names = dict.fromkeys(("LC_ALL", "LANG", "LANGUAGE"), "C.UTF-8")
        prefixes = dict.fromkeys(("NB_PYTHON_PREFIX", "KERNEL_PYTHON_PREFIX"), str(self.venv))
        user = {"USER": USER, "NB_USER": USER, "NB_UID": str(UID), "HOME": str(self.home), "SHELL": "/bin/bash"}
        return {**names, **prefixes, **user, "REPO_DIR": str(self.repo), "PATH": ":".join(path)}


def call(
    what: str, command: Sequence[str], environment: Mapping[str, str], cwd: Path, seconds: float = BUILD_SECONDS
) -> str:
    """Return the output of `command`.

    Raise Trouble if the command fails or takes too long; `what` names the command in the error.
    """
    try:
        done = subprocess.run(
            [*ON_A_LEASH, *command],
            env=environment,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise Trouble(f"Waited {seconds:g} s for {what}") from error
    if done.returncode:
        raise Trouble(f"{what} failed with exit status {done.returncode}:\n{done.stdout[-3000:]}")
    return done.stdout


def may(what: str, path: Path) -> bool:
    """Return whether the user `jovyan` may enter a folder (`-x`) or write to a folder (`-w`)."""
    return subprocess.run([*AS_JOVYAN, "test", what, str(path)], cwd="/").returncode == 0


def what_is_missing() -> str | None:
    """Return one sentence about the first missing requirement of this machine, or None."""
    if not sys.platform.startswith("linux"):
        return f"The replay of Binder requires Linux (namespaces, /proc); this is {sys.platform}"
    if os.geteuid() != 0:
        return "The replay of Binder requires root, to start a session of another user without a network: try sudo"
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    if absent:
        return f"The replay of Binder requires the programs {', '.join(absent)} (packages util-linux, iproute2, git)"
    if subprocess.run([*ON_A_LEASH, "unshare", "--net", "true"], capture_output=True).returncode:
        return "The replay of Binder requires the right to make namespaces (CAP_SYS_ADMIN); a container may lack it"
    if python() is None:
        return (
            f"The replay of Binder requires a Python {POSSIBLE[0]} to {POSSIBLE[-1]} outside /root that an ordinary "
            "user can execute, e.g. from `apt-get install python3`"
        )
    return None


def python() -> str | None:
    """Return a Python that `jovyan` can execute, preferably the version in runtime.txt, or None."""
    wanted = (HOUSE / "binder" / "runtime.txt").read_text().strip().removeprefix("python-")
    places = f"{SYSTEM_PATH}:{os.environ.get('PATH', '')}"
    candidates = [f"{sys.base_prefix}/bin/python3", *(shutil.which(f"python{one}", path=places) for one in POSSIBLE)]
    question = "import sys; print('%d.%d' % sys.version_info[:2])"
    found: dict[str, str] = {}
    for candidate in filter(None, candidates):
        asked = subprocess.run(
            [*AS_JOVYAN, candidate, "-I", "-c", question], env={}, cwd="/", capture_output=True, text=True
        )
        version = asked.stdout.strip()
        if asked.returncode == 0 and version in POSSIBLE:
            found.setdefault(version, candidate)
    return found.get(wanted, next(iter(found.values()), None))


def build(place: Place) -> None:
    """Copy the tracked files, install the packages, run binder/postBuild, and make the result read-only."""
    for folder in (place.repo, place.home, place.tmp):
        folder.mkdir(parents=True)
    place.tmp.chmod(0o1777)
    if not may("-x", place.repo):
        raise Trouble(f"An ordinary user cannot enter {place.folder}; name another folder with --folder")
    _copy(place)
    client = {name: value for name, value in os.environ.items() if name.upper().startswith(PACKAGE_CLIENT)}
    _install(place, client)
    for ours in (place.repo, place.venv, place.home):
        _give(ours, UID)
    here = {**place.environment, **client}
    call("binder/postBuild", [*AS_JOVYAN, str(place.repo / "binder" / "postBuild")], here, place.repo)
    for ours in (place.repo, place.venv):
        _give(ours, 0)
        if may("-w", ours):
            raise Trouble(f"{USER} can write to {ours}, but it must be read-only")


def _copy(place: Place) -> None:
    # CI's checkout may belong to another user than root.
    listed = call("git ls-files", ["git", "-c", "safe.directory=*", "ls-files", "-z"], {"PATH": SYSTEM_PATH}, HOUSE)
    for name in filter(None, listed.split("\0")):
        if (HOUSE / name).is_file():
            (place.repo / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(HOUSE / name, place.repo / name)


def _install(place: Place, client: Mapping[str, str]) -> None:
    interpreter = python()
    assert interpreter is not None
    lock, venv = str(place.repo / "binder" / "requirements.txt"), str(place.venv)
    uv = [sys.executable, "-m", "uv"]
    if subprocess.run([*uv, "--version"], capture_output=True).returncode == 0:
        # Copies: a hard link into uv's cache in root's HOME would change the owner of the cached file, too.
        root = {**client, "HOME": str(Path.home()), "PATH": SYSTEM_PATH}
        call("uv venv", [*uv, "venv", "--quiet", "--seed", "--link-mode=copy", "-p", interpreter, venv], root, HOUSE)
        # uv must compile, as pip does: a read-only environment cannot store bytecode later.
        how = ["--quiet", "--link-mode=copy", "--compile-bytecode", "-p", f"{venv}/bin/python"]
        call("uv pip install", [*uv, "pip", "install", *how, "-r", lock], root, HOUSE)
        return
    here = {**place.environment, **client}
    _give(place.folder / "srv", UID)
    _give(place.home, UID)
    call("python -m venv", [*AS_JOVYAN, interpreter, "-m", "venv", venv], here, place.repo)
    call("pip install", [*AS_JOVYAN, f"{venv}/bin/pip", "install", "--no-cache-dir", "-r", lock], here, place.repo)
    _give(place.folder / "srv", 0)


def _give(root: Path, uid: int) -> None:
    """Change the owner of a folder with all its files. All users may read the files; only the owner may write."""
    for path in [root, *_below(root)]:
        os.chown(path, uid, uid, follow_symlinks=False)  # bin/python is a link to the machine's Python
        if not path.is_symlink():
            readable = 0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444
            path.chmod(path.stat().st_mode & ~0o022 & 0o777 | readable)


def _below(root: Path) -> list[Path]:
    return [Path(folder, name) for folder, folders, files in os.walk(root) for name in (*folders, *files)]


def listing(place: Place) -> dict[str, tuple[int, ...]]:
    """Return mode, owner, size and modification time of each file in the repository and the environment."""
    looks = {str(path): path.lstat() for root in (place.repo, place.venv) for path in _below(root)}
    return {path: (seen.st_mode, seen.st_uid, seen.st_size, seen.st_mtime_ns) for path, seen in looks.items()}
