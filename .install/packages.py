"""The packages of the environment .venv: the locked versions, by uv or by pip."""

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
    """Return the stamp of an environment for this folder and these packages."""
    wanted = (HERE / "pyproject.toml").read_bytes() + (HERE / LOCK).read_bytes()
    return f"{HERE}\n{hashlib.sha256(wanted).hexdigest()}\n"


def is_installed(what: str) -> bool:
    """Return whether the environment has the versions that are locked now."""
    return stamped(what) == stamp() and bool(own_facts().get("loyalty"))


def install(what: str) -> None:
    """Install the locked versions: with uv in about a sixth of pip's time, or with pip if uv fails."""
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
        if sentence:  # the packages did not arrive, so the environment is as it was before
            UNFINISHED.unlink()
        sys.exit(REFUSED + (sentence or "The lines above are pip's; mend the cause and give the same command again"))
    UNFINISHED.unlink()
    loyalty = own_facts().get("loyalty")
    if not loyalty or not is_here(loyalty):
        sys.exit(REFUSED + "They are not in .venv afterwards; `pip config list` may show what sends them elsewhere")
    for each in (".lab", what):
        (VENV / each).write_text(stamp(), encoding="utf-8")
    print(f"Installed in {time.monotonic() - started:.0f} s.", flush=True)


def by_uv(*packages: object) -> Tuple[bool, str]:
    """Return whether uv has installed the packages, and what it wrote."""
    if not has_uv():
        return False, ""
    tried = run(PYTHON, "-I", "-m", "uv", "pip", "install", "--python", PYTHON, *packages)
    return tried.returncode == 0, tried.stdout


def has_uv() -> bool:
    """Return whether the environment has uv, or has it now; end behind a dead proxy."""
    if run(PYTHON, "-I", "-m", "uv", "--version").returncode == 0:
        return True
    tried = run(PYTHON, "-I", "-m", "pip", "install", "--quiet", "--retries", "1", "uv")
    if tried.returncode != 0 and re.search("proxy", tried.stdout, re.IGNORECASE) and dead_proxy():
        if UNFINISHED.exists():
            UNFINISHED.unlink()
        sys.exit(REFUSED + dead_proxy())
    return tried.returncode == 0
