"""Check the environment .venv, and make it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

Facts = Dict[str, Any]  # the JSON object that PROBE prints

HERE = Path(__file__).resolve().parent.parent
OLDEST, TOO_NEW = (3, 11), (3, 14)
VENV = HERE / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMPS = (".lab", ".test")
PARTS = ("pyvenv.cfg", "bin", "lib", "Scripts", "Lib", *STAMPS)

UNFINISHED = VENV / ".unfinished"
"""This file exists during an installation. A killed installation leaves the file, and half a package."""

ELSEWHERE = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_NO_DEPS", "PIP_DRY_RUN", "PIP_CONSTRAINT")
"""Settings of pip for other projects. With them, pip installs into another folder, or installs other versions."""

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
    """Return the environment of venv, pip and uv, without settings for other projects."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    for name in ELSEWHERE:
        kept.pop(name, None)
    kept.update(PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1")
    return kept


def run(*command: object) -> "subprocess.CompletedProcess[str]":
    """Run a command in the folder of the course, and capture its output."""
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
    """Return the output of PROBE from a Python; empty if this Python does not run."""
    try:
        asked = run(python, "-I", "-c", PROBE)
        said: Facts = json.loads(asked.stdout) if asked.returncode == 0 else {}
        return said
    except (OSError, ValueError):  # no such program, or no Python
        return {}


def own_facts() -> Facts:
    """Return the output of PROBE from the Python in .venv; empty if this Python does not run."""
    return facts(PYTHON)


def allowed(found: Facts) -> bool:
    """Return whether the course can run on this Python."""
    return bool(found) and OLDEST <= tuple(found["version"]) < TOO_NEW


def is_here(place: str) -> bool:
    """Return whether a file is in the folder of this course."""
    return HERE in Path(place).resolve().parents


def stamped(what: str) -> str:
    """Return the text of a stamp file in .venv; empty if the file is missing."""
    try:
        return (VENV / what).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def fault(found: Facts, asked: Facts) -> str:
    """Return why .venv cannot be used; empty if it can be used. `asked` is the Python that PYTHON= names."""
    if not found:
        return "its Python is missing or does not run"
    if not allowed(found):
        return "its Python is {}.{}".format(*found["version"])
    if asked and (asked["version"], asked["base"]) != (found["version"], found["base"]):
        return f"its Python is in {found['base']}, and PYTHON= names the Python in {asked['base']}"
    if not os.path.samefile(found["prefix"], str(VENV)):
        return f"its Python belongs to {found['prefix']}"
    if UNFINISHED.exists():
        return "an installation was interrupted"
    if not found["pip"]:
        return "it has no pip"
    if found["loyalty"] and not is_here(found["loyalty"]):
        return f"it runs the course from {Path(found['loyalty']).parent.parent}"
    for what in STAMPS:
        place = stamped(what).partition("\n")[0]
        if place and not (os.path.exists(place) and os.path.samefile(place, str(HERE))):
            return f"it was made in {place}"
    return ""


def make(python: str, found: Facts) -> None:
    """Make .venv again with the Python `found`; exit with a sentence if the course cannot run on this Python."""
    if not found:
        sys.exit(f"Cannot run {python}; name a Python from 3.11 to 3.13, {EXAMPLE}")
    if not allowed(found):
        version = "{}.{}".format(*found["version"])
        sys.exit(f"Python {version} cannot run this course; expected 3.11 to 3.13, {EXAMPLE}")
    if VENV.exists() and not VENV.is_dir():
        sys.exit(f"Cannot make an environment in {VENV}: this path is a file; move the file away")
    if VENV.is_dir() and any(VENV.iterdir()) and not any((VENV / part).exists() for part in PARTS):
        sys.exit(f"Cannot make an environment in {VENV}: the folder contains other files; move these files away")
    if VENV.is_symlink():  # another course may use the link's target, and venv refuses a link
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
            f"python{version}-venv` installs the missing part; then run the same command again"
        )
