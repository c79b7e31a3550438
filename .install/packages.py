"""Install the locked versions into .venv, with uv or with pip."""

import hashlib
import re
import sys
import time
from pathlib import Path
from typing import Tuple

from network import advice, dead_proxy
from virtual import HERE, PYTHON, UNFINISHED, VENV, is_here, own_facts, run, stamped

LOCK = Path("binder") / "requirements.txt"
WHAT = {".lab": ".[course]", ".test": ".[test]"}
LAST_WORDS = 12
REFUSED = "Cannot install the course's packages. "


def stamp() -> str:
    """Return the stamp of a complete environment: this folder, and a hash of the manifest and the lock."""
    wanted = (HERE / "pyproject.toml").read_bytes() + (HERE / LOCK).read_bytes()
    return f"{HERE}\n{hashlib.sha256(wanted).hexdigest()}\n"


def is_installed(what: str) -> bool:
    """Return whether .venv has the locked versions."""
    return stamped(what) == stamp() and bool(own_facts().get("loyalty"))


def install(what: str) -> None:
    """Install the locked versions with uv, or with pip if uv fails. Pip takes about six times as long."""
    things = "the test tools" if what == ".test" else "the locked versions"
    print(f"Installing {things} into .venv ...", flush=True)
    started = time.monotonic()
    UNFINISHED.touch()
    packages = ("--quiet", "--constraint", LOCK, "--editable", WHAT[what])
    done, written = by_uv(*packages)
    if not done:
        print("uv cannot install here; installing with pip, which takes longer", flush=True)
        tried = run(PYTHON, "-I", "-m", "pip", "install", *packages)
        done, written = tried.returncode == 0, tried.stdout
    if not done:
        print("\n".join(written.splitlines()[-LAST_WORDS:]), file=sys.stderr)
        sentence = advice(written)
        if sentence:  # no package was installed, so .venv is unchanged
            UNFINISHED.unlink()
        sys.exit(REFUSED + (sentence or "Pip wrote the lines above; correct the cause and run the same command again"))
    UNFINISHED.unlink()
    loyalty = own_facts().get("loyalty")
    if not loyalty or not is_here(loyalty):
        sys.exit(REFUSED + "The installer used another folder than .venv; `pip config list` may show the wrong setting")
    for each in (".lab", what):
        (VENV / each).write_text(stamp(), encoding="utf-8")
    print(f"Installed in {time.monotonic() - started:.0f} s.", flush=True)


def by_uv(*packages: object) -> Tuple[bool, str]:
    """Return whether uv has installed the packages, and the output of uv."""
    if not has_uv():
        return False, ""
    tried = run(PYTHON, "-I", "-m", "uv", "pip", "install", "--python", PYTHON, *packages)
    return tried.returncode == 0, tried.stdout


def has_uv() -> bool:
    """Return whether .venv has uv, and install uv if it is missing; exit if a proxy is unreachable."""
    if run(PYTHON, "-I", "-m", "uv", "--version").returncode == 0:
        return True
    tried = run(PYTHON, "-I", "-m", "pip", "install", "--quiet", "--retries", "1", "uv")
    if tried.returncode != 0 and re.search("proxy", tried.stdout, re.IGNORECASE) and dead_proxy():
        if UNFINISHED.exists():
            UNFINISHED.unlink()
        sys.exit(REFUSED + dead_proxy())
    return tried.returncode == 0
