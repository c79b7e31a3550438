"""Transfers with plain calls.

A teller calls one service to withdraw points, and then calls the other service to deposit the points.

The command `python -m loyalty.lab.experiments.transfers.calls FOLDER FIRST END` runs a teller. The teller makes the
transfers with the numbers FIRST to END - 1.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from pathlib import Path

from loyalty.lab.experiments.transfers.accounts import Services
from loyalty.lab.experiments.transfers.crashing_process import run
from loyalty.lab.experiments.transfers.outcome import Outcome, audit
from loyalty.lab.experiments.transfers.planning import AFTER_DEPOSITING, AFTER_WITHDRAWING, Plan


def by_calls(folder: Path, plan: Plan, *, repeated: bool) -> Outcome:
    """Make all transfers with calls. If `repeated` is true, a new teller repeats an interrupted transfer."""
    started, services = time.monotonic(), Services.open(folder, plan)
    crashes = run_tellers(services.folder, len(plan), repeated)
    way = "calls, repeated until confirmed" if repeated else "calls, never repeated"
    return audit(way, services.moved(plan), crashes, time.monotonic() - started)


def run_tellers(folder: Path, transfers: int, repeated: bool) -> int:
    """Start a teller for all transfers. Start a new teller after each crash. Return the number of crashes."""
    transfer = crashes = 0
    while transfer < transfers:
        confirmed, crashed = run("loyalty.lab.experiments.transfers.calls", folder, transfer, transfers)
        transfer += len(confirmed)
        if crashed:
            crashes += 1
            transfer += 0 if repeated else 1  # the state of the interrupted transfer is unknown
    return crashes


def make(transfers: Iterable[int], services: Services) -> None:
    """Withdraw and deposit the points of each transfer, and print the number of the transfer."""
    for transfer in transfers:
        services.giver.withdraw(transfer)
        services.crashes.crash_if_planned(transfer, AFTER_WITHDRAWING)
        services.receiver.deposit(transfer)
        services.crashes.crash_if_planned(transfer, AFTER_DEPOSITING)
        print(transfer, flush=True)  # confirmed


if __name__ == "__main__":
    make(range(int(sys.argv[2]), int(sys.argv[3])), Services(Path(sys.argv[1])))
