"""Run processes that crash as planned."""

from __future__ import annotations

import subprocess

from loyalty.lab.errors import LabError, WaitedTooLong
from loyalty.lab.experiments.transfers.planning import KILL
from loyalty.lab.processes.child import python_module
from loyalty.lab.processes.environment import python_environment

DEADLINE_SECONDS = 120
"""How long one process may run."""


def run(module: str, *arguments: object) -> tuple[list[str], bool]:
    """Run `python -m module arguments...`. Return the printed lines, and whether the process crashed as planned.

    Raise LabError if the process failed in another way, and WaitedTooLong if the process did not end in time.
    """
    command = python_module(module, *map(str, arguments))
    try:
        ended = subprocess.run(
            command, capture_output=True, encoding="utf-8", timeout=DEADLINE_SECONDS, env=python_environment()
        )
    except subprocess.TimeoutExpired as error:
        raise WaitedTooLong(f"Waited {DEADLINE_SECONDS} s until {module} ended, but this did not happen") from error
    crashed = ended.returncode in (-KILL, KILL)  # negative on Linux and macOS, positive on Windows
    if ended.returncode != 0 and not crashed:
        raise LabError(f"{module} failed without a planned crash; its last lines:\n{ended.stderr[-500:]}")
    return ended.stdout.splitlines(), crashed


def run_until_it_ends(module: str, *arguments: object) -> int:
    """Run the module again after each crash, until the module ends normally. Return the number of crashes."""
    crashes = 0
    while run(module, *arguments)[1]:
        crashes += 1
    return crashes
