"""The environment .venv: whether it can be used, and how it is made."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

Facts = Dict[str, Any]  # what a Python says of itself: see PROBE

HERE = Path(__file__).resolve().parent.parent
OLDEST, TOO_NEW = (3, 11), (3, 14)
VENV = HERE / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMPS = (".lab", ".test")
PARTS = ("pyvenv.cfg", "bin", "lib", "Scripts", "Lib", *STAMPS)

UNFINISHED = VENV / ".unfinished"
"""It is there while packages are installed. An installation that was killed leaves it, and half a package."""

ELSEWHERE = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_NO_DEPS", "PIP_DRY_RUN", "PIP_CONSTRAINT")
"""Settings of pip for other projects, by which it would install elsewhere, less, or other versions."""

EXAMPLE = "e.g. make lab PYTHON=python3.12"

PROBE = """
import importlib.util, json, os, sys
def place(name):
    found = importlib.util.find_spec(name)
    return found and found.origin
print(json.dumps({
    "version": sys.version_info[:2], "prefix": sys.prefix, "base": os.path.realpath(sys.base_prefix),
    "python": getattr(sys, "_base_executable", sys.executable), "pip": place("pip"), "loyalty": place("loyalty"),
}))
"""


def environment() -> Dict[str, str]:
    """Return what venv, pip and uv inherit: no setting of another Python, nor one that installs elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    for name in ELSEWHERE:
        kept.pop(name, None)
    kept.update(PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1")
    return kept


def run(*command: object) -> "subprocess.CompletedProcess[str]":
    """Run a command in the course's folder, and keep what it writes."""
    return subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=str(HERE),
        env=environment(),
        encoding="utf-8",
        errors="replace",
    )


def facts(python: object) -> Facts:
    """Return what a Python says of itself; empty if it does not run."""
    try:
        asked = run(python, "-I", "-c", PROBE)
        said: Facts = json.loads(asked.stdout) if asked.returncode == 0 else {}
        return said
    except (OSError, ValueError):  # no such program, or not a Python
        return {}


def own_facts() -> Facts:
    """Return what the environment's Python says of itself; empty if it does not run."""
    return facts(PYTHON)


def allowed(found: Facts) -> bool:
    """Return whether the course can run on this Python."""
    return bool(found) and OLDEST <= tuple(found["version"]) < TOO_NEW


def is_here(place: str) -> bool:
    """Return whether a file is in this course's folder."""
    return HERE in Path(place).resolve().parents


def stamped(what: str) -> str:
    """Return the stamp that an environment has: its folder and its packages; empty if it has none."""
    try:
        return (VENV / what).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def fault(found: Facts, asked: Facts) -> str:
    """Return why the environment has to be made anew; empty if it can be used. `asked` is the Python that it needs."""
    if not found:
        return "its Python is gone, or does not run"
    if not allowed(found):
        return "its Python is {}.{}".format(*found["version"])
    if asked and (asked["version"], asked["base"]) != (found["version"], found["base"]):
        return f"it is of the Python in {found['base']}, and PYTHON= names the one in {asked['base']}"
    if not os.path.samefile(found["prefix"], str(VENV)):
        return f"its Python belongs to {found['prefix']}"
    if UNFINISHED.exists():
        return "an installation was interrupted"
    if not found["pip"]:
        return "it has no pip"
    if found["loyalty"] and not is_here(found["loyalty"]):
        return f"it runs the course in {Path(found['loyalty']).parent.parent}"
    for what in STAMPS:
        place = stamped(what).partition("\n")[0]
        if place and not (os.path.exists(place) and os.path.samefile(place, str(HERE))):
            return f"it was made in {place}"
    return ""


def make(python: str, found: Facts) -> None:
    """Make the environment, or make it anew, with the Python `found`; refuse one that the course cannot run on."""
    if not found:
        sys.exit(f"Cannot run {python}; name a Python from 3.11 to 3.13, {EXAMPLE}")
    if not allowed(found):
        version = "{}.{}".format(*found["version"])
        sys.exit(f"Python {version} cannot run this course; possible are 3.11 to 3.13, {EXAMPLE}")
    if VENV.exists() and not VENV.is_dir():
        sys.exit(f"Cannot make an environment in {VENV}: it is a file; move it away")
    if VENV.is_dir() and any(VENV.iterdir()) and not any((VENV / part).exists() for part in PARTS):
        sys.exit(f"Cannot make an environment in {VENV}: it holds other files; move them away")
    if VENV.is_symlink():  # what it leads to may serve another course, and venv refuses a link
        VENV.unlink()
    print("Making the environment in .venv, once ...", flush=True)
    made = run(found["python"], "-I", "-m", "venv", "--clear", VENV)
    if made.returncode != 0:
        print(made.stdout.strip(), file=sys.stderr)
        if not re.search("ensurepip|No module named venv", made.stdout):
            sys.exit(f"{found['python']} cannot make an environment in {VENV}, for the reason above")
        version = "{}.{}".format(*found["version"])
        sys.exit(
            f"{found['python']} cannot make an environment. On Debian and Ubuntu, `sudo apt install "
            f"python{version}-venv` brings what it lacks; then give the same command again"
        )
