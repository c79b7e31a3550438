"""Processes that crash where a plan says so."""

from __future__ import annotations

import subprocess

from loyalty.lab.errors import LabError, WaitedTooLong
from loyalty.lab.experiments.transfers.planning import KILL
from loyalty.lab.processes.child import python_module
from loyalty.lab.processes.environment import python_environment

DEADLINE_SECONDS = 120
"""How long one process may take for all that is left to do."""


def run(module: str, *arguments: object) -> tuple[list[str], bool]:
    """Run `python -m module arguments...` to its end; return the lines that it printed, and whether it crashed.

    Raise LabError where it failed in another way.
    """
    command = python_module(module, *map(str, arguments))
    try:
        ended = subprocess.run(
            command, capture_output=True, encoding="utf-8", timeout=DEADLINE_SECONDS, env=python_environment()
        )
    except subprocess.TimeoutExpired as error:
        raise WaitedTooLong(f"Waited {DEADLINE_SECONDS} s until {module} ended, but this did not happen") from error
    crashed = ended.returncode in (-KILL, KILL)  # as Linux and macOS say it, and Windows
    if ended.returncode != 0 and not crashed:
        raise LabError(f"{module} failed, and not by a planned crash; its last lines:\n{ended.stderr[-500:]}")
    return ended.stdout.splitlines(), crashed


def keep_alive(module: str, *arguments: object) -> int:
    """Run it, and start it again after each crash until it ends by itself; return the number of crashes."""
    crashes = 0
    while run(module, *arguments)[1]:
        crashes += 1
    return crashes
